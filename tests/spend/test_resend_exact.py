"""History that is sent again, against going through each conversation call by call."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.ledger.record import record
from costwatch.spend.filters import SpendFilter
from costwatch.spend.resend import CUTS, Tokens, bill, resend, resent
from tests.ledger.make import entry
from tests.spend.talks import END, START, talks
from tests.spend.usage import selected

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]


def conversations(entries):
    """(session or else run, agent) → calls that carry a conversation, in order of time."""
    found = defaultdict(list)
    for e in sorted(entries, key=lambda e: e.timestamp):
        if e.input_tokens and e.operation != "embeddings" and (e.session_id or e.run_id):
            found[e.session_id or f"run {e.run_id}", e.agent_id or ""].append(e)
    return found


def counted(entries):
    """(agent, model) → Tokens by plain counting."""
    nothing = Tokens(0, 0, 0, 0, 0, 0, 0, 0, tuple((0, 0) for _ in CUTS))
    found = defaultdict(lambda: nothing)
    for (_, agent), calls in conversations(entries).items():
        for before, e in pairwise([None, *calls]):
            sent = before.input_tokens + (before.output_tokens or 0) if before else 0
            cached, written = e.cached_input_tokens or 0, e.cache_write_tokens or 0
            again = min(sent, e.input_tokens)
            cuts = [(min(max(again - n, 0), cached), max(max(again - n, 0) - cached, 0)) for n in CUTS]
            own = found[agent, e.model]
            found[agent, e.model] = Tokens(
                own.calls + 1,
                own.input + e.input_tokens,
                own.cached + min(cached, e.input_tokens),
                own.written + min(written, e.input_tokens),
                own.resent + again,
                own.from_cache + min(again, cached),
                own.in_full + max(again - cached, 0),
                own.fresh + max(e.input_tokens - again - written, 0),
                tuple((a + c, b + d) for (a, b), (c, d) in zip(own.cuts, cuts, strict=True)),
            )
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "conditions",
    [{}, {"include": {"agent": ("lookup", "")}}, {"exclude": {"user": ("u-1",)}}, {"include": {"model": ("?",)}}],
)
def test_each_agent_on_each_model_resends_what_going_through_its_calls_says(workspace, stored, seed, conditions):
    entries = stored(talks(seed), 100)
    filter = SpendFilter(START + timedelta(hours=20), END, **conditions)
    found = resend(workspace, filter, END)
    assert {(line.agent, line.model): line.tokens for line in found.lines} == counted(selected(entries, filter))
    assert [line.tokens.input for line in found.lines] == sorted((t.tokens.input for t in found.lines), reverse=True)
    for line in found.lines:
        tokens = line.tokens
        assert tokens.resent == tokens.from_cache + tokens.in_full <= tokens.input
        assert [sum(cut) for cut in tokens.cuts] == sorted(
            sum(cut) for cut in tokens.cuts
        )  # more is cut at a lower one


def test_conversations_of_other_workspaces_are_others_even_under_the_same_names(workspace, stored):
    stored([entry("a", timestamp=START, session_id="s", input_tokens=100, output_tokens=9)])
    other = Workspace.objects.create(name="Other")
    record(other.lane, [entry("b", timestamp=START + timedelta(hours=1), session_id="s", input_tokens=500)])
    assert [line.tokens.resent for line in resend(workspace, SpendFilter(START, END), END).lines] == [0]
    assert [line.tokens.resent for line in resend(other, SpendFilter(START, END), END).lines] == [0]


count = st.integers(0, 10**6)
price = st.decimals(0, 1, places=6)


@given(count, count, st.integers(0, 10**6))
def test_what_is_kept_of_a_history_is_not_sent_again_twice(before, given_input, kept):
    again = resent(before, given_input)
    assert 0 <= again <= min(before, given_input)
    assert resent(before, given_input, kept) == max(0, again - kept)


@given(st.tuples(count, count, count, count, count), price, price, price)
def test_a_bill_never_promises_what_cannot_be_saved(numbers, full, cached, written):
    read, wrote, from_cache, in_full, fresh = numbers
    again = from_cache + in_full
    tokens = Tokens(1, read + wrote + again + fresh, from_cache + read, wrote, again, from_cache, in_full, fresh,
                    ((from_cache, in_full), (from_cache // 2, in_full // 2), (0, 0)))  # fmt: skip
    found = bill(tokens, full, cached, written)
    assert found.cuts[0] == found.history == from_cache * cached + in_full * full
    assert found.cuts[0] >= found.cuts[1] >= found.cuts[2] == 0
    assert 0 <= found.caching <= in_full * max(full - cached, Decimal(0))
    dearer = bill(tokens, full, cached, written + 1)
    assert dearer.caching <= found.caching


def test_the_sum_of_all_lines_leaves_out_those_without_a_price(workspace, stored, prices):
    stored([
        entry(f"{model}-{n}", timestamp=START + timedelta(minutes=n), session_id=model, model=model, input_tokens=1_000,
              output_tokens=0)
        for model in ("gpt-5-mini", "gpt-5", "homemade") for n in range(3)
    ])  # fmt: skip
    found = resend(workspace, SpendFilter(START, END), END)
    priced = [line.bill for line in found.lines if line.bill]
    assert {line.model: line.bill is None for line in found.lines} == {
        "gpt-5-mini": False, "gpt-5": False, "homemade": True
    }  # fmt: skip
    total = found.bill
    assert total.history == sum(one.history for one in priced) > 0
    assert total == replace(
        total,
        input=sum(one.input for one in priced),
        caching=sum(one.caching for one in priced),
        cuts=tuple(sum(one.cuts[n] for one in priced) for n in range(len(CUTS))),
    )
