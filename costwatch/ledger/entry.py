"""One usage event on its way into the books: normalised, keyed, priced."""

from decimal import Decimal
from typing import Any, NamedTuple

from costwatch.pricing.usage import CostSource, Usage


class Labels(NamedTuple):
    """What an event is attributed to, as its sender named it; tags in the order in which they came.

    The first seven stand in the order of `labels.KINDS`, and the digest of an attribution, which is stored, is made of
    them in this order: it must not change.
    """

    provider: str | None
    model: str
    operation: str
    agent_id: str | None
    task: str | None
    environment: str | None
    release: str | None
    tags: tuple[tuple[str, str], ...] = ()


class Entry(Usage, kw_only=True, gc=False):
    """A Usage with everything the ledger keeps of it. The edge fills it, `pricing` prices it, `record` stores it.

    `event_id` is as sent (or made by the edge); `keys` are the 16-byte identities under which the event is known:
    `event_key(event_id)` first, and the one of (provider family, response id) where the sender gave one. `labels` say
    again what eight of the fields do: one object for all events that are attributed alike.
    """

    event_id: str
    keys: tuple[bytes, ...] = ()
    agent_id: str | None = None
    user_id: str | None = None
    task: str | None = None
    run_id: str | None = None
    session_id: str | None = None
    step: int | None = None
    parent_id: str | None = None
    environment: str | None = None
    release: str | None = None
    tags: dict[str, str] | None = None
    api_key_id: int | None = None
    response_id: str | None = None
    latency_ms: int | None = None
    error: bool = False
    error_type: str | None = None
    tool: str | None = None
    call_fingerprint: str | None = None
    input_fingerprint: str | None = None
    input_error: bool | None = None
    usage_inconsistent: bool = False
    raw_usage: dict[str, Any] | list[Any] | None = None
    api: str | None = None
    labels: Labels | None = None
    cost: Decimal | None = None
    cost_source: CostSource = CostSource.UNPRICED
    price_version: int | None = None
    upper_bound: Decimal = Decimal(0)
    list_cost: Decimal | None = None


def labels_of(e: Entry) -> Labels:
    """What its fields say."""
    tags = tuple(e.tags.items()) if e.tags else ()
    return Labels(e.provider, e.model, e.operation, e.agent_id, e.task, e.environment, e.release, tags)
