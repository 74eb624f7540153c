"""Where marks are seen: on the Overview, in Explore, on profiles; and what they lead to."""

import json
import re
from html import unescape

import pytest

from costwatch.alerts.models import Kind, Severity
from costwatch.dashboards.marks import find
from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import DAY
from tests.dashboards.page import figure, links, row, rows, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]

HOSTILE = '<a href="https://evil.example">free</a><img src=x>%{y} $x^2$'


def body(client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def marks(html: str) -> dict[str, str]:
    """Where the marks of the chart stand, and what they say on hover."""
    found = [trace for trace in figure(html)["data"] if trace.get("uid") == "marks"]
    return dict(zip(found[0]["x"], found[0]["hovertext"], strict=True)) if found else {}


def listed(html: str) -> list[tuple[str, str]]:
    """(address, words) of the links below the chart."""
    part = html[html.index('<ul class="marks"') :].partition("</ul>")[0]
    return [(unescape(url), text(words)) for url, words in re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', part)]


@pytest.mark.parametrize("address", ["/", "/explore", "/explore?by=none", "/explore?metric=cost_per_call",
                                     "/agents/reasoning"])  # fmt: skip
def test_charts_over_time_mark_their_incidents_and_link_to_them(client, month, opened, address):
    one = opened("reasoning: caught in a loop", minutes=-5 * DAY, facts={"agent": "reasoning"})
    html = body(client, address)
    assert marks(html) == {"Fri 13 Nov": "reasoning: caught in a loop"}
    assert listed(html) == [(f"/incidents/{one.pk}", "Fri 13 Nov reasoning: caught in a loop")]
    assert "Marked: 1 incident, linked below the chart." in html
    assert client.get(f"/incidents/{one.pk}").status_code == 200


@pytest.mark.parametrize("address", ["/", "/explore", "/agents/reasoning"])
def test_without_incidents_there_is_nothing_of_them(client, month, opened, address):
    opened("long ago", minutes=-90 * DAY, facts={"agent": "reasoning"})
    html = body(client, address)
    assert marks(html) == {}
    assert 'class="marks"' not in html
    assert "Marked:" not in html


def test_where_there_are_several_the_days_lead_to_their_incidents(client, month, opened):
    for number in range(6):
        opened(f"loop {number}", minutes=-(number % 4) * DAY)
    found = listed(body(client, "/"))
    assert [words for _, words in found] == ["Sun 15 Nov", "Mon 16 Nov", "Tue 17 Nov (2)", "Wed 18 Nov (2)"]
    assert found[3][0] == "/incidents?first=2026-11-18"
    there = body(client, found[3][0])
    assert "loop 0" in text(there) and "loop 4" in text(there)
    assert "loop 1" not in text(there)


def test_explore_tells_them_beside_the_figures_of_the_chart(client, month, opened):
    opened("a loop", minutes=-5 * DAY), opened("a spike", minutes=-5 * DAY - 1, kind=Kind.ANOMALY)
    html = body(client, "/explore")
    assert "Incidents" in rows(html)[0]
    assert row(html, "Fri 13 Nov")[-1] == "2 incidents: a loop; a spike"
    assert row(html, "Thu 12 Nov")[-1] == ""


def test_filters_keep_to_what_is_about_them(client, month, opened):
    opened("of reasoning", facts={"agent": "reasoning"})
    opened("of triage", minutes=-DAY, facts={"agent": "triage"})
    opened("of all", minutes=-2 * DAY, kind=Kind.BUDGET)
    assert set(marks(body(client, "/?agent=reasoning")).values()) == {"of reasoning"}
    assert set(marks(body(client, "/explore?agent=reasoning")).values()) == {"of reasoning"}
    assert set(marks(body(client, "/?agent!=reasoning&by=model")).values()) == {"of triage", "of all"}
    assert set(marks(body(client, "/agents/reasoning")).values()) == {"of reasoning"}


def test_a_profile_under_a_condition_marks_what_is_about_both(client, send, month, opened):
    opened("refund", facts={"agent": "reasoning", "task": "refund"})
    opened("other", minutes=-DAY, facts={"agent": "reasoning", "task": "other"})
    html = body(client, "/agents/reasoning?task=refund")
    assert set(marks(html).values()) == {"refund"}
    assert "other" in text(html[html.index('id="h-inc"') :]), "the list is of all"


def test_a_profile_marks_old_incidents_of_an_old_span_too(client, month, opened, monkeypatch):
    monkeypatch.setattr("costwatch.dashboards.profiles.incidents.LOOKED_AT", 2)
    opened("old", minutes=-28 * DAY, facts={"agent": "reasoning"})
    for number in range(3):
        opened(f"new {number}", minutes=-number)
    old = body(client, "/agents/reasoning?first=2026-10-20&last=2026-10-22")
    assert marks(old) == {"Wed 21 Oct": "old"}


def test_no_title_is_a_tag_anywhere(client, month, opened):
    opened(f"{HOSTILE}: caught in a loop", facts={"agent": "reasoning"})
    for address in ("/", "/explore", "/agents/reasoning"):
        html = body(client, address)
        (hover,) = marks(html).values()
        assert not re.search(r"[<>]|%\{|\$(?!\u2060)", hover)
        assert '<a href="https://evil' not in html
        assert "<img" not in html
        assert listed(html)[0][1].startswith('Wed 18 Nov <a href="https://evil.exa'), "as text"


def test_a_page_that_asks_for_itself_is_answered_when_an_incident_opens(client, month, opened):
    for address in ("/", "/explore"):
        html = body(client, address)
        headers = json.loads(unescape(re.search(r"hx-headers=['\"]({.*?})['\"]", html)[1]))
        asked = {"HX-Request": "true", **headers}
        assert client.get(address, headers=asked).status_code == 204
        opened(f"new {address}")
        assert client.get(address, headers=asked).status_code == 200


def test_a_span_without_calls_has_no_chart_and_no_marks(client, month, opened):
    opened("old", minutes=-200 * DAY)
    html = body(client, "/?first=2026-05-01&last=2026-05-02")
    assert "cost-chart" not in html
    assert 'class="marks"' not in html


def test_a_busy_month_stays_light(client, send, opened):
    send(*(entry(minutes=-n * DAY, agent_id=f"agent-{n}", cost="1") for n in range(18)))
    fold_all()
    quiet = len(body(client, "/"))
    for number in range(90):
        opened(f"{'x' * 150} {number}", minutes=-(number % 18) * DAY, severity=list(Severity)[number % 3])
    busy = body(client, "/")
    assert len(listed(busy)) == find.MOST + 1, "and the way to all"
    assert listed(busy)[-1] == ("/incidents?first=2026-11-01&last=2026-11-18", "all incidents of these days")
    assert len(busy) - quiet < 20_000


def test_the_worst_of_the_open_ones_stand_above_the_chart(client, month, opened):
    opened("critical and old", minutes=-9 * DAY, severity=Severity.CRITICAL)
    for number in range(3):
        opened(f"alarm {number}", minutes=-number)
    opened("a notice", severity=Severity.NOTICE)
    strip = body(client, "/").partition('id="open-incidents"')[2].partition("</section>")[0]
    assert re.findall(r'title="([^"]*)"', strip) == ["critical and old", "alarm 0", "alarm 1"]


def test_the_list_of_incidents_can_be_of_some_days(client, opened):
    for number in range(3):
        opened(f"loop {number}", minutes=-number * DAY)
    html = body(client, "/incidents?first=2026-11-17&last=2026-11-18")
    said = text(html)
    assert "opened 17–18 Nov 2026" in said
    assert "All 2 Open 2" in said
    assert "loop 2" not in said
    assert "/incidents?state=open&first=2026-11-17&last=2026-11-18" in links(html), "the tabs keep the days"
    chosen = next(link for link in links(html) if re.match(r"/incidents/\d+\?", link))
    assert "opened 17–18 Nov 2026" in text(body(client, chosen))
    assert "/incidents?state=all" in links(html), "the way back to all"


def test_days_without_incidents_say_so_and_no_days_are_refused(client, opened):
    assert "No incidents of 1 Jan 2020" in text(body(client, "/incidents?first=2020-01-01"))
    assert "No incident of 1 Jan 2020 is open" in text(body(client, "/incidents?first=2020-01-01&state=open"))
    for days in ("first=x", "first=2026-11-18&last=2026-11-01", "last=9999-01-01"):
        assert client.get(f"/incidents?{days}").status_code == 400


def test_pages_of_the_list_keep_the_days(client, opened, monkeypatch):
    monkeypatch.setattr("costwatch.dashboards.incident_page.ROWS", 1)
    for number in range(2):
        opened(f"loop {number}", minutes=-number)
    html = body(client, "/incidents?first=2026-11-18")
    older = next(link for link in links(html) if "page=2" in link)
    there = body(client, older)
    assert "loop 1" in text(there)
    assert "/incidents?first=2026-11-18&last=2026-11-18" in links(there), "the page says its days in full"


def test_the_day_of_a_mark_stays_on_one_line(client, month, opened):
    opened("reasoning: caught in a loop")
    assert re.search(r'<span class="nowrap">\w{3} \d+ \w{3}</span> <span class="what">', body(client, "/"))
