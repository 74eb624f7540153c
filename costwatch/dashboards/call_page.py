"""One call: all its fields, the price that was matched, and its cost in parts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.addresses import call_url, run_url
from costwatch.dashboards.run_calls import Call
from costwatch.dashboards.run_page import component, in_run
from costwatch.spend.events import event as find_event

MILLION = 1_000_000
NOTICEABLE = Decimal("0.99")
SOURCES = {
    "catalog": "from the price catalogue",
    "override": "from a price of this workspace",
    "reported": "as the provider reported it",
    "free": "free of charge",
    "unpriced": "unpriced: no price is known for this model",
    "usage_unknown": "not known: the sender gave no token counts",
}
NAMES = {
    "provider": "Provider", "model": "Model", "operation": "Operation", "agent_id": "Agent", "user_id": "User",
    "task": "Task", "session_id": "Session", "step": "Step", "parent_id": "Parent", "environment": "Environment",
    "release": "Release", "key": "API key", "tool": "Tool", "status": "Status", "error_type": "Error type",
    "service_tier": "Service tier", "region": "Region", "batch": "Batch", "requests": "Requests",
    "response_id": "Response id", "api": "Usage shape", "reported_cost_usd": "Reported cost, USD",
    "call_fingerprint": "Call fingerprint", "input_fingerprint": "Input fingerprint",
    "input_error": "Input was an error", "usage_inconsistent": "Usage inconsistent",
}  # fmt: skip
COUNTS = {
    "input_tokens": "Input", "cached_input_tokens": "of it from cache", "cache_write_tokens": "of it written to cache",
    "cache_write_1h_tokens": "of it written for 1 h", "audio_input_tokens": "of it audio",
    "image_input_tokens": "of it images", "output_tokens": "Output", "reasoning_tokens": "of it reasoning",
    "audio_output_tokens": "of it audio", "image_output_tokens": "of it images",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One part of the cost; `price` per million tokens, or per piece where it is no tokens."""

    label: str
    tokens: str
    price: str
    cost: Decimal


@dataclass(frozen=True)
class CallPage:
    """The content of the page. `cost` None = not known; `place`: the call among those of its run."""

    event: Mapping[str, Any]
    url: str
    run_url: str | None
    cost: Decimal | None
    upper_bound: Decimal | None
    source: str
    lines: list[Line]
    decimals: int
    price: list[tuple[str, str]]
    facts: list[tuple[str, str]]
    tokens: list[tuple[str, int]]
    usage: str
    raw: str
    units: list[tuple[str, str]]
    latency: timedelta | None
    place: Call | None

    @property
    def if_cached(self) -> Decimal | None:
        """What the call would have cost with its history from the cache, where that is less to be seen."""
        cached = self.place.cached if self.place else None
        return cached if cached is not None and self.cost and cached < self.cost * NOTICEABLE else None


def call_page(workspace: Workspace, event_id: str) -> CallPage | None:
    """The page of a call; None where this workspace knows no such call."""
    event = find_event(workspace, event_id)
    if event is None:
        return None
    lines = [_line(part) for part in event["cost_parts"]]
    ms = event["latency_ms"]
    return CallPage(
        event=event,
        url=call_url(event["event_id"]),
        run_url=run_url(event["run_id"]) if event["run_id"] else None,
        cost=_decimal(event["cost_usd"]),
        upper_bound=_decimal(event["upper_bound_usd"]),
        source=SOURCES[event["cost_source"]],
        lines=lines,
        decimals=max(4, display.aligned_decimals([line.cost for line in lines])),
        price=[*_price(event["price"], ZoneInfo(workspace.time_zone)), *_before(event)],
        facts=[(title, _text(event[name])) for name, title in NAMES.items() if _is_known(event.get(name))]
        + [(name, value) for name, value in event["tags"].items()],
        tokens=[(title, event[name]) for name, title in COUNTS.items() if event[name] is not None],
        usage=json.dumps(event["usage"], indent=2, ensure_ascii=False) if event["usage"] else "",
        raw=json.dumps(event, indent=2, ensure_ascii=False, default=_plain),
        units=[(name.replace("_", " "), str(amount)) for name, amount in (event["units"] or {}).items()],
        latency=None if ms is None else timedelta(milliseconds=ms),
        place=in_run(workspace, event),
    )


def _line(part: Mapping[str, Any]) -> Line:
    unit, per = Decimal(part["unit_price_usd"]), part["per"]
    price = display.every_digit(unit * MILLION / per) if per >= 1000 else f"{display.every_digit(unit)} each"
    return Line(component(part["component"]), f"{Decimal(part['tokens']):,f}", price, Decimal(part["cost_usd"]))


def _price(price: Mapping[str, Any] | None, zone: ZoneInfo) -> list[tuple[str, str]]:
    if not price:
        return []
    since, until = (at and f"{at.astimezone(zone):%Y-%m-%d}" for at in (price["valid_from"], price["valid_until"]))
    found = [
        ("Price of", f"{price['provider']} · {price['model']}"),
        ("Tier", price["tier"]),
        ("Region", price["region"]),
        ("Valid", " ".join(filter(None, [since and f"from {since}", until and f"until {until}"]))),
        ("Catalogue", price["release"]),
    ]
    return [(title, value) for title, value in found if value]


def _before(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The list price where another was agreed on, and what the call was recorded as before it was repriced."""
    found = []
    if event["cost_source"] == "override" and event["list_cost_usd"] not in (None, event["cost_usd"]):
        found.append(("List price", display.every_digit(_decimal(event["list_cost_usd"]))))
    if event["recorded"]:
        was, reason = event["recorded"], event["recorded"]["reason"]
        told = was["cost_source"].replace("_", " ")
        if was["cost_usd"] is not None:
            told = f"{display.every_digit(_decimal(was['cost_usd']))}, {told}"
        found.append(("Recorded as", f"{told}; repriced: {reason}"))
    return found


def _plain(value: Any) -> str:
    """What JSON has no form for: times as RFC 3339 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _is_known(value: Any) -> bool:
    """Whether there is something to tell: a step 0 is the first one, a False says nothing."""
    return value is not None and value is not False and value != ""


def _text(value: Any) -> str:
    return "yes" if value is True else f"{value:,}" if isinstance(value, int) else str(value)
