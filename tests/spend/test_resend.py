"""The bill for history that is sent again."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.ledger.record import record
from costwatch.spend.resend import CUTS, Tokens, bill, resend, resent
from tests.ledger.make import NOW, entry
from tests.spend.test_sessions import span, workspace  # noqa: F401

LATER = NOW + timedelta(hours=1)
DOLLAR = Decimal("0.000001")  # a dollar a million tokens


@pytest.mark.parametrize(
    ("before", "input", "kept", "again"),
    [(None, 500, 0, 0), (0, 500, 0, 0), (300, 500, 0, 300), (800, 500, 0, 500), (300, None, 0, 0), (300, 500, 100, 200),
     (300, 500, 400, 0)],
)  # fmt: skip
def test_a_call_sends_again_at_most_what_was_there_before_and_what_it_sends(before, input, kept, again):
    assert resent(before, input, kept) == again


def calls(*counts: tuple[int, int], **fields):
    """Calls one after another with (input, output) tokens."""
    return [
        entry(minutes=-60 + n, input_tokens=read, output_tokens=written, model="gpt-5-mini", **fields)
        for n, (read, written) in enumerate(counts)
    ]


def test_history_is_counted_by_agent_within_a_session(workspace, prices):  # noqa: F811
    record(workspace.lane, calls((1000, 100), (1500, 100), (400, 50), session_id="s-1", agent_id="a"))
    record(workspace.lane, calls((900, 10), session_id="s-1", agent_id="b"))
    record(workspace.lane, calls((900, 10), session_id="s-2", agent_id="a"))
    record(workspace.lane, calls((900, 10), (900, 10), agent_id="a"))  # of no session and no run
    lines = {line.agent: line for line in resend(workspace, span(), LATER).lines}
    assert lines["a"].tokens.resent == 1100 + 400
    assert lines["a"].tokens.input == 1000 + 1500 + 400 + 900
    assert lines["b"].tokens.resent == 0


def test_without_a_session_the_run_is_the_conversation(workspace, prices):  # noqa: F811
    record(workspace.lane, calls((1000, 0), (1000, 0), run_id="r-1") + calls((1000, 0), run_id="r-2"))
    assert resend(workspace, span(), LATER).lines[0].tokens.resent == 1000


def test_embeddings_carry_no_history(workspace, prices):  # noqa: F811
    record(workspace.lane, calls((1000, 0), (1000, 0), run_id="r-1", operation="embeddings"))
    assert resend(workspace, span(), LATER).lines == []


def test_the_bill_is_at_the_prices_of_the_book(workspace, prices):  # noqa: F811
    record(workspace.lane, calls((1_000_000, 0), (1_000_000, 0), session_id="s-1"))
    found = resend(workspace, span(), LATER)
    assert found.bill.input == Decimal("0.50")
    assert found.bill.history == Decimal("0.25")
    assert found.bill.caching == Decimal("0.25") - Decimal("0.025")
    assert found.bill.cuts == tuple(Decimal(1_000_000 - cut) / 1_000_000 * Decimal("0.25") for cut in CUTS)
    assert found.lines[0].has_cache


def test_models_without_a_price_are_in_no_amount(workspace, prices):  # noqa: F811
    made = calls((1000, 0), (1000, 0), session_id="s-1")
    for one in made:
        one.model, one.provider = "no-such-model", "nobody"
    record(workspace.lane, made)
    found = resend(workspace, span(), LATER)
    assert found.lines[0].bill is None
    assert (found.lines[0].tokens.resent, found.bill.input) == (1000, 0)


def test_what_was_cached_is_history_first_and_costs_less():
    tokens = Tokens(9, input=1000, cached=300, written=100, resent=500, from_cache=300, in_full=200, fresh=400,
                    cuts=((0, 0), (100, 0), (300, 50)))  # fmt: skip
    found = bill(tokens, 10 * DOLLAR, DOLLAR, 10 * DOLLAR)
    assert found.input == (600 * 10 + 300 * 1 + 100 * 10) * DOLLAR
    assert found.history == (300 * 1 + 200 * 10) * DOLLAR
    assert found.caching == 200 * 9 * DOLLAR
    assert found.cuts == (0, 100 * DOLLAR, (300 + 500) * DOLLAR)


def test_writing_to_the_cache_is_taken_off_and_caching_never_saves_less_than_nothing():
    tokens = Tokens(9, 1000, 0, 0, resent=500, from_cache=0, in_full=500, fresh=500, cuts=())
    assert bill(tokens, 10 * DOLLAR, DOLLAR, 12 * DOLLAR).caching == (500 * 9 - 500 * 2) * DOLLAR
    assert bill(tokens, 10 * DOLLAR, 9 * DOLLAR, 20 * DOLLAR).caching == 0
    assert bill(tokens, 10 * DOLLAR, 10 * DOLLAR, 10 * DOLLAR).caching == 0, "no cheaper price for cached input"
