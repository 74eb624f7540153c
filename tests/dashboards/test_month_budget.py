"""Which budget stands beside the month on the Overview, and how large it is: as the budget's own page says."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine

from costwatch.accounts.models import Workspace
from costwatch.budgets import manage
from costwatch.budgets.models import Budget
from costwatch.dashboards.month_budget import month_budget
from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import DAY, logged_in
from tests.dashboards.page import figure, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]


@pytest.fixture
def two_months(send) -> None:
    """$40 in October, $15 in November."""
    send(*(entry(minutes=-n * DAY, cost="10") for n in (20, 22, 30, 40)), entry(cost="15", minutes=-90))
    fold_all()


def budget(workspace, **data) -> Budget:
    usual = {"name": "All agents", "amount_usd": "100", "period": "monthly", "thresholds": [100]}
    return manage.create(workspace, usual | data, "a test")


def beside(client) -> str:
    """What stands beside the month."""
    return text(client.get("/").content.decode()).split("November to date")[1].split("Forecast")[0]


def test_without_a_budget_there_is_none(client, two_months):
    assert "% of $" not in beside(client)
    assert "shapes" not in figure(client.get("/").content.decode())["layout"]


def test_the_oldest_of_several_stands_there(client, workspace, two_months):
    first = budget(workspace, name="First", amount_usd="60")
    budget(workspace, name="Second", amount_usd="30")
    assert "25.0 % of $60.00" in beside(client)
    html = client.get("/").content.decode()
    assert f'href="/budgets/{first.pk}"' in html and 'title="First; at an even pace' in html


def test_one_that_is_paused_makes_room_for_the_next(client, workspace, two_months):
    manage.change(budget(workspace, name="First"), {"paused": True}, "a test")
    budget(workspace, name="Second", amount_usd="30")
    assert "50.0 % of $30.00" in beside(client)


def test_the_zone_of_the_workspace_by_name_is_the_same_zone(client, workspace, two_months):
    budget(workspace, time_zone="Europe/Berlin", amount_usd="30")
    assert "50.0 % of $30.00" in beside(client)


def test_that_of_another_workspace_is_nobodys_here(client, workspace, two_months):
    budget(Workspace.objects.create(name="Somebody else", time_zone="Europe/Berlin"))
    assert month_budget(workspace, NOW, Decimal(0)) is None


@pytest.mark.parametrize(
    ("carry_over", "limit"),
    [("0", "100"), ("10", "110"), ("50", "150"), ("100", "160")],
)
def test_what_october_left_moves_on_up_to_its_share(client, workspace, two_months, carry_over, limit):
    made = budget(workspace, carry_over=carry_over)
    found = month_budget(workspace, NOW, Decimal(40))
    assert found.limit == Decimal(limit)
    assert f"of ${limit}.00" in beside(client)
    assert f"${limit}.00" in text(client.get(f"/budgets/{made.pk}").content.decode())


def test_a_debt_does_not_move_on(workspace, two_months):
    budget(workspace, amount_usd="30", carry_over="100")
    assert month_budget(workspace, NOW, Decimal(40)).limit == 30


def test_a_month_may_have_an_amount_of_its_own(client, workspace, two_months):
    budget(workspace, planned={"2026-11": "20"})
    assert "75.0 % of $20.00" in beside(client)
    assert month_budget(workspace, datetime(2026, 12, 5, tzinfo=UTC), Decimal(0)).limit == 100


@pytest.mark.parametrize(
    ("at", "pace"),
    [("2026-10-31T23:00:00", "0"), ("2026-11-10T23:00:00", "100"), ("2026-11-15T23:00:00", "150"),
     ("2026-11-20T23:00:00", "200"), ("2026-11-30T11:00:00", "295")],
)  # fmt: skip
def test_the_even_pace_is_the_share_of_the_month_that_has_passed(workspace, at, pace):
    """November has thirty days in Berlin, none of them shorter."""
    budget(workspace, amount_usd="300")
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert month_budget(workspace, moment, Decimal(0)).pace == pytest.approx(Decimal(pace))


def test_a_month_with_a_change_of_the_clocks_is_an_hour_longer(workspace):
    """October 2026 has 745 hours in Berlin; 1 October begins at 22:00 UTC, midnight of the 26th comes an hour later."""
    budget(workspace, amount_usd="745")
    for at, hours in (("2026-10-24T22:00:00", 24 * 24), ("2026-10-25T23:00:00", 25 * 24 + 1)):
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        assert month_budget(workspace, moment, Decimal(0)).pace == pytest.approx(Decimal(hours))


def test_the_line_in_the_chart_is_the_pace_of_a_day(client, workspace, two_months):
    budget(workspace, amount_usd="60")
    (line,) = (
        shape for shape in figure(client.get("/").content.decode())["layout"]["shapes"] if shape["type"] == "line"
    )
    assert line["y0"] == line["y1"] == 2, "$60 in thirty days"
    top = figure(client.get("/").content.decode())["layout"]["yaxis"]["range"][1]
    assert top == pytest.approx(15 * 1.08)


def test_the_pace_lifts_the_axis_where_little_was_spent(client, workspace, two_months):
    budget(workspace, amount_usd="3000")
    assert figure(client.get("/").content.decode())["layout"]["yaxis"]["range"][1] == pytest.approx(108)


def test_more_than_the_budget_is_more_than_all_of_it(client, workspace, two_months):
    budget(workspace, amount_usd="10")
    assert "150 % of $10.00" in beside(client)


def test_every_page_and_digest_says_the_same_share_of_a_budget(client, workspace, two_months):
    """$15 of $15.006 are 99.96 %: not all of it."""
    made = budget(workspace, amount_usd="15.006")
    for page in ("/", "/month", "/budgets", f"/budgets/{made.pk}", "/digests/weekly"):
        said = text(client.get(page, follow=True).content.decode())
        assert "99.9 %" in said, page


def test_on_the_first_of_a_month_nothing_is_spent_yet(client, workspace, two_months):
    budget(workspace)
    with time_machine.travel(datetime(2026, 11, 30, 23, 0, 1, tzinfo=UTC), tick=False):
        said = text(logged_in(workspace, "late@larkfield.example").get("/").content.decode())
    assert re.search(r"December to date \$0 \.00 0\.0 % of \$100\.00", said)
    assert "vs $0.00, 1 Nov" in said
