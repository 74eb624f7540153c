"""History that is sent again: a chat call carries the whole conversation, so most input was input or output before.

What a call resends is at most the input and the output of the call before it, by the same agent in the same session
(without a session: in the same run), and never more than its own input. What was cut out in between or began anew is
not known, hence "at most". Embeddings and other calls without a conversation are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from msgspec import structs

from costwatch.ledger.models import Label, LabelKind
from costwatch.pricing import book
from costwatch.pricing.usage import Usage
from costwatch.spend import conditions as where
from costwatch.spend.bounds import bounded
from costwatch.spend.filters import SpendFilter
from costwatch.spend.sessions import choose
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sources import Source

MOST_EVENTS = 50_000
MOST_GROUPS = 500
CUTS = (32_000, 16_000, 8_000)  # tokens of history that are kept
WITHOUT_HISTORY = ("embeddings", "embedding", "rerank", "image", "images", "audio", "transcription", "speech",
                   "moderation")  # fmt: skip
SAMPLE = 1_000  # tokens that a unit price is read from: below every step of long prompts

_EVENTS = Source("usage_event", "occurred_at", None, {"user": "r.end_user_id", "session": "r.session_id",
                                                      "run": "r.run_id"}, "r.attribution_id")  # fmt: skip
_CUT = """sum(least(greatest(resent - {n}, 0), cached))::bigint,
       sum(greatest(greatest(resent - {n}, 0) - cached, 0))::bigint"""
_BILL = f"""
WITH call AS (
    SELECT t.agent_id, t.model_id, t.provider_id, r.input_tokens AS input, coalesce(r.cached_input_tokens, 0) AS cached,
           coalesce(r.cache_write_tokens, 0) + coalesce(r.cache_write_1h_tokens, 0) AS written,
           lag(r.input_tokens + coalesce(r.output_tokens, 0)) OVER conversation AS before
      FROM {{tables}}
     WHERE r.input_tokens > 0 AND coalesce(r.session_id, r.run_id) IS NOT NULL AND NOT t.operation_id = ANY(%s)
       AND {{which}}
    WINDOW conversation AS (PARTITION BY r.session_id, CASE WHEN r.session_id IS NULL THEN r.run_id END, t.agent_id
                            ORDER BY r.occurred_at, r.event_key)),
sent AS (SELECT *, least(coalesce(before, 0), input) AS resent FROM call)
SELECT agent_id, model_id, provider_id, count(*), sum(input)::bigint, sum(least(cached, input))::bigint,
       sum(least(written, input))::bigint, sum(resent)::bigint, sum(least(resent, cached))::bigint,
       sum(greatest(resent - cached, 0))::bigint, sum(greatest(input - resent - written, 0))::bigint,
       {", ".join(_CUT.format(n=n) for n in CUTS)}
  FROM sent GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT {MOST_GROUPS}"""


@dataclass(frozen=True)
class Tokens:
    """Tokens of some calls. `resent` = `from_cache` + `in_full`; `fresh`: new and not written to a cache.

    `cuts`: for each of CUTS the part of the history beyond it, (read from cache, in full).
    """

    calls: int
    input: int
    cached: int
    written: int
    resent: int
    from_cache: int
    in_full: int
    fresh: int
    cuts: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Bill:
    """What history cost, in USD at the prices of now.

    `input` is the cost of all input, `history` that of the part sent again. `caching` is what reading all of it from
    the provider's cache would have saved, less what writing it there costs more; `cuts` what keeping only the last so
    many tokens of it would have saved.
    """

    input: Decimal
    history: Decimal
    caching: Decimal
    cuts: tuple[Decimal, ...]


@dataclass(frozen=True)
class Line:
    """One agent on one model. `bill` None: no price is known; `has_cache`: cached input is cheaper there."""

    agent: str
    model: str
    tokens: Tokens
    bill: Bill | None
    has_cache: bool


@dataclass(frozen=True)
class Resend:
    """The lines, those with most input first; looked at from `start` on."""

    lines: list[Line]
    start: datetime

    @property
    def bill(self) -> Bill:
        """The sum of all lines that have a price."""
        bills = [line.bill for line in self.lines if line.bill]
        cuts = tuple(sum((b.cuts[n] for b in bills), Decimal(0)) for n in range(len(CUTS)))
        totals = {
            f.name: sum((getattr(b, f.name) for b in bills), Decimal(0)) for f in fields(Bill) if f.name != "cuts"
        }
        return Bill(**totals, cuts=cuts)


def resend(workspace: Any, filter: SpendFilter, now: datetime) -> Resend:
    """The bill for history in the range, line by line."""
    lane = workspace.lane
    with snapshot(lane):
        span = bounded(workspace, filter, MOST_EVENTS)
        tables, (which, values) = choose(lane, span, ("agent",), _EVENTS)
        left_out = Label.objects.filter(lane=lane, kind=LabelKind.OPERATION, value__in=WITHOUT_HISTORY)
        with connection.cursor() as cursor:
            cursor.execute(
                _BILL.format(tables=tables, which=which), [list(left_out.values_list("id", flat=True)), *values]
            )
            rows = cursor.fetchall()
        names = where.names_of("agent", {number for row in rows for number in row[:3]})
    return Resend([_line(lane, names.get, row, now) for row in rows], span.start)


def resent(before: int | None, input: int | None, kept: int = 0) -> int:
    """How much of an input was sent before at most: the previous call's input and output, beyond the last `kept`."""
    return max(0, min(before or 0, input or 0) - kept)


def bill(tokens: Tokens, price: Decimal, cached: Decimal, written: Decimal) -> Bill:
    """Tokens at the prices (USD a token) of input, of input read from a cache, and of input written to one."""
    plain = tokens.input - tokens.cached - tokens.written
    saved = tokens.in_full * (price - cached) - tokens.fresh * max(written - price, Decimal(0))
    return Bill(
        input=max(plain, 0) * price + tokens.cached * cached + tokens.written * written,
        history=tokens.from_cache * cached + tokens.in_full * price,
        caching=max(saved, Decimal(0)) if cached < price else Decimal(0),
        cuts=tuple(read * cached + full * price for read, full in tokens.cuts),
    )


def _line(lane: int, name: Any, row: Sequence[Any], now: datetime) -> Line:
    agent, model, provider = (name(number) or "" for number in row[:3])
    calls, read, cached, written, again, from_cache, in_full, fresh = row[3:11]
    cuts = tuple(zip(row[11::2], row[12::2], strict=True))
    tokens = Tokens(calls, read, cached, written, again, from_cache, in_full, fresh, cuts)
    prices = _prices(lane, provider or None, model, now)
    if prices is None:
        return Line(agent, model, tokens, None, False)
    return Line(agent, model, tokens, bill(tokens, *prices), prices[1] < prices[0])


def _prices(lane: int, provider: str | None, model: str, now: datetime) -> tuple[Decimal, Decimal, Decimal] | None:
    """What a token of input costs plain, read from cache, written to cache; None where the model has no price."""
    plain = Usage(model=model, provider=provider, timestamp=now, input_tokens=SAMPLE, output_tokens=0)
    read = structs.replace(plain, cached_input_tokens=SAMPLE)
    written = structs.replace(plain, cache_write_tokens=SAMPLE)
    costs = [priced.cost for priced in book.current().for_workspace(lane).price_many((plain, read, written))]
    known = [cost / SAMPLE for cost in costs if cost is not None]
    return (known[0], known[1], known[2]) if len(known) == len(costs) else None
