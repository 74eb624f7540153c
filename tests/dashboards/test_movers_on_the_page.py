"""What changed, on the Overview: who moved the total, why, and that it all adds up to the change of the total."""

import re
from decimal import Decimal

import pytest

from tests.dashboards.conftest import DAY
from tests.dashboards.page import as_read, links, row, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]
BEFORE = -28 * DAY - 120


def told(client, query: str = "") -> tuple[list[list[str]], str]:
    """(who, detail, amount, why) of each mover, and the text of the section."""
    html = client.get(f"/{query}").content.decode()
    part = html[html.index('id="h-mv"') :].partition("</section>")[0]
    items = re.findall(
        r'<li><span class="who"><a [^>]*>([^<]*)</a> (?:<small>([^<]*)</small>)?</span>'
        r'<span class="num strong">([^<]*)</span><span class="why">([^<]*)</span>',
        part,
    )
    return [[as_read(cell) for cell in item] for item in items], text(part)


def amount(words: str) -> Decimal:
    return Decimal(words.replace("−", "-").replace("$", "").replace("+", "").replace(",", ""))


def test_an_agent_that_went_over_to_another_model_is_told_twice(client, send):
    send(*(entry(agent_id="a", model="dear", cost="5", minutes=-n) for n in range(2)),
         *(entry(agent_id="a", model="cheap", cost="1", minutes=BEFORE - n) for n in range(2)),
         *(entry(agent_id="b", model="cheap", cost="3", minutes=at) for at in (0, BEFORE)))  # fmt: skip
    moved, said = told(client)
    assert moved == [["a", "dear", "+$10.00", "not there before"], ["a", "cheap", "−$2.00", "no calls any more"]]
    assert said.endswith("Net change +$8.00")
    assert "All other changes" not in said


@pytest.mark.parametrize("by", ["task", "user", "model", "tag.customer"])
def test_by_other_dimensions_a_value_is_told_once(client, send, by):
    field = {"user": {"user_id": "x"}, "tag.customer": {"tags": {"customer": "x"}}}.get(by, {by: "x"})
    send(entry(agent_id="a", cost="5", **field), entry(agent_id="b", cost="2", **field),
         entry(agent_id="a", cost="1", minutes=BEFORE, **field))  # fmt: skip
    moved, said = told(client, f"?by={by}")
    assert moved == [["x", "", "+$6.00", "+100 % calls, +250 % per call"]]
    assert "Net change +$6.00" in said


def test_six_are_told_and_the_others_are_one_amount_so_that_all_add_up(client, send):
    send(
        *(entry(agent_id=f"a-{n}", cost=str(n + 1)) for n in range(9)),
        entry(agent_id="gone", cost="20", minutes=BEFORE),
    )
    moved, said = told(client)
    assert [name for name, *_ in moved] == ["a-8", "a-7", "a-6", "a-5", "a-4", "gone"]
    rest = amount(re.search(r"All other changes (\S+)", said)[1])
    net = amount(re.search(r"Net change (\S+)", said)[1])
    assert sum(amount(one) for _, _, one, _ in moved) + rest == net == 25
    assert rest == 1 + 2 + 3 + 4


def test_the_net_change_is_that_of_the_table_under_conditions_too(client, send):
    send(*(entry(agent_id=f"a-{n % 4}", task="xy"[n % 2], cost=f"{n}.25", minutes=-n) for n in range(1, 13)),
         *(entry(agent_id=f"a-{n % 5}", task="xy"[n % 2], cost=f"{n}.5", minutes=BEFORE - n)
           for n in range(1, 9)))  # fmt: skip
    for query in ("", "?task=x", "?agent!=a-1", "?agent=a-1&agent=a-2&by=task", "?agent=a-2", "?by=model&task=y"):
        _, said = told(client, query)
        total = row(client.get(f"/{query}").content.decode(), "Total")
        assert f"Net change {total[4]}" in said, query


def test_a_condition_on_the_grouping_keeps_others_out(client, send):
    send(entry(agent_id="a", cost="5"), entry(agent_id="b", cost="9"), entry(agent_id="a", cost="1", minutes=BEFORE))
    assert [name for name, *_ in told(client, "?agent=a")[0]] == ["a"]
    assert told(client, "?agent!=a&by=agent")[1].endswith("no calls in 4–21 Oct.")


def test_less_than_a_cent_is_no_move(client, send):
    send(entry(cost="1.004"), entry(cost="1", minutes=BEFORE))
    moved, said = told(client)
    assert moved == []
    assert "Nothing moved by a cent or more." in said


def test_nobodys_calls_move_too_and_lead_to_themselves(client, send):
    send(entry(agent_id=None, cost="5"), entry(agent_id="a", cost="1", minutes=BEFORE))
    html = client.get("/").content.decode()
    assert [name for name, *_ in told(client)[0]] == ["Not attributed", "a"]
    assert "/?agent=&by=task" in links(html[html.index('id="h-mv"') :].partition("</section>")[0])


def test_why_leads_to_the_variance_of_the_same_spans_and_conditions(client, send):
    send(entry(agent_id="a", cost="5"), entry(agent_id="a", cost="1", minutes=BEFORE))
    html = client.get("/?agent=a&by=task&sort=name&rows=all").content.decode()
    (why,) = re.findall(r'<a href="([^"]*)" hx-boost="false">why</a>', html)
    assert why.replace("&amp;", "&") == "/variance?agent=a&by=task&against=weeks"
    there = text(client.get(why.replace("&amp;", "&")).content.decode())
    assert f"Net change {row(html, 'Total')[4]}" in there


def test_hostile_names_are_text_here_too(client, send):
    send(entry(agent_id="<b>x</b>", model="<i>m</i>", cost="5"), entry(cost="1", minutes=BEFORE))
    html = client.get("/").content.decode()
    assert "<b>x" not in html and "<i>m" not in html
    assert ["&lt;b&gt;x&lt;/b&gt;", "&lt;i&gt;m&lt;/i&gt;", "+$5.00", "not there before"] in told(client)[0]
