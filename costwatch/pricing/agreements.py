"""An override as people and programs write it: fields in, a checked agreement out. Pure.

A field is text or a JSON value. Prices are USD: of a million tokens, of one search, page or second; another number of
units is said in the name (`web_search_per_1k`), and so is a context tier (`input_above_200000`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.lib.periods import EARLIEST, LATEST
from costwatch.pricing.calculate import unit_name
from costwatch.pricing.names import canonical_provider
from costwatch.pricing.specs import MILLION, TOKEN_UNITS, Component

MOST_USD = Decimal(1_000_000)
MOST_MULTIPLIER = Decimal(10)
TIERS = ("standard", "batch", "flex", "priority", "fast", "ultrafast")
EVERY = ("every", "all", "*", "any")
PLAIN = {
    "cached_input": "cache_read", "cached": "cache_read", "cache_write": "cache_write_5m",
    "audio_input": "input_audio", "audio_output": "output_audio", "image_input": "input_image",
    "image_output": "output_image",
}  # fmt: skip
COLUMNS = {"cache_read": "cached_input", "cache_write_5m": "cache_write"}  # units that have plainer names
FEES = ("web_search", "file_search", "rerank_search", "page", "annotated_page", "audio_second", "image", "request",
        "code_execution", "social_search", "character", "video_second")  # fmt: skip
_PER = {"1m": MILLION, "1k": 1000, "million": MILLION, "thousand": 1000}
_COLUMN = re.compile(
    r"^(?P<unit>[a-z0-9_]+?)(?:_above_(?P<above>[1-9][0-9]{0,12}))?(?:_usd)?"
    r"(?:_per_(?P<per>1m|1k|million|thousand|[1-9][0-9]{0,12})(?:_tokens|_units)?)?$"
)
NOT_PRICES = frozenset(
    {"provider", "model", "region", "tier", "valid_from", "valid_until", "source", "multiplier", "discount_percent",
     "free", "prices", "components"}
)  # fmt: skip
OTHER_NAMES = {
    "effective_from": "valid_from",
    "effective_to": "valid_until",
    "reason": "source",
    "service_tier": "tier",
}


class BadPrice(ValueError):
    """A field at fault, and a sentence a person can act on."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Agreement:
    """What holds for a model (or a pattern with *) of a provider ("" = any) from `start` until `end`.

    Either `components`, or a `multiplier` of the catalogue's price, or neither: free of charge. `variant` "" = every
    tier.
    """

    provider: str
    model: str
    components: tuple[Component, ...] = ()
    multiplier: Decimal | None = None
    region: str = ""
    variant: str = "standard"
    start: datetime | None = None
    end: datetime | None = None
    source: str = ""

    @property
    def said(self) -> str:
        """The agreement in a few words, for lists and the audit log."""
        if self.multiplier is not None:
            return f"{_plain(self.multiplier * 100)} % of the list price"
        if not self.components:
            return "free of charge"
        return ", ".join(_component(c) for c in self.components)


def parse(fields: Mapping[str, Any], zone: ZoneInfo) -> Agreement:
    """A checked agreement. Dates without an offset are of `zone`. Raises BadPrice for the first field at fault."""
    fields = {OTHER_NAMES.get(name, name): value for name, value in fields.items()}
    strange = next((name for name in fields if name not in NOT_PRICES and priced_by(str(name)) is None), None)
    if strange is not None:
        raise BadPrice(str(strange)[:80], f"{str(strange)[:40]!r} is no field of a price.")
    components = _components(fields)
    multiplier = _multiplier(fields)
    free = _flag(fields, "free")
    if sum((bool(components), multiplier is not None, free)) != 1:
        raise BadPrice("prices", "Say one of three: prices, a multiplier (or discount_percent), or free.")
    start, end = _moment(fields, "valid_from", zone), _moment(fields, "valid_until", zone)
    if start and end and end <= start:
        raise BadPrice("valid_until", "valid_until must be later than valid_from.")
    return Agreement(
        canonical_provider(_text(fields, "provider", 80)),
        _model(fields),
        components,
        multiplier,
        _text(fields, "region", 40).lower(),
        _tier(fields, "standard" if components else ""),
        start,
        end,
        _text(fields, "source", 500),
    )


def price(text: object, field: str) -> Decimal:
    """USD as typed: 2.50, $2.50. Raises BadPrice."""
    try:
        amount = Decimal(str(text).strip().removeprefix("$").strip())
    except InvalidOperation:
        raise BadPrice(field, f"{field}: {str(text)[:40]!r} is no price; write dollars with a point: 2.50") from None
    if isinstance(text, bool) or not amount.is_finite() or not 0 <= amount <= MOST_USD:
        raise BadPrice(field, f"{field} must be an amount in USD from 0 to 1,000,000.")
    if amount != round(amount, 12):
        raise BadPrice(field, f"{field} has more than 12 decimals.")
    return amount


def priced_by(column: str) -> tuple[str, int, int] | None:
    """(unit, per, threshold) of the name of a price: `web_search`, `cached_input_per_1k`, `input_above_200000`; None
    where it is no price."""
    found = _COLUMN.match(column.strip().lower().replace(" ", "_"))
    if found is None:
        return None
    unit = unit_name(PLAIN.get(found["unit"], found["unit"]))
    if unit not in TOKEN_UNITS and unit not in FEES:
        return None
    per = found["per"]
    return unit, (_PER.get(per) or int(per)) if per else _usual_per(unit), int(found["above"] or 0)


def unit_of(column: str) -> tuple[str, int] | None:
    """(unit, per) of the name of a price that holds from the first token on."""
    found = priced_by(column)
    return found[:2] if found is not None and not found[2] else None


def column_of(component: Component) -> str:
    """The name of a price: `priced_by` reads it back."""
    unit, _, per, threshold, _ = component
    above = f"_above_{threshold}" if threshold else ""
    each = "" if per == _usual_per(unit) else f"_per_{per}"
    return f"{COLUMNS.get(unit, unit)}{above}{each}"


def _usual_per(unit: str) -> int:
    return MILLION if unit in TOKEN_UNITS else 1


def _components(fields: Mapping[str, Any]) -> tuple[Component, ...]:
    found: dict[tuple[str, int], Component] = {}
    for component in (*_named(fields), *_listed(fields.get("components"))):
        if (component.unit, component.threshold) in found:
            raise BadPrice("prices", f"{component.unit} is priced twice.")
        found[component.unit, component.threshold] = component
    return tuple(found.values())


def _named(fields: Mapping[str, Any]) -> list[Component]:
    """Prices under their names: in `prices`, or beside the other fields as a CSV has them."""
    inner = fields.get("prices") or {}
    if not isinstance(inner, Mapping):
        raise BadPrice("prices", 'prices must be an object: {"input": "2.50", "output": "10"}.')
    components = []
    beside = {name: value for name, value in fields.items() if name not in NOT_PRICES}
    for name, value, field in (*_prefixed(inner, "prices."), *_prefixed(beside, "")):
        at = priced_by(str(name))
        if at is None and field != name:
            raise BadPrice(field, f"{str(name)[:40]!r} is nothing that is billed; write input, output, web_search …")
        if at is not None and value not in (None, ""):
            components.append(Component(at[0], price(value, field), *at[1:]))
    return components


def _prefixed(fields: Mapping[str, Any], prefix: str) -> list[tuple[str, Any, str]]:
    return [(str(name), value, f"{prefix}{name}") for name, value in fields.items()]


def _listed(components: Any) -> list[Component]:
    """Prices as a list of unit, price, per and threshold."""
    if components in (None, "", []):
        return []
    if not isinstance(components, list) or not all(isinstance(one, Mapping) for one in components):
        raise BadPrice("components", "components must be a list of objects with unit and price.")
    return [_one(one, f"components[{i}]") for i, one in enumerate(components)]


def _one(one: Mapping[str, Any], field: str) -> Component:
    at = unit_of(str(one.get("unit", "")))
    if at is None:
        raise BadPrice(f"{field}.unit", f"{str(one.get('unit'))[:40]!r} is nothing that is billed.")
    per, threshold = one.get("per", at[1]), one.get("threshold", 0)
    for name, number, least in (("per", per, 1), ("threshold", threshold, 0)):
        if type(number) is not int or not least <= number <= 10**12:
            raise BadPrice(f"{field}.{name}", f"{name} must be a whole number from {least}.")
    return Component(at[0], price(one.get("price"), f"{field}.price"), per, threshold)


def _multiplier(fields: Mapping[str, Any]) -> Decimal | None:
    if fields.get("discount_percent") not in (None, ""):
        percent = price(fields["discount_percent"], "discount_percent")
        if percent > 100:
            raise BadPrice("discount_percent", "discount_percent must be from 0 to 100.")
        found = 1 - percent / 100
    elif fields.get("multiplier") not in (None, ""):
        found = price(fields["multiplier"], "multiplier")
    else:
        return None
    if found > MOST_MULTIPLIER or found != round(found, 6):
        raise BadPrice("multiplier", "multiplier must be from 0 to 10 with at most 6 decimals; 0.85 is 15 % off.")
    return found


def _model(fields: Mapping[str, Any]) -> str:
    model = _text(fields, "model", 200).lower()
    if not model:
        raise BadPrice("model", "model must not be blank; * stands for all models of the provider.")
    return model


def _tier(fields: Mapping[str, Any], default: str) -> str:
    tier = _text(fields, "tier", 40).lower()
    if tier in EVERY:
        return ""
    if tier and tier not in TIERS:
        raise BadPrice("tier", f"tier must be one of {', '.join(TIERS)}, or every.")
    return tier or default


def _text(fields: Mapping[str, Any], name: str, most: int) -> str:
    value = fields.get(name)
    text = "" if value is None else str(value).strip()
    if len(text) > most or not text.isprintable() or isinstance(value, (dict, list)):
        raise BadPrice(name, f"{name} must be at most {most} printable characters.")
    return text


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = str(fields.get(name) or "").strip().lower()
    if value in ("", "0", "false", "no"):
        return False
    if value in ("1", "true", "yes", "x", "on"):
        return True
    raise BadPrice(name, f"{name} must be yes or no.")


def _moment(fields: Mapping[str, Any], name: str, zone: ZoneInfo) -> datetime | None:
    text = str(fields.get(name) or "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadPrice(name, f"{name}: {text[:40]!r} is no date; write 2026-11-17 or 2026-11-17T16:00Z.") from None
    if not EARLIEST <= at < LATEST:
        raise BadPrice(name, f"{name} must be a date from {EARLIEST.year} to {LATEST.year - 1}.")
    return at


def _component(c: Component) -> str:
    per = {MILLION: " per 1M", 1000: " per 1K", 1: " each"}.get(c.per, f" per {c.per:,}")
    above = f" above {c.threshold:,}" if c.threshold else ""
    return f"{c.unit.replace('_', ' ')} ${_plain(c.price)}{per}{above}"


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
