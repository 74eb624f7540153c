"""The page of a run that repeats itself: where it begins, what is folded, and that everything still adds up."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from costwatch.alerts.models import Incident
from costwatch.dashboards.addresses import run_url
from costwatch.ledger.fold import fold_all
from costwatch.loops import watch
from tests.dashboards.page import figure, links, rows, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]

TOOLS = ("get_ticket", "get_customer", "list_orders")


def call(number: int, tool: str, fingerprint: str, answer: str, run_id: str = "r-1", **more):
    fields = {"tool": tool, "call_fingerprint": fingerprint, "input_fingerprint": answer, "cost": f"0.{number:03}",
              "input_tokens": 1000 * number, "output_tokens": 100, "task": "refund", "latency_ms": 900}  # fmt: skip
    return entry(f"{run_id}-{number}", minutes=-60 + number, run_id=run_id, step=number, **fields | more)


@pytest.fixture
def looping(send) -> None:
    """Three calls that bring something, then forty times the same two in turn."""
    send(
        *(call(n, tool, f"f-{n}", f"a-{n}") for n, tool in enumerate(TOOLS, 1)),
        *(call(n, ("get_order", "refund_policy")[n % 2], f"f-{n % 2}", f"a-{n % 2}") for n in range(4, 44)),
    )
    fold_all()
    watch.watch_all(NOW, 10)


def body(client, address: str = "/runs/r-1") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def table(html: str) -> list[list[str]]:
    return rows(html[html.index('id="h-calls"') :])


def amounts(html: str, heading: str = "Cost") -> list[Decimal]:
    """The column of costs, the total last."""
    head, *body = table(html)
    place = head.index(heading)
    found = []
    for cells in body:
        if len(cells) == 1:
            continue
        missing = len(head) - len(cells)  # a fold spans two columns
        found.append(Decimal(re.sub(r"[$,≥ ]", "", cells[place - missing])))
    return found


def test_the_page_says_where_repeats_begin_and_what_they_cost(client, looping):
    html = body(client)
    said = text(html)
    begin = next(cells[0] for cells in table(html) if cells[0].startswith("Repeats begin here"))
    number = int(re.search(r"The (\d+) calls before", begin)[1]) + 1
    assert begin == f"Repeats begin here. The {number - 1} calls before cost ${sum(range(number)) / 1000:.5f}"
    assert f"Call {number}: repeats begin." in html, "told to who does not see the chart, too"
    assert figure(html)["layout"]["annotations"][0]["text"] == f"call {number}: repeats begin"
    repeated = 43 - number + 1
    wasted = sum(range(number, 44)) / 1000
    assert f"{repeated} repeated" in said
    assert f"{repeated} calls repeated others: ${wasted:.2f} ({100 * wasted / 0.946:.0f} %) bought nothing new." in said


def test_the_alarm_stands_behind_its_call_and_says_what_was_spent_since(client, looping):
    incident = Incident.objects.get(title__contains="loop")
    html = body(client)
    lines = [cells[0] for cells in table(html)]
    place = next(n for n, words in enumerate(lines) if f"#{incident.pk}" in words)
    upon = int(lines[place - 1])
    assert incident.opened_by_event == f"r-1-{upon}"
    since = Decimal(sum(range(upon + 1, 44))) / 1000
    assert f"larm #{incident.pk} upon call {upon}" in lines[place]
    assert f"verdict stop in every answer while it is open · ${since:.5f} spent since" in lines[place]
    assert f"stopping at the alarm would have saved ${since:.2f}" in text(html)
    assert f"/incidents/{incident.pk}" in links(html)


def test_a_long_stretch_of_repeats_is_one_row_that_opens_and_closes(client, looping):
    html = body(client)
    folded = next(cells for cells in table(html) if "–" in cells[0])
    first, last = map(int, folded[0].split("–"))
    assert folded[2] == f"{last - first + 1} calls, the same 2 in turn"
    assert [cells[0] for cells in table(html)][-3:] == ["42", "43", "Total"]
    address = next(link for link in links(html) if "open=" in link)
    assert address == f"/runs/r-1?open={first}#call-{first}"
    opened = body(client, address.partition("#")[0])
    numbers = [cells[0] for cells in table(opened)[1:] if cells[0].isdigit()]
    assert str(first + 5) in numbers
    assert f'id="call-{first}"' in opened
    assert f"{last - first + 1} calls, the same 2 in turn, {first} to {last} · fold them again" in text(opened)
    assert f"/runs/r-1#call-{first}" in links(opened)


@pytest.mark.parametrize("address", ["/runs/r-1", "/runs/r-1?calls=all", "/runs/r-1?calls=new", "/runs/r-1?open=13"])
def test_rows_come_to_the_total_however_they_are_shown(client, looping, monkeypatch, address):
    monkeypatch.setattr("costwatch.dashboards.run_page.ROWS", 100)
    html = body(client, address)
    *costs, total = amounts(html)
    assert sum(costs) == total == Decimal("0.946")
    *tokens, whole = amounts(html, "Output")
    assert sum(tokens) == whole == 4300
    *context, whole = amounts(html, "Context")
    assert sum(context) == whole == 946_000


def test_folded_pages_neither_lose_nor_repeat_a_call(client, looping, monkeypatch):
    monkeypatch.setattr("costwatch.dashboards.run_page.ROWS", 4)
    seen, address = [], "/runs/r-1?open=13"
    while address:
        html = body(client, address)
        for cells in table(html)[1:-1]:
            if len(cells) > 1:
                first, _, last = cells[0].partition("–")
                seen += range(int(first), int(last or first) + 1)
        address = next((link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*)">From call', html)), None)
    assert seen == list(range(1, 44))


def test_tabs_show_repeats_folded_all_or_none(client, looping):
    html = body(client)
    assert re.search(r'aria-current="true">Repeats folded</a>', html)
    assert {"/runs/r-1?calls=all#h-calls", "/runs/r-1?calls=new#h-calls"} <= set(links(html))
    every = body(client, "/runs/r-1?calls=all")
    assert 'aria-current="true">All 43</a>' in every
    assert "–" not in "".join(cells[0] for cells in table(every))
    assert "/runs/r-1?page=2&calls=all" in links(every), "further pages go on the same way"
    only_new = [cells for cells in table(body(client, "/runs/r-1?calls=new"))[1:-1] if len(cells) > 1]
    assert len(only_new) < 10
    assert only_new[-1][2].endswith("calls, the same 2 in turn")
    assert body(client, "/runs/r-1?calls=anything").count('aria-current="true">Repeats folded') == 1


def test_answers_are_new_changed_or_those_of_another_call(client, looping):
    html = body(client)
    answers = {cells[0]: cells[3] for cells in table(html) if cells[0].isdigit()}
    assert answers["1"] == answers["2"] == "new"
    assert answers["43"].endswith("same as call 41")


def test_a_run_without_repeats_has_no_tabs_no_folds_and_no_answers(client, send):
    send(*(call(n, f"tool-{n}", f"f-{n}", f"a-{n}", input_tokens=1000 * n * n) for n in range(1, 13)))
    html = body(client)
    assert "Repeats folded" not in html
    assert "Repeats begin" not in html
    assert "Answer" not in table(html)[0]
    assert "bought nothing new" not in html
    assert [trace["name"] for trace in figure(html)["data"]] == ["so far"]


def test_numbers_that_are_none_are_refused(client, looping):
    for bad in ("open=x", "open=-1", "open=0"):
        assert client.get(f"/runs/r-1?{bad}").status_code == 400
    assert body(client, "/runs/r-1?open=999999")


def test_a_run_that_needs_a_parameter_as_its_address_folds_and_opens_too(client, send):
    send(*(call(n, "get_order", "f", "a", run_id="a//b") for n in range(1, 20)))
    html = body(client, run_url("a//b"))
    address = next(link for link in links(html) if "open=" in link)
    assert address.startswith("/run?id=a%2F%2Fb&open=")
    assert "fold them again" in text(body(client, address.partition("#")[0]))


def test_unpriced_repeats_are_no_zeros(client, send):
    send(call(1, "get_order", "f", "a"),
         *(call(n, "get_order", "f", "a", cost=None, model="new") for n in range(2, 20)))  # fmt: skip
    folded = next(cells for cells in table(body(client)) if "–" in cells[0])
    assert "unpriced" in folded
    send(call(30, "get_order", "f", "a", run_id="r-2"), *(call(n, "get_order", "f", "a", run_id="r-2",
         **({"cost": None, "model": "new"} if n % 2 else {})) for n in range(31, 50)))  # fmt: skip
    folded = next(cells for cells in table(body(client, "/runs/r-2")) if "–" in cells[0])
    assert any(cell.startswith("≥ $") for cell in folded)


def test_a_run_that_goes_on_says_what_it_costs_an_hour(client, looping):
    assert "Now, per hour" not in text(body(client)), "its last call is seventeen minutes old"
    with time_machine.travel(NOW - timedelta(minutes=17), tick=False):
        said = text(body(client))
    spent = sum(range(34, 44)) / 1000
    assert "Cost so far" in said
    assert f"Now, per hour ${6 * spent:.2f} last 10 minutes" in said


def test_hostile_names_in_folds_stay_text(client, send):
    hostile = '<a href="https://evil.example">x</a>'
    send(*(call(n, hostile, "f", "a", run_id="r-3", agent_id=hostile) for n in range(1, 20)))
    html = body(client, "/runs/r-3")
    assert "open these calls" in html
    assert '<a href="https://evil' not in html
