"""Stored events in the words of API.md §3."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from costwatch.accounts.models import ApiKey
from costwatch.ledger.models import Attribution, SpendAdjustment
from costwatch.pricing import book
from costwatch.pricing.book import Prices
from costwatch.pricing.overrides import WorkspaceBook
from costwatch.pricing.usage import CostSource, Priced, Usage
from costwatch.spend.conditions import names_of
from costwatch.spend.dimensions import FACTS, LABELS

TOKENS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_input_tokens",
    "image_output_tokens",
)
_LABEL_FIELDS = {"agent": "agent_id"}  # an event calls the agent so; the others have one name everywhere


def shown(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of usage_event with their names, prices and parts of cost, corrections included; `recorded` is what the cost
    was before any. Money as text with all its digits, or None."""
    if not rows:
        return []
    attributions = Attribution.objects.in_bulk({row["attribution_id"] for row in rows})
    labels = {kind: names_of(kind, {getattr(a, f"{kind}_id") for a in attributions.values()}) for kind in LABELS}
    facts = {kind: names_of(kind, {row[column] for row in rows if row[column]}) for kind, column in FACTS.items()}
    keys = dict(ApiKey.objects.filter(id__in={a.key_id for a in attributions.values()}).values_list("id", "name"))
    prices = book.current().for_workspace(rows[0]["lane"])
    corrected = corrections(rows)
    found = []
    for row in rows:
        own = attributions[row["attribution_id"]]
        named = {_LABEL_FIELDS.get(kind, kind): labels[kind].get(getattr(own, f"{kind}_id")) or None for kind in LABELS}
        of_whom = {f"{kind}_id": facts[kind].get(row[column]) for kind, column in FACTS.items()}
        found.append({**_sent(row), **named, **of_whom, "tags": own.tags, "key": keys.get(own.key_id),
                      **_money(row, named, prices, corrected.get(row["event_key"]))})  # fmt: skip
    return found


def corrections(rows: Sequence[Mapping[str, Any]]) -> dict[UUID | None, dict[str, Any]]:
    """event key → its cost now, as its adjustments say: the sum of all, source and price of the last one."""
    keys = [row["event_key"] for row in rows]
    found: dict[UUID | None, dict[str, Any]] = {}
    made = SpendAdjustment.objects.filter(lane=rows[0]["lane"], event_key__in=keys, cost_source__isnull=False)
    for key, cost, bound, source, version, reason, at in made.order_by("id").values_list(
        "event_key", "cost", "upper_bound", "cost_source", "price_version_id", "reason", "recorded_at"
    ):
        sums = found.setdefault(key, {"cost": Decimal(0), "upper_bound": Decimal(0)})
        sums.update(cost=sums["cost"] + cost, upper_bound=sums["upper_bound"] + bound, cost_source=source)
        sums.update(price_version_id=version, reason=reason, at=at)
    return found


def cost_fields(usage: Usage, priced: Priced, prices: Prices) -> dict[str, Any]:
    """`cost_usd`, `cost_source`, `price`, `cost_parts` of a priced usage; `list_cost_usd` at the catalogue's price."""
    version = priced.price_version
    return {
        "cost_usd": usd(priced.cost),
        "list_cost_usd": usd(priced.cost if priced.list_cost is None else priced.list_cost),
        "cost_source": priced.source.name.lower(),
        "upper_bound_usd": usd(priced.upper_bound or None),
        "price": prices.describe(version) if version is not None else None,
        "cost_parts": [
            {
                "component": part.component,
                "tokens": part.tokens,
                "unit_price_usd": usd(part.unit_price),
                "per": part.per,
                "cost_usd": usd(part.cost),
            }
            for part in prices.parts(usage, priced)
        ],
    }


def usd(amount: Decimal | None) -> str | None:
    """Money as text with all its digits, never in powers of ten."""
    return None if amount is None else format(amount, "f")


def _sent(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = ("event_id", "received_at", "step", "parent_id", *TOKENS, "service_tier", "region", "batch", "requests",
             "response_id", "latency_ms", "error_type", "tool", "call_fingerprint", "input_fingerprint", "input_error",
             "usage_inconsistent", "api")  # fmt: skip
    return {
        "timestamp": row["occurred_at"],
        **{name: row[name] for name in plain},
        "status": "error" if row["error"] else "ok",
        "units": json.loads(row["units"]) if row["units"] else None,
        "usage": json.loads(row["raw_usage"]) if row["raw_usage"] else None,
        "reported_cost_usd": usd(row["reported_cost"]),
    }


def _money(
    row: Mapping[str, Any], labels: Mapping[str, str | None], prices: Prices, correction: Mapping[str, Any] | None
) -> dict[str, Any]:
    usage = _usage(row, labels)
    recorded = Priced(
        row["cost"],
        CostSource(row["cost_source"]),
        row["price_version_id"],
        row["upper_bound"] or Decimal(0),
        row["list_cost"],
    )
    if correction is None:
        return {**cost_fields(usage, recorded, prices), "recorded": None}
    then = cost_fields(usage, recorded, prices)
    kept = {name: then[name] for name in ("cost_usd", "cost_source", "price")}
    kept |= {"corrected_at": correction["at"], "reason": correction["reason"]}
    return {**cost_fields(usage, _corrected(usage, recorded, correction, prices), prices), "recorded": kept}


def _corrected(usage: Usage, recorded: Priced, correction: Mapping[str, Any], prices: Prices) -> Priced:
    source = CostSource(correction["cost_source"])
    cost: Decimal | None = (recorded.cost or Decimal(0)) + correction["cost"]
    if source in (CostSource.UNPRICED, CostSource.USAGE_UNKNOWN):
        cost = None
    now = Priced(cost, source, correction["price_version_id"], recorded.upper_bound + correction["upper_bound"])
    if source is CostSource.OVERRIDE and isinstance(prices, WorkspaceBook):
        now = msgspec.structs.replace(now, list_cost=prices.list_cost(usage, now))
    return now


def _usage(row: Mapping[str, Any], labels: Mapping[str, str | None]) -> Usage:
    return Usage(
        model=labels["model"] or "",
        provider=labels["provider"],
        operation=labels["operation"] or "chat",
        timestamp=row["occurred_at"],
        units=json.loads(row["units"], parse_float=Decimal, parse_int=Decimal) if row["units"] else None,
        service_tier=row["service_tier"],
        region=row["region"],
        batch=row["batch"],
        requests=row["requests"],
        reported_cost=row["reported_cost"],
        **{name: row[name] for name in TOKENS},
    )
