"""The Overview: what it says is what spend.query says, for who may see it."""

import csv
import re
from decimal import Decimal
from io import StringIO

import pytest
from django.http import QueryDict

from costwatch.dashboards.state import State
from costwatch.spend.queries import query
from tests.dashboards.conftest import DAY, logged_in
from tests.dashboards.page import links, row, rows, series, text
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")


def body(client, address: str = "/", **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_figure_table_chart_and_csv_show_the_sums_of_the_books(client, workspace, month, now):
    html = body(client)
    state = State.from_query(QueryDict(), workspace, now)
    answer = query(workspace, state.filter(), ("agent",))
    sums = {group.values["agent"]: group.sums for group in answer.groups}
    assert answer.total.cost == Decimal("6.75")
    assert row(html, "reasoning")[1] == "$5.00" == f"${sums['reasoning'].cost:.2f}"
    assert row(html, "triage")[1] == "$1.25" == f"${sums['triage'].cost:.2f}"
    assert row(html, "Not attributed")[1] == "$0.50"
    assert row(html, "Total")[1] == "$6.75"
    drawn = sum(amount for trace in series(html) for amount in trace["y"])
    assert drawn == pytest.approx(6.75)
    table = list(csv.reader(StringIO(client.get("/overview.csv").content.decode())))
    costs = {line[0]: line[1] for line in table[1:]}
    assert costs["reasoning"] == "5.000000000000"
    assert costs["Not attributed"] == "0.500000000000"
    shown = sum(Decimal(line[1]) for line in table[1:-1])
    assert shown == Decimal(table[-1][1]) == answer.total.cost


def test_changes_are_in_dollars_against_the_same_weekdays_up_to_the_same_time(client, month):
    html = body(client)
    assert "against 4–21 Oct" in text(html)
    assert row(html, "reasoning")[4:6] == ["+$1.00", "▲ 25 %"], "$4 then; the $100 two hours later are not compared"
    assert row(html, "triage")[4:6] == ["+$1.25", "new"]
    assert row(html, "No longer there")[1:6] == ["$0.00", "0.0 %", "", "−$0.75", "▼ 100 %"]
    assert row(html, "Total")[4] == "+$2.00"
    assert "Net change +$2.00" in text(html)


def test_the_figures_say_today_month_and_now_against_what_is_usual(client, month):
    said = text(body(client))
    assert "Today, so far $5 .00" in said
    assert "November to date $6 .75" in said
    assert "Now, per hour $8 .00" in said, "$2 in the last 15 minutes, times four"
    assert "vs usual $1.00" in said, "$4 in one of four weeks"


def test_what_is_unpriced_is_counted_and_bounded_and_never_zero(client, send, month):
    send(entry(agent_id="mystery", cost=None, model="new-model", upper_bound=Decimal("3.20")))
    html = body(client)
    assert row(html, "mystery")[1:8] == ["unpriced", "–", "", "–", "–", "0", "–"]
    assert "2 calls unpriced , at most $3.45" in text(html).replace("unpriced,", "unpriced ,")
    assert "66.1 % priced" in text(html)


def test_one_address_is_a_page_or_for_htmx_its_content(client, month):
    page = client.get("/")
    part = client.get("/", headers={"HX-Request": "true"})
    assert page.content.startswith(b"<!doctype html>")
    assert b"<html" not in part.content
    assert b'id="overview"' in part.content
    assert b"<title>Overview" in part.content
    restored = client.get("/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert restored.content.startswith(b"<!doctype html>")
    for response in (page, part):
        assert "HX-Request" in response["Vary"]


def test_polling_answers_only_when_something_changed(client, send, month):
    html = body(client)
    seen = html.split('X-Seen": "')[1].split('"')[0]
    asked = {"HX-Request": "true", "X-Seen": seen}
    assert client.get("/", headers=asked).status_code == 204
    send(entry(cost="1"))
    changed = client.get("/", headers=asked)
    assert changed.status_code == 200
    assert b"$7.75" in changed.content


def test_filters_stand_as_chips_and_apply_to_figures_and_table(client, month):
    html = body(client, "/?agent=triage&environment!=staging")
    said = text(html)
    assert "agent is triage" in said
    assert "environment is not staging" in said
    assert row(html, "Total")[1] == "$1.25"
    assert "November to date $1 .25" in said
    assert "/?environment%21=staging" in links(html), "the address without the first filter"
    assert "/?agent=triage" in links(html)


def test_not_attributed_is_a_value_one_can_go_into(client, month):
    html = body(client)
    target = next(link for link in links(html) if link.startswith("/?agent=&"))
    assert row(body(client, target), "Total")[1] == "$0.50"


@pytest.mark.parametrize(
    ("by", "value", "below"),
    [("agent", "reasoning", "/?agent=reasoning&by=task"), ("task", "refund", "/?task=refund&by=user"),
     ("user", "u-1", "/?user=u-1&by=run"), ("run", "r-1", "/runs/r-1"),
     ("model", "gpt-5.4-mini", "/?model=gpt-5.4-mini")],
)  # fmt: skip
def test_each_row_opens_what_it_is_made_of(client, month, by, value, below):
    html = body(client, f"/?by={by}")
    assert row(html, value)
    assert below in links(html)
    assert client.get(below).status_code == 200


def test_many_values_end_in_other_with_its_count_and_the_table_adds_up(client, send):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n + 1)) for n in range(40)))
    html = body(client, "/?by=user")
    assert row(html, "Other (15)")[1] == f"${sum(range(1, 16))}.00"
    assert len([cells for cells in rows(html) if cells[0].startswith("u-")]) == 25
    assert row(html, "Total")[1] == f"${sum(range(1, 41))}.00"
    all_of_them = body(client, "/?by=user&rows=all")
    assert len([cells for cells in rows(all_of_them) if cells[0].startswith("u-")]) == 40
    names = [trace["name"] for trace in series(html)]
    assert names == [*(f"u-{n}" for n in range(39, 32, -1)), "Other (33)"]


@pytest.mark.parametrize(
    ("sort", "first", "order"),
    [("-cost", "a", "descending"), ("cost", "b", "ascending"), ("-calls", "b", "descending"),
     ("name", "a", "ascending"), ("-name", "b", "descending"), ("-tokens", "b", "descending"),
     ("nonsense", "a", "descending")],
)  # fmt: skip
def test_the_table_sorts_by_each_column(client, send, sort, first, order):
    send(entry(agent_id="a", cost="5"), *(entry(agent_id="b", cost="0.1") for _ in range(3)))
    html = body(client, f"/?sort={sort}")
    assert rows(html)[1][0] == first
    assert f'aria-sort="{order}"' in html


def test_a_day_is_drawn_by_the_hour_and_the_unfinished_one_is_pale(client, month):
    html = body(client, "/?period=today")
    drawn = series(html)[0]
    assert "Spend per hour by agent" in text(html)
    assert len(drawn["x"]) == 24
    assert drawn["x"][drawn["y"].index(2.0)] == "14:00"
    assert drawn["marker"]["opacity"][14] == 0.5
    assert drawn["marker"]["opacity"][13] == 1


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("/?first=2025-01-01&last=2025-01-02", "No calls in 1–2 Jan 2025"),
     ("/?agent=nobody", "No calls in 1–18 Nov 2026 match these filters"),
     ("/?period=today&agent=nobody", "No calls on 18 Nov 2026 match these filters")],
)  # fmt: skip
def test_an_empty_period_says_so_instead_of_an_empty_axis(client, month, address, sentence):
    html = body(client, address)
    assert sentence in text(html)
    assert "cost-chart" not in html


def test_where_nothing_was_before_nothing_is_compared(client, send):
    send(entry(cost="1"))
    html = body(client)
    assert "Nothing to compare with yet: there are no calls in 4–21 Oct" in text(html)
    assert "Change" not in rows(html)[0]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("/?period=fortnight", "period must be one of today, 7d, month, 30d."),
     ("/?first=yesterday", "first must be a day such as 2026-11-18, from 1990 to 2099."),
     ("/?first=2026-11-02&last=2026-11-01", "The last day must not come before the first"),
     ("/?agent=%00", "NUL and broken characters cannot be part of a name.")],
)  # fmt: skip
def test_an_address_that_cannot_be_understood_says_what_to_change(client, month, address, sentence):
    response = client.get(address)
    assert response.status_code == 400
    assert sentence in text(response.content.decode())


def test_nobody_sees_the_calls_of_another_workspace(stranger, month, now):
    assert "Send the first event" in text(body(stranger))
    assert text(stranger.get("/overview.csv").content.decode()).splitlines()[-1].endswith("0")
    assert stranger.get("/runs/r-1").status_code == 404
    assert "r-1" not in text(body(stranger, "/runs"))


def test_the_filter_menu_offers_the_dearest_values_and_takes_typed_ones(client, month):
    panel = body(client, "/?pick=agent", **{"HX-Request": "true", "HX-Target": "filter-panel"})
    assert "<html" not in panel
    assert "reasoning $5.00 not triage $1.25 not" in text(panel)
    assert "/?agent=reasoning" in links(panel)
    assert "/?agent%21=reasoning" in links(panel)
    typed = client.get("/?pick=agent&value=look-up&op=not&period=7d")
    assert typed.status_code == 302
    assert typed["Location"] == "/?period=7d&agent%21=look-up"
    several = client.get("/?pick=agent&among=triage&among=&value=look-up&op=is")
    assert several["Location"] == "/?agent=triage&agent=&agent=look-up"
    assert "agent is one of triage, Not attributed, look-up" in text(body(client, several["Location"]))
    ticked = body(client, several["Location"] + "&pick=agent", **{"HX-Request": "true", "HX-Target": "filter-panel"})
    assert re.findall(r'value="([^"]*)" form="pick-form"[^>]* checked', ticked) == ["triage", "", "look-up"]
    assert client.get("/?agent=triage&pick=agent&value=&op=is")["Location"] == "/"
    whole = body(client, "/?pick=agent")
    assert '<details class="menu" id="filter-menu" open>' in whole


def test_a_tag_is_a_dimension_like_others(client, send):
    send(entry(tags={"customer": "Orbit Travel"}, cost="2"), entry(cost="1"))
    html = body(client, "/?by=tag.customer")
    assert row(html, "Orbit Travel")[1] == "$2.00"
    assert row(html, "Not attributed")[1] == "$1.00"
    assert "Spend per day by customer" in text(html)
    assert "/?tag.customer=Orbit+Travel" in links(html)


def test_names_that_senders_chose_stay_text(client, send):
    hostile = '<a href="https://evil.example">x</a>%{y}$x$'
    send(entry(agent_id=hostile, cost="1"), entry(agent_id="=1+1", cost="2"))
    html = body(client)
    assert '<a href="https://evil' not in html
    assert hostile in [cells[0] for cells in rows(html)]
    names = [trace["name"] for trace in series(html)]
    assert not any("<" in name or "%{" in name for name in names)
    lines = client.get("/overview.csv").content.decode().splitlines()
    assert lines[1].startswith("'=1+1,")


def test_every_role_may_look(workspace, month, now):
    for number, role in enumerate(("viewer", "editor", "admin", "owner")):
        assert logged_in(workspace, f"{number}@larkfield.example", role).get("/").status_code == 200


def test_a_late_event_of_another_day_counts_on_its_day(client, send, month):
    send(entry(minutes=-3 * DAY, agent_id="late", cost="9"))
    drawn = series(body(client))[0]
    assert drawn["name"] == "late"
    assert dict(zip(drawn["x"], drawn["y"], strict=True))["Sun 15 Nov"] == 9.0
    assert dict(zip(drawn["x"], drawn["customdata"], strict=True))["Sun 15 Nov"] == "2026-11-15/2026-11-15"


@pytest.mark.parametrize("by", ["user", "agent"])
def test_of_very_many_values_the_dearest_are_exact_before_and_after_and_the_rest_adds_up(client, send, by):
    name = {"user": "user_id", "agent": "agent_id"}[by]
    now = [entry(cost="1", **{name: f"v-{n:03}"}) for n in range(620)]
    before = [entry(cost="3", minutes=-28 * DAY - 120, **{name: f"v-{n:03}"}) for n in range(100, 720)]
    send(*now, *before, entry(cost="9", **{name: "v-699"}), entry(cost="0.5", **{name: "v-719"}))
    html = body(client, f"/?by={by}&rows=all")
    shown = {cells[0]: cells for cells in rows(html)}
    assert shown["v-699"][1:5] == ["$9.00", "1.4 %", "", "+$6.00"]
    costs = [Decimal(cells[1].removeprefix("$")) for name, cells in shown.items() if name.startswith(("v-", "Other"))]
    assert sum(costs) == Decimal("629.5")
    changes = [
        cells[4].replace("−", "-").replace("$", "") for name, cells in shown.items() if name.startswith(("v-", "Oth"))
    ]
    assert sum(Decimal(text.replace(",", "")) for text in changes) == Decimal("629.5") - 1860
    assert shown["Total"][4] == "−$1,230.50"
    for number in range(100, 110):
        assert shown.get(f"v-{number}", [0] * 4 + ["−$2.00"])[4] == "−$2.00"
