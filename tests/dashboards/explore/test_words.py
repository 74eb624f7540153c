"""What Explore says around its figures: headings, choices, notes, links to files and to the API."""

import re
import shlex

import pytest
from django.core.cache import cache

from costwatch.dashboards.explore.metrics import METRICS
from tests.api.conftest import caller
from tests.dashboards.conftest import DAY
from tests.dashboards.page import links, rows, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]


@pytest.fixture(autouse=True)
def fresh_menus():
    """Tags are remembered for half a minute."""
    cache.clear()


def options(html: str, name: str) -> list[tuple[str, str, str]]:
    """(value, label, state) of the choices of a select."""
    part = html[html.index(f'<select name="{name}"') :].partition("</select>")[0]
    return [
        (value.replace("&amp;", "&"), label, " ".join(states.split()))
        for value, states, label in re.findall(r'<option value="([^"]*)"([^>]*)>([^<]*)</option>', part)
    ]


def chosen(html: str, name: str) -> list[str]:
    return [value for value, _, state in options(html, name) if state == "selected"]


@pytest.mark.parametrize(
    ("query", "chart", "table"),
    [
        ("", "Spend per day by agent", "Agents"),
        ("metric=cost_per_run&by=tag.customer", "Cost per run by customer, per day", "Customers"),
        ("by=none&bucket=week", "Spend per week", "Weeks"),
        ("by=none&bucket=15m&period=today", "Spend per 15 minutes", "Buckets"),
        ("metric=calls&by=key&across=model&period=today", "Calls per hour by api key", "API keys across models"),
        ("metric=error_share&by=none", "Error share, per day", "Days"),
        ("metric=input_tokens&by=user&across=tag.category", "Input tokens per day by user", "Users across categories"),
    ],
)
def test_headings_say_what_is_asked(page, month, query, chart, table):
    html = page(query)
    assert f'<h2 id="h-chart">{chart}</h2>' in html
    assert f'<h2 id="h-table">{table}</h2>' in html


def test_every_choice_is_there_and_what_is_asked_is_chosen(page, send):
    send(entry(tags={"customer": "Orbit", "a&b": "x"}))
    html = page("metric=error_share&by=model&across=tag.customer&bucket=week&against=month")
    assert [value for value, _, _ in options(html, "metric")] == list(METRICS)
    dimensions = ["provider", "model", "operation", "agent", "task", "environment", "release", "key", "user", "session",
                  "run", "tag.a&b", "tag.customer"]  # fmt: skip
    assert [value for value, _, _ in options(html, "by")] == [*dimensions, "none"]
    assert [value for value, _, _ in options(html, "across")] == ["", *dimensions]
    assert [chosen(html, name) for name in ("metric", "by", "across", "bucket", "against")] == [
        ["error_share"], ["model"], ["tag.customer"], ["week"], ["month"]]  # fmt: skip


def test_a_dimension_that_no_call_carries_is_a_choice_while_it_is_asked_for(page, month):
    html = page("by=tag.ghost&across=tag.other")
    assert chosen(html, "by") == ["tag.ghost"] and chosen(html, "across") == ["tag.other"]
    assert "tag.ghost" not in [value for value, _, _ in options(page(), "by")]


@pytest.mark.parametrize(
    ("query", "off"),
    [("period=today", []), ("period=7d", ["15m"]), ("", ["15m", "hour"]),
     ("first=2025-06-01&last=2026-11-18", ["15m", "hour", "day"])],
)  # fmt: skip
def test_bars_that_would_be_too_many_cannot_be_chosen(page, month, query, off):
    assert [value for value, _, state in options(page(query), "bucket") if "disabled" in state] == off


def test_the_form_keeps_days_and_conditions_and_nothing_that_it_asks_itself(page, month):
    html = page("metric=calls&by=user&across=model&bucket=week&against=custom&cfirst=2026-10-01&clast=2026-10-02"
                "&sort=name&rows=all&period=7d&agent=&task!=x")  # fmt: skip
    form = html[html.index('id="question"') :].partition("</form>")[0]
    assert re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form) == [
        ("period", "7d"), ("agent", ""), ("task!", "x")]  # fmt: skip
    assert re.findall(r'name="(c\w+)" value="([^"]*)"', form) == [("cfirst", "2026-10-01"), ("clast", "2026-10-02")]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "$6.75 · +$2.00 ▲ 42 % against $4.75, 4–21 Oct"),
        ("metric=calls", "5 · +3 ▲ 150 % against 2, 4–21 Oct"),
        ("metric=cost_per_call", "$1.69 · −$0.688 ▼ 29 % against $2.38, 4–21 Oct"),
        ("against=none", "$6.75"),
        ("period=today", "$5.00 · nothing to compare with in 11 Nov"),
    ],
)
def test_the_whole_and_its_change_stand_above_the_chart(page, month, query, words):
    html = page(query)
    (said,) = re.findall(r'<p class="note">(<b class="c-ink".*?)</p>', html)
    assert text(said) == words


@pytest.mark.parametrize(
    ("query", "note"),
    [("bucket=15m", "Shown per day: bars of 15 minutes would be too many for 18 days."),
     ("bucket=hour&period=30d", "Shown per day: bars of an hour would be too many for 30 days."),
     ("bucket=day&first=2025-01-01&last=2026-11-18", "Shown per week: bars of a day would be too many for 687 days.")],
)  # fmt: skip
def test_longer_bars_than_asked_for_are_explained(page, month, query, note):
    assert note in text(page(query))


@pytest.mark.parametrize(("agents", "told_one_by_one"), [(9, True), (10, False)])
def test_figures_of_the_chart_are_told_one_by_one_while_they_are_few(page, send, agents, told_one_by_one):
    """300 at most: ten series of thirty days are as many, with the others' they are more."""
    send(*(entry(agent_id=f"a-{n}", cost="1", minutes=-n * DAY) for n in range(agents)), entry(agent_id=None, cost="1"))
    html = page("period=30d&against=none")
    head = rows(html[html.index('id="chart-figures"') :])[0]
    assert (len(head) > 2) == told_one_by_one
    assert ("All series in all buckets" in text(html)) != told_one_by_one
    assert ("data-told" in html) == told_one_by_one
    assert head[-1] == "Total"


def test_of_more_than_a_hundred_bars_the_figures_have_a_page_of_their_own(page, month):
    html = page("first=2026-08-01&last=2026-11-18&bucket=day&against=none&agent!=x")
    (link,) = (link for link in links(html) if "by=none" in link and "sort" not in link)
    assert link == "/explore?by=none&bucket=day&against=none&first=2026-08-01&last=2026-11-18&agent%21=x"
    assert "Wed 18 Nov" in text(page(link.partition("?")[2].replace("%21", "!")))


@pytest.mark.parametrize(
    "query",
    ["", "by=tag.customer&across=agent&tag.customer=A %26 B&agent!=", "by=none&period=7d&task=refund",
     "metric=calls&by=user&user=o'neil&first=2026-10-01&last=2026-10-31"],
)  # fmt: skip
def test_the_command_to_copy_is_one_request_that_the_api_answers_with_the_same_total(
    client, workspace, send, month, query
):
    send(
        entry(tags={"customer": "A & B"}, agent_id="a", cost="2.5"),
        entry(user_id="o'neil", minutes=-30 * DAY, cost="4"),
    )
    html = client.get(f"/explore?{query}").content.decode()
    command = text(html[html.index("<pre") : html.index("</pre>")]).replace("\\ ", "")
    program, flag, header, address = shlex.split(command)
    assert (program, flag, header) == ("curl", "-H", "Authorization: Bearer $COSTWATCH_KEY")
    answer = caller(workspace, "read").get(address.removeprefix("http://testserver")).json()
    shown = rows(html[html.index('id="h-table"') :])[-1]
    total = answer["total"]
    cost = f"${float(total['cost_usd']):,.2f}"
    assert (str(total["calls"]) if "metric=calls" in query else cost) in shown


def test_exports_ask_for_the_same_span_and_conditions(client, month):
    html = client.get("/explore?by=model&agent=triage&task!=x&period=7d&bucket=hour").content.decode()
    files = [link for link in links(html) if link.startswith("/api/v1/export/")]
    asked = "agent=triage&task%21=x&from=2026-11-12&to=2026-11-19&tz=Europe/Berlin"
    for link in files:
        assert set(asked.split("&")) <= set(link.partition("?")[2].replace("%2F", "/").split("&")), link
        assert client.get(link).status_code == 200
    assert len(files) >= 2 and all("bucket=hour" in link for link in files if "spend.parquet" in link)


def test_of_a_ratio_the_page_says_how_it_is_divided(page, month):
    said = text(page("metric=cost_per_run"))
    assert (
        "Cost per run = spend ÷ runs that began here; every row and the total are divided from their own sums." in said
    )
    assert "divided from their own sums" not in text(page())


def test_colours_are_the_same_as_on_the_overview(client, month):
    for html in (client.get("/").content.decode(), client.get("/explore").content.decode()):
        keys = dict(re.findall(r'<span class="key c-([\w]+)[^"]*" aria-hidden="true"></span>(\w+)', html))
        assert (keys["s1"], keys["s2"]) == ("reasoning", "triage")
