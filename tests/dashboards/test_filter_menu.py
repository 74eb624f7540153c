"""The menus of a page: which groupings, filters and values it offers, and what a click on each leads to."""

import re

import pytest
from django.core.cache import cache

from costwatch.accounts.models import Workspace
from costwatch.ledger.record import record
from tests.dashboards.conftest import DAY, logged_in
from tests.dashboards.page import links, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]
PANEL = {"HX-Request": "true", "HX-Target": "filter-panel"}


@pytest.fixture(autouse=True)
def fresh_menus():
    """Tags are remembered for half a minute."""
    cache.clear()
    yield
    cache.clear()


def body(client, address: str = "/", **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def offered(html: str) -> list[tuple[str, str, bool]]:
    """(value, what it cost, whether it is ticked) of the values of a dimension."""
    found = re.findall(r'name="among" value="([^"]*)"[^>]*?( checked)?>.*?<span class="muted">([^<]*)</span>', html)
    return [(value, cost, bool(ticked)) for value, ticked, cost in found]


def tabs(html: str) -> list[str]:
    part = html[html.index('aria-label="Group by"') :].partition("</nav>")[0]
    return re.findall(r">([^<>]+)</a>", part)


def test_groupings_are_the_usual_ones_a_tag_and_the_one_that_is_chosen(client, send):
    send(entry(tags={"zone": "eu", "customer": "Orbit"}))
    told = tabs(body(client, "/?by=provider"))
    assert told[:7] == ["Agent", "Model", "Task", "User", "Release", "Customer", "Provider"]
    assert set(told[7:]) == {"Operation", "Environment", "API key", "Session", "Run", "Zone"}
    assert len(told) == len(set(told))


def test_a_tag_that_no_call_carries_is_still_the_chosen_grouping(client, send):
    send(entry())
    html = body(client, "/?by=tag.no_such")
    assert tabs(html)[5] == "No such"
    assert re.search(r'<a id="by-tagno_such" href="[^"]*" aria-current="true">No such</a>', html)


def test_another_grouping_keeps_days_and_conditions_and_begins_with_the_dearest(client, send):
    send(entry())
    html = body(client, "/?by=agent&period=7d&user=&sort=name&rows=all")
    assert "/?period=7d&user=&by=model" in links(html)


def test_filters_are_offered_on_every_dimension_and_on_the_tags_of_this_workspace(client, send, db):
    send(entry(tags={"customer": "Orbit"}))
    other = Workspace.objects.create(name="Somebody else", time_zone="UTC")
    record(other.lane, [entry(tags={"secret": "x"})])
    panel = body(client, "/", **PANEL)
    assert re.findall(r">([^<>]+)</a>", panel) == [
        "Agent", "Model", "Task", "User", "Release", "Environment", "Customer", "Provider", "Operation", "API key",
        "Session", "Run",
    ]  # fmt: skip
    assert "secret" not in panel.lower()


@pytest.fixture
def many(send) -> None:
    """Fifteen agents for a dollar and more each, and calls of nobody for a cent."""
    send(*(entry(agent_id=f"a-{n:02}", cost=str(n), task="refund" if n % 2 else "route") for n in range(1, 16)),
         entry(agent_id=None, cost="0.01"), entry(agent_id="old", cost="7", minutes=-90 * DAY))  # fmt: skip


def test_the_dearest_twelve_are_offered_and_what_is_not_attributed_always(client, many):
    values = offered(body(client, "/?pick=agent", **PANEL))
    assert [value for value, _, _ in values] == [*(f"a-{n:02}" for n in range(15, 3, -1)), ""]
    assert (values[0][1], values[-1][1]) == ("$15.00", "$0.01")


def test_a_chosen_value_is_offered_too_with_what_it_costs_here(client, many):
    values = offered(body(client, "/?pick=agent&agent=a-01&agent=old&agent=typo", **PANEL))
    assert values[-4:] == [
        ("a-01", "$1.00", True), ("old", "$0.00", True), ("typo", "$0.00", True), ("", "$0.01", False)]  # fmt: skip
    assert sum(ticked for _, _, ticked in values) == 3


def test_values_are_offered_whatever_condition_is_on_their_own_dimension_but_under_the_others(client, many):
    own = offered(body(client, "/?pick=agent&agent!=a-15", **PANEL))
    assert own[0] == ("a-15", "$15.00", False)
    under = offered(body(client, "/?pick=agent&agent=a-03&task=refund", **PANEL))
    assert [value for value, _, _ in under] == [f"a-{n:02}" for n in range(15, 0, -2)]


def test_the_menu_follows_the_days_of_the_page(client, many):
    values = offered(body(client, "/?pick=agent&first=2026-08-20&last=2026-08-20", **PANEL))
    assert values == [("old", "$7.00", False)]
    assert "No calls in this period." in body(client, "/?pick=agent&first=2025-08-20", **PANEL)


@pytest.mark.parametrize("path", ["/", "/overview", "/explore", "/variance"])
def test_a_click_on_is_or_is_not_stays_on_the_page_and_keeps_its_state(client, many, path):
    panel = links(body(client, f"{path}?pick=agent&period=7d&task=refund", **PANEL))
    here = "" if path == "/" else path
    assert any(link.startswith(f"{here or '/'}?") and "agent=a-15" in link and "task=refund" in link for link in panel)
    assert any("agent%21=a-15" in link and "period=7d" in link for link in panel)


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("pick=agent&value= triage &op=is", "/?agent=triage"),
        ("pick=agent&value=triage&op=not", "/?agent%21=triage"),
        ("pick=agent&value=&among=&op=not", "/?agent%21="),
        ("pick=agent&value=&op=not&agent!=a", "/?agent%21=a"),
        ("pick=agent&value=b&among=b&op=is&agent=a", "/?agent=b"),
        ("pick=agent&value=b&op=not&agent!=a", "/?agent%21=a&agent%21=b"),
        ("pick=agent&value=b&op=is&agent!=a&task!=t", "/?agent=b&task%21=t"),
        ("pick=task&value=t&op=is&agent=a&by=model&sort=name", "/?agent=a&task=t&by=model&sort=name"),
        ("pick=tag.customer&value=A %26 B&op=is", "/?tag.customer=A+%26+B"),
        ("pick=user&value=//evil.example&op=is", "/?user=%2F%2Fevil.example"),
        ("pick=agent&value=&op=is", "/"),
    ],
)
def test_what_is_ticked_and_typed_becomes_a_condition(client, many, asked, leads_to):
    response = client.get(f"/?{asked}")
    assert (response.status_code, response["Location"]) == (302, leads_to)


def test_a_value_typed_for_no_dimension_changes_nothing(client, many):
    assert client.get("/?pick=nonsense&value=x").status_code == 200


def test_hostile_values_are_text_in_menu_chips_and_addresses(client, send):
    hostile = '"><script>alert(1)</script>&agent=x'
    send(entry(agent_id=hostile, cost="1"))
    panel = body(client, "/?pick=agent", **PANEL)
    assert "<script" not in panel
    link = next(link for link in links(panel) if link.startswith("/?agent="))
    html = body(client, link)
    assert "<script>alert" not in html
    assert f"agent is {hostile}" in text(html)
    assert "Total $1.00" in text(html)


@pytest.mark.parametrize(
    ("query", "about"),
    [("agent=triage", "/agents/triage"), ("user=a/../b", "/profile?by=user&user=a%2F..%2Fb"),
     ("run=r-1", "/runs/r-1"), ("session=s-1", "/sessions/s-1"), ("tag.customer=Orbit", "/tags/customer/Orbit")],
)  # fmt: skip
def test_a_condition_on_one_value_leads_to_the_page_about_it(client, many, query, about):
    html = body(client, f"/?{query}")
    (found,) = re.findall(r'<a class="about" href="([^"]*)"', html.replace("&amp;", "&"))
    assert found == about


@pytest.mark.parametrize("query", ["agent=a&agent=b", "agent=", "key=production", "agent!=a"])
def test_conditions_on_several_nobody_or_a_key_lead_nowhere(client, many, query):
    assert 'class="about"' not in body(client, f"/?{query}")


def test_the_periods_know_which_of_them_is_shown(client, many):
    for query, current in (("", "Month to date"), ("?period=7d", "7 days"), ("?period=today", "Today"),
                           ("?period=30d", "30 days")):  # fmt: skip
        assert re.findall(r'aria-current="true">([^<]+)</a>', body(client, f"/{query}").split("Group by")[0]) == [
            current
        ]
    for query in ("?period=7d&on=2026-11-01", "?first=2026-11-01&last=2026-11-18", "?period=month&on=2026-10-31"):
        part = body(client, f"/{query}").split('id="range-menu"')
        assert 'aria-current="true"' not in part[0].split('aria-label="Period"')[1]
        assert part[1].startswith('><summary aria-current="true">')


def test_days_of_ones_choice_keep_the_conditions_and_lose_the_period(client, many):
    html = body(client, "/?period=7d&agent=a-01&by=task")
    form = html[html.index("range-form") : html.index("</form>", html.index("range-form"))]
    assert re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form) == [
        ("agent", "a-01"),
        ("by", "task"),
    ]
    assert 'name="first" value="2026-11-12" max="2026-11-18"' in form


def test_the_menu_is_there_for_every_role(workspace, many):
    for number, role in enumerate(("viewer", "editor", "admin", "owner")):
        member = logged_in(workspace, f"{number}@larkfield.example", role)
        assert offered(body(member, "/?pick=agent", **PANEL))
