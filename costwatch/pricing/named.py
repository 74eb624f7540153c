"""Under which names the lines of a model are found, also names that mean another model from a day on. Pure."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise, product

from costwatch.pricing.schedules import Schedule
from costwatch.pricing.specs import LineKey
from costwatch.pricing.timeline import BEGINNING, Span, Timeline

ModelLines = dict[tuple[str, str], Timeline]  # by region class and tier
Meaning = tuple[datetime | None, datetime | None, ModelLines]  # what a name means from a day on, until a day


def by_name(
    lines: dict[LineKey, Timeline], aliases: Iterable[tuple[str, str, str, datetime | None, datetime | None]]
) -> dict[tuple[str, str], ModelLines]:
    """(provider, name) -> the lines that calls of this name are billed by."""
    names: dict[tuple[str, str], ModelLines] = {}
    for key, timeline in lines.items():
        if not key.schedule:
            names.setdefault((key.provider, key.model), {})[key.region, key.variant] = timeline
            if key.variant != "standard":
                timeline.otherwise = lines.get(key._replace(variant="standard"))
    dated: dict[tuple[str, str], list[Meaning]] = {}
    for provider, name, model, start, end in aliases:
        target = names.get((provider, model))
        if target is None:
            continue
        if start is None and end is None:
            names.setdefault((provider, name), target)
        else:
            dated.setdefault((provider, name), []).append((start, end, target))
    for at, meanings in dated.items():
        names[at] = _moving(_one_by_one(meanings))
    return names


def _one_by_one(meanings: list[Meaning]) -> list[Meaning]:
    """In order, each until its end and at most until the next one begins."""
    ordered = sorted(meanings, key=lambda meaning: meaning[0] or BEGINNING)
    ends = [min((at for at in (one[1], after[0]) if at is not None), default=None) for one, after in pairwise(ordered)]
    return [(start, end, target) for (start, _, target), end in zip(ordered, [*ends, ordered[-1][1]], strict=True)]


def _moving(meanings: list[Meaning]) -> ModelLines:
    """The lines of a name that meant different models in time: each model's prices and hours while it was meant."""
    lines: ModelLines = {}
    regions, tiers = ({key[i] for _, _, target in meanings for key in target} for i in (0, 1))
    for region, tier in product(regions, tiers):
        spans: list[Span] = []
        hours: list[tuple[Schedule, Timeline]] = []
        for start, end, target in meanings:
            line = _nearest(target, region, tier)
            if line is not None:
                spans += line.within(start, end)
                hours += [(schedule, Timeline(own.within(start, end))) for schedule, own in line.scheduled]
        lines[region, tier] = Timeline(spans, hours)
    for (region, tier), timeline in lines.items():
        if tier != "standard":
            timeline.otherwise = lines.get((region, "standard"))
    return lines


def _nearest(lines: ModelLines, place: str, tier: str) -> Timeline | None:
    """The line of a model that a call from this place in this tier is billed by."""
    keys = ((where, how) for where in places(place) for how in (tier, "standard"))
    return next((lines[key] for key in keys if key in lines), None)


def places(place: str) -> tuple[str, ...]:
    """Region classes to look at, the most special first."""
    if place == "global":
        return ("global", "", "regional")
    if place == "datazone-eu":
        return ("datazone-eu", "datazone", "")
    return (place, "") if place else ("",)
