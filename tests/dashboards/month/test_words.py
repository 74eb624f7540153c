"""What the statement says in its first sentence, to the cent, and what stands beside it."""

from decimal import Decimal

import pytest

from costwatch.budgets import manage
from costwatch.ledger.fold import fold_all
from costwatch.pricing.usage import CostSource
from tests.dashboards.conftest import DAY
from tests.dashboards.page import row, rows, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]


def said(client, month="2026-11") -> str:
    answer = client.get(f"/month/{month}")
    assert answer.status_code == 200
    return text(answer.content.decode())


@pytest.fixture
def spent(send):
    """$ in October (in all) and in November so far; the books begin in August."""

    def record(october: str, november: str, **more) -> None:
        send(entry(minutes=-90 * DAY, cost="1"), entry(minutes=-32 * DAY, cost=october),
             entry(minutes=-DAY, cost=november, **more))  # fmt: skip
        fold_all()

    return record


@pytest.mark.parametrize(
    ("october", "november", "words"),
    [
        ("10", "10", "November has cost $10.00 so far, the same as up to the same time in October."),
        ("10", "4", "November has cost $4.00 so far, $6.00 (60 %) less than up to the same time in October."),
        ("10", "10.01", "so far, $0.01 (< 1 %) more than up to the same time in October."),
        ("10", "12.345", "so far, $2.34 (23 %) more than"),
        ("0", "3", "November has cost $3.00 so far."),
        ("0.001", "0.004", "November has cost $0.00400 so far, $0.00300 (300 %) more than"),
    ],
)
def test_the_running_month_is_held_against_the_one_before_up_to_now(client, spent, october, november, words):
    spent(october, november)
    assert words in said(client)


def test_a_later_part_of_last_month_is_not_held_against_it(client, send, spent):
    spent("10", "4")
    send(entry(minutes=-29 * DAY, cost="500"))  # 20 October 14:32 — after the 18th
    fold_all()
    assert "$6.00 (60 %) less than up to the same time in October." in said(client)
    assert "October cost $510.00" in said(client, "2026-10")


def test_without_seven_whole_days_there_is_no_forecast(client, send):
    send(entry(minutes=-60, cost="5"))
    assert "There is not enough data for a forecast: it needs seven whole days." in said(client)


def test_the_forecast_of_even_days_is_their_sum_and_is_held_against_the_budget(client, workspace, send):
    send(*(entry(minutes=-n * DAY, cost="10") for n in range(40)))
    fold_all()
    manage.create(workspace, {"name": "All", "amount_usd": "260", "period": "monthly"}, "ann")
    words = said(client)
    assert "By forecast it ends at $300 (80 % band" in words
    assert ", $40.00 over the budget of $260.00." in words
    assert "All $260 .00 69.2 % used" in words  # 180 of 260
    manage.create(workspace, {"name": "Younger", "amount_usd": "5", "period": "monthly"}, "ann")
    assert "Younger" not in said(client), "the oldest of several"


@pytest.mark.parametrize(
    "other",
    [{"period": "weekly"}, {"scope": {"agent": ["triage"]}}, {"per": "user"}, {"amount_usd": None, "amount_tokens": 9},
     {"paused": True}, {"time_zone": "Asia/Tokyo"}],
)  # fmt: skip
def test_only_a_budget_for_all_of_the_month_in_dollars_stands_beside_it(client, workspace, spent, other):
    spent("10", "4")
    fields = {"name": "Other", "amount_usd": "100", "period": "monthly", "allow_unseen": True}
    wanted = {name: value for name, value in {**fields, **other}.items() if value is not None and name != "paused"}
    budget = manage.create(workspace, wanted, "ann")
    manage.change(budget, {"paused": "paused" in other}, "ann")
    assert "budget of" not in said(client)
    assert "Other" not in said(client)


@pytest.mark.parametrize(("amount", "words"), [("4", "$6.00 over the budget of $4.00."),
                                               ("40", "$30.00 under the budget of $40.00.")])  # fmt: skip
def test_a_month_that_is_over_says_by_how_much_it_missed_its_budget(client, workspace, spent, amount, words):
    spent("10", "4")
    manage.create(workspace, {"name": "All", "amount_usd": amount, "period": "monthly"}, "ann")
    assert words in said(client, "2026-10")


def test_what_was_carried_over_moves_the_limit(client, workspace, spent):
    spent("10", "4")
    manage.create(workspace, {"name": "All", "amount_usd": "100", "period": "monthly", "carry_over": "50"}, "ann")
    assert "All $150 .00" in said(client), "of the $90 that were left in October, at most half the limit"


def test_what_is_missing_is_told_by_kind(client, send):
    send(
        entry(minutes=-60, cost="5"),
        entry(minutes=-50, cost=None, model="new-1", upper_bound=Decimal("0.75")),
        entry(minutes=-40, cost=None, model="new-2"),
        entry(minutes=-30, cost=None, cost_source=CostSource.USAGE_UNKNOWN, input_tokens=None, output_tokens=None),
    )
    fold_all()
    words = said(client)
    assert "new-1 ≤ $0.75 1 call without a price" in words
    assert "new-2 unknown 1 call without a price" in words
    assert "Without usage unknown 1 call whose sender told no tokens" in words
    assert "Missing, as far as known $0.75" in words
    assert "at most $0.75 missing" in words


def test_where_nothing_is_missing_it_says_so(client, spent):
    spent("10", "4")
    assert "Nothing: the one call has a price." in said(client)


def test_the_page_shows_every_value_that_fits_and_the_csv_all(client, send):
    send(*(entry(minutes=-n, cost=f"{n}.5", agent_id=f"agent {n:02}") for n in range(1, 41)))
    fold_all()
    html = client.get("/month/2026-11").content.decode()
    told = client.get("/month/2026-11.csv").content.decode()
    assert all(f"agent {n:02}" in told for n in range(1, 41))
    shown = [cells for cells in rows(html) if cells[0].startswith(("agent ", "Other"))]
    amounts = [Decimal(cells[1].strip("$").replace(",", "")) for cells in shown]
    assert sum(amounts) == Decimal("840") == sum(Decimal(n) + Decimal("0.5") for n in range(1, 41))
    assert amounts[0] == Decimal("40.5")
    assert row(html, "Total")[1] == "$840.00"


def test_the_months_that_can_be_walked_to_are_those_that_have_begun(client, spent):
    spent("10", "4")
    html = client.get("/month/2026-11").content.decode()
    assert 'href="/month/2026-10"' in html
    assert 'href="/month/2026-12"' not in html
    assert 'aria-current="true">November 2026</a>' in html
