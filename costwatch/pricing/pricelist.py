"""A negotiated price list as CSV: read line by line, compared with what holds, written; nothing is stored here.

Columns: model, and any of provider, tier, region, valid_from, valid_until, source, multiplier, discount_percent, free
and names of prices (input, cached_input, output, input_above_200000, web_search_per_1k …).
"""

import csv
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import StringIO
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.accounts.models import Workspace
from costwatch.lib.tables import value_of
from costwatch.pricing import agree
from costwatch.pricing.agreements import (
    EVERY,
    FEES,
    NOT_PRICES,
    Agreement,
    BadPrice,
    column_of,
    parse,
    priced_by,
)
from costwatch.pricing.specs import TOKEN_UNITS, Component

MOST_LINES = 5_000
HEAD = ("provider", "model", "tier", "region", "valid_from", "valid_until", "source", "multiplier", "free")
_PLACES = {unit: place for place, unit in enumerate((*TOKEN_UNITS, *FEES))}
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Problem:
    """A line that cannot be taken, counted as an editor counts."""

    line: int
    message: str


@dataclass(frozen=True)
class Compared:
    """A price of the list; `before` what holds for the same model and tier. `kind`: new, changed or same."""

    agreement: Agreement
    kind: str
    before: str


def read(text: str, zone: ZoneInfo) -> tuple[list[Agreement], list[Problem]]:
    """The agreements of a list, of which no two hold at once, and what is wrong with it; take all of it or nothing."""
    lines = csv.reader(StringIO(text.removeprefix("\ufeff")), delimiter=_delimiter(text), strict=True)
    try:
        head = [name.strip().lower().replace(" ", "_") for name in next(lines, [])]
        problems = _of_head(head)
        if problems:
            return [], problems
        agreements, problems = _rows(lines, head, zone)
        return _one_at_a_time(agreements), problems
    except csv.Error as error:
        return [], [Problem(lines.line_num, f"This is no CSV: {error}.")]


def compared(workspace: Workspace, agreements: list[Agreement]) -> list[Compared]:
    """Each price beside what holds now."""
    found = []
    for agreement in agreements:
        known = agree.same_line(workspace, agreement).first()
        kind = "new" if known is None else "same" if agree.holds(workspace, agreement) else "changed"
        found.append(Compared(agreement, kind, agree.agreement_of(known).said if known else ""))
    return found


def written(agreements: Sequence[Agreement]) -> list[list[Any]]:
    """Rows of a list that `read` takes for the same agreements: a head with the prices that occur, a row for each."""
    priced = [{column_of(c): c.price.normalize() for c in one.components} for one in agreements]
    columns = list(dict.fromkeys(map(column_of, sorted((c for one in agreements for c in one.components), key=_place))))
    rows = [
        [*_said(one), *(prices.get(column) for column in columns)]
        for one, prices in zip(agreements, priced, strict=True)
    ]
    return [[*HEAD, *columns], *rows]


def _said(one: Agreement) -> list[Any]:
    """What a row says under HEAD."""
    multiplier = None if one.multiplier is None else one.multiplier.normalize()
    free = None if one.components or multiplier is not None else "yes"
    return [one.provider, one.model, one.variant or EVERY[0], one.region, one.start, one.end, one.source, multiplier,
            free]  # fmt: skip


def _place(component: Component) -> tuple[int, int, int]:
    return _PLACES.get(component.unit, len(_PLACES)), component.threshold, component.per


def _rows(lines: Any, head: list[str], zone: ZoneInfo) -> tuple[list[Agreement], list[Problem]]:
    agreements: list[Agreement] = []
    problems: list[Problem] = []
    seen: dict[tuple[object, ...], int] = {}
    for row in lines:
        if not any(cell.strip() for cell in row):
            continue
        if len(agreements) >= MOST_LINES:
            return agreements, [*problems, Problem(lines.line_num, f"A list has at most {MOST_LINES:,} prices.")]
        try:
            agreement = _row(row, head, zone)
            one = (agreement.provider, agreement.model, agreement.region, agreement.variant, agreement.start)
            if one in seen:
                raise BadPrice("model", f"{agreement.model} stands in line {seen[one]} already.")
            seen[one] = lines.line_num
            agreements.append(agreement)
        except BadPrice as problem:
            problems.append(Problem(lines.line_num, problem.message))
    if not agreements and not problems:
        problems.append(Problem(lines.line_num, "The list has no prices."))
    return agreements, problems


def _one_at_a_time(agreements: list[Agreement]) -> list[Agreement]:
    """From its first day on, a price of a model goes before those of the same model that began earlier."""
    lines: dict[tuple[str, ...], list[Agreement]] = {}
    for one in agreements:
        lines.setdefault((one.provider, one.model, one.region, one.variant), []).append(one)
    return [piece for line in lines.values() for piece in _pieces(line)]


def _pieces(line: list[Agreement]) -> list[Agreement]:
    line.sort(key=lambda one: one.start or _FIRST)
    starts = [one.start or _FIRST for one in line]
    found: list[Agreement] = []
    leading = None
    for start, end in pairwise(sorted({*starts, *(one.end or _LAST for one in line)})):
        begun = reversed(line[: bisect_right(starts, start)])
        before, leading = leading, next((one for one in begun if end <= (one.end or _LAST)), None)
        until = None if end == _LAST else end
        if leading is not None and leading is before:
            found[-1] = replace(found[-1], end=until)
        elif leading is not None:
            found.append(replace(leading, start=None if start == _FIRST else start, end=until))
    return found


def _row(row: list[str], head: list[str], zone: ZoneInfo) -> Agreement:
    if len(row) != len(head):
        raise BadPrice("model", f"{len(row)} cells, but {len(head)} columns; is a comma missing or one too many?")
    return parse(dict(zip(head, map(value_of, row), strict=True)), zone)


def _of_head(head: list[str]) -> list[Problem]:
    if "model" not in head:
        return [Problem(1, "The first line must name the columns, model among them: provider,model,input,output")]
    strange = [name for name in head if name not in NOT_PRICES - {"prices", "components"} and priced_by(name) is None]
    if strange:
        return [Problem(1, f"{strange[0][:40]!r} is no column of a price list.")]
    return [Problem(1, f"The column {name} is there twice.") for name in {n for n in head if head.count(n) > 1}]


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)
