"""Where the variance page's words and units turn over: exactly a dollar, exactly a twentieth, the fifth cause."""

from decimal import Decimal as D

import pytest

from costwatch.dashboards.variance.words import drivers, sentence
from costwatch.spend.sums import Sums
from costwatch.spend.variance import EFFECTS
from tests.dashboards.conftest import DAY
from tests.dashboards.page import as_read, row
from tests.ledger.make import entry

pytestmark = pytest.mark.thorough


def told(**amounts: object) -> str:
    """The causes that the sentence names."""
    effects = dict.fromkeys(EFFECTS, D(0)) | {name: D(str(amount)) for name, amount in amounts.items()}
    change = sum(effects.values())
    return sentence(D(1000), 1000 + change, "now", "then", effects, True).partition(" in now: ")[2]


def test_four_causes_are_named_and_the_fifth_is_all_else():
    assert told(runs=50, calls=40, mix=30, input=20, output=10) == (
        "more runs +$50.00, more calls per run +$40.00, dearer models +$30.00, longer prompts +$20.00, "
        "all else +$10.00."
    )


@pytest.mark.parametrize(
    ("small", "words"),
    [(5, "more runs +$95.00, longer answers +$5.00."), ("4.99", "more runs +$95.00, all else +$4.99.")],
)
def test_a_cause_is_worth_a_name_from_a_twentieth_of_all_on(small, words):
    assert told(runs=95, output=small) == words


def test_causes_that_cancel_out_are_no_change_but_what_is_left_of_small_ones_is_told():
    effects = dict.fromkeys(EFFECTS, D(0)) | {"runs": D(10), "input": D(-10)}
    assert sentence(D(5), D(5), "now", "then", effects, True) == "Spend is the same, $5.00 in now and in then."
    assert told(runs=100, calls=2, mix=-2) == "more runs +$100.00."


def test_a_fall_to_nothing_is_all_of_it():
    effects = dict.fromkeys(EFFECTS, D(0)) | {"runs": D(-5)}
    said = sentence(D(5), D(0), "now", "then", effects, False)
    assert said.endswith(": fewer runs −\u2060$5.00."), "no line ends between a minus and its amount"
    assert as_read(said) == "Spend fell $5.00 (100 %), from $5.00 in then to $0.00 in now: fewer runs −$5.00."


@pytest.mark.parametrize(
    ("before", "after", "calls"),
    [(Sums(calls=40, runs=10), Sums(calls=90, runs=30), "4.00 → 3.00 calls a run"),
     (Sums(calls=40, runs=10), Sums(calls=90), "40 → 90 calls"),
     (Sums(calls=40), Sums(calls=90, runs=30), "40 → 90 calls"),
     (Sums(calls=4_000), Sums(calls=90_000), "4,000 → 90,000 calls")],
)  # fmt: skip
def test_calls_are_told_by_the_run_only_where_both_spans_have_runs(before, after, calls):
    assert drivers(before, after)["calls"] == calls


def test_no_mean_is_made_of_calls_that_corrections_took_away():
    taken = Sums(calls=-3, runs=-1, input_tokens=-50, output_tokens=-5)
    told = drivers(taken, Sums(calls=5, runs=2, input_tokens=100, output_tokens=10))
    assert not told.keys() & {"input", "output", "cache"}


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    ("cost", "shown"),
    [("1", ["$0.33", "$0.33", "$0.33", "$1.00"]), ("0.999999", ["$0.33", "$0.33", "$0.33", "$1.00"])],
)
def test_from_a_dollar_on_in_one_of_both_spans_all_is_told_in_cents(client, send, cost, shown):
    own = {"model": "of-our-own", "input_tokens": 10, "output_tokens": 0}
    third = D(cost) / 3
    send(*(entry(agent_id=name, cost=f"{third:.12f}", run_id=name, **own) for name in "ab"),
         entry(agent_id="c", cost=f"{D(cost) - 2 * round(third, 12):.12f}", run_id="c", **own),
         entry(agent_id="tiny", cost="0.000004", run_id="t", minutes=-31 * DAY - 90, **own))  # fmt: skip
    html = client.get("/variance").content.decode()
    assert [row(html, name)[2] for name in ("a", "b", "c", "Total")] == shown
    assert row(html, "tiny")[1] == ("$0.00" if cost == "1" else "$0.00000400")
