"""A negotiated price list as CSV: read line by line, compared with what holds; nothing is stored here.

Columns: model, and any of provider, tier, region, valid_from, valid_until, source, multiplier, discount_percent, free
and names of prices (input, cached_input, output, web_search_per_1k …).
"""

import csv
from dataclasses import dataclass
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.accounts.models import Workspace
from costwatch.pricing import agree
from costwatch.pricing.agreements import NOT_PRICES, Agreement, BadPrice, parse, unit_of

MOST_LINES = 5_000


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
    """The agreements of a list, and what is wrong with it; take all of it or nothing."""
    lines = csv.reader(StringIO(text.removeprefix("\ufeff")), delimiter=_delimiter(text), strict=True)
    try:
        head = [name.strip().lower().replace(" ", "_") for name in next(lines, [])]
        problems = _of_head(head)
        return _rows(lines, head, zone) if not problems else ([], problems)
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


def _row(row: list[str], head: list[str], zone: ZoneInfo) -> Agreement:
    if len(row) != len(head):
        raise BadPrice("model", f"{len(row)} cells, but {len(head)} columns; is a comma missing or one too many?")
    return parse(dict(zip(head, row, strict=True)), zone)


def _of_head(head: list[str]) -> list[Problem]:
    if "model" not in head:
        return [Problem(1, "The first line must name the columns, model among them: provider,model,input,output")]
    strange = [name for name in head if name not in NOT_PRICES - {"prices", "components"} and unit_of(name) is None]
    if strange:
        return [Problem(1, f"{strange[0][:40]!r} is no column of a price list.")]
    return [Problem(1, f"The column {name} is there twice.") for name in {n for n in head if head.count(n) > 1}]


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)
