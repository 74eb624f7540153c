"""Prices as files: a line for each component of each price, so that tiers of context and fees are all in it."""

from collections.abc import Iterable, Iterator
from typing import Any

from costwatch.dashboards.price_book import ordered, price_for
from costwatch.pricing.models import PriceComponent, PriceVersion
from costwatch.pricing.specs import TOKEN_UNITS

HEAD = ("provider", "model", "tier", "region", "schedule", "origin", "valid_from", "valid_until", "multiplier", "free",
        "release", "source", "component", "above_tokens", "price_usd", "per_units", "at_least_units")  # fmt: skip


def csv_rows(versions: Iterable[PriceVersion], per: int) -> list[list[Any]]:
    """The prices with a head; tokens for `per` of them, everything else for one."""
    return [list(HEAD), *(row for version in versions for row in _rows(version, per))]


def _rows(version: PriceVersion, per: int) -> Iterator[list[Any]]:
    """A price of no components, a share of the list price or free, is a line too."""
    said, components = _said(version), ordered(version)
    if not components:
        yield [*said, *[None] * (len(HEAD) - len(said))]
    for component in components:
        yield [*said, *_component(component, per)]


def _said(version: PriceVersion) -> list[Any]:
    line, release = version.line, version.release
    is_free = version.multiplier is None and not version.components.all()
    return [line.provider, line.model, line.variant or "every", line.region, line.schedule,
            "catalog" if line.workspace_id is None else "override", version.valid_from, version.valid_until,
            version.multiplier, is_free, release.name if release else "", version.source]  # fmt: skip


def _component(component: PriceComponent, per: int) -> list[Any]:
    units = per if component.unit in TOKEN_UNITS else 1
    price = price_for(component, per).normalize()
    return [component.unit, component.threshold, price, units, component.minimum]
