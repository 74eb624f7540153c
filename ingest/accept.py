"""Taking events: decode, price, record; then, and only then, say so."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from time import thread_time
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from costwatch.accounts.keys import KeyIdentity
from costwatch.ledger.entry import Entry
from costwatch.metrics import EVENTS
from costwatch.pricing import book
from costwatch.pricing.book import Book, Prices
from costwatch.pricing.names import canonical_provider
from costwatch.pricing.usage import CostSource
from ingest import body, event, together, verdicts
from ingest.event import Batch, Problem
from ingest.finish import Frame, Kept, Sent
from ingest.pace import MANY, pace
from ingest.unpack import unpack

CATALOG = CostSource.CATALOG


class Answer(Struct):
    """What became of a request's events; accepted + duplicates + rejected = received."""

    accepted: int
    duplicates: int
    rejected: list[Problem]
    ignored_fields: dict[str, int] | UnsetType = UNSET
    verdicts: list[dict[str, Any]] | UnsetType = UNSET
    error: dict[str, str | None] | UnsetType = UNSET

    @property
    def status(self) -> int:
        if not self.rejected:
            return 200
        return 207 if self.accepted or self.duplicates else 422

    def encoded(self) -> bytes:
        """The answer's body; with no valid event it is an error too, told by the first one's fault."""
        if self.status == 422:
            first = self.rejected[0]
            field = f"events[{first.index}]" + (f".{first.field}" if first.field else "")
            self.error = {"code": first.code, "message": first.message, "field": field}
        return msgspec.json.encode(self)


def accept(identity: KeyIdentity, data: bytes, content_type: str, content_encoding: str, now: datetime) -> Answer:
    """Store the events of a request body. Returns after they are committed and count in every total.

    Raises Refused for a body that cannot be taken as a whole, StorageUnavailable with nothing acknowledged.
    """
    began = thread_time()
    lines = body.is_lines(content_type)
    if len(data) >= MANY:
        pace.look()
    frame = _frame(now, identity.key_id)
    batch = event.decode(unpack(data, content_encoding), frame, lines=lines)
    answer = _store(identity.lane, batch, identity.name)
    if len(data) >= MANY:
        pace.worked(len(data), thread_time() - began)
    return answer


def accept_lines(lane: int, lines: bytes, now: datetime, api_key_id: int | None = None) -> Answer:
    """Store the events of an import, one JSON object per line, at most 10,000.

    Nobody reads the answer event by event, so one with wrong sums is kept and flagged, not refused.
    Raises Refused, StorageUnavailable; nothing is stored then.
    """
    frame = _frame(now, api_key_id)
    frame.keep_inconsistent = True
    return _store(lane, event.decode(lines, frame, lines=True))


def accept_events(lane: int, events: Iterable[object], now: datetime, api_key_id: int | None = None) -> Answer:
    """The same for events that are decoded already; they take the way of all others, so that one rule holds for all."""
    return accept_lines(lane, "\n".join(map(json.dumps, events)).encode(), now, api_key_id)


def _store(lane: int, batch: Batch, key_name: str = "") -> Answer:
    _price(batch.entries, book.current().for_workspace(lane))
    duplicates = len(together.record(lane, batch.entries))
    answer = Answer(len(batch.entries) - duplicates, duplicates, batch.problems, batch.ignored or UNSET)
    answer.verdicts = verdicts.of(lane, key_name, batch.entries) or UNSET
    EVENTS.labels("accepted").inc(answer.accepted)
    EVENTS.labels("duplicate").inc(answer.duplicates)
    EVENTS.labels("rejected").inc(len(answer.rejected))
    return answer


def _price(entries: list[Entry], prices: Prices) -> None:
    price = prices.price
    for entry in entries:
        priced = price(entry)
        entry.cost = priced.cost
        entry.cost_source = priced.source
        entry.price_version = priced.price_version
        if priced.source is not CATALOG:  # which leaves these as they are
            entry.upper_bound = priced.upper_bound
            entry.list_cost = priced.list_cost


_labels: tuple[Book | None, dict[Sent, Kept]] = (None, {})


def _frame(now: datetime, api_key_id: int | None) -> Frame:
    """The labels seen are remembered as long as the book is the same: another may infer another provider."""
    global _labels
    prices, seen = book.current(), _labels
    if seen[0] is not prices:
        seen = _labels = (prices, {})
    return Frame(now=now, provider=_provider_by(prices), labels=seen[1], api_key_id=api_key_id)


def _provider_by(prices: Book) -> Callable[[str | None, str], str | None]:
    def provider(sent: str | None, model: str) -> str | None:
        return canonical_provider(sent) if sent else prices.provider_of(model)

    return provider
