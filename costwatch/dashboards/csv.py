"""CSV answers of pages."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.utils.text import slugify

from costwatch.dashboards.ranges import Range
from costwatch.lib.tables import FORMATS, Column, csv_text, written
from costwatch.spend.page import MOST_ITEMS

Item = TypeVar("Item", bound=Model)
MOST_CALLS = 10_000  # of a run or a session that are read one by one for its file
LONGEST_NAME = 60  # characters of what a sender named, in the name of a file


def csv_answer(rows: Iterable[Sequence[Any]], filename: str) -> HttpResponse:
    """Rows as a download."""
    return _download(csv_text(rows).encode(), "csv", filename)


def name_of(what: str, days: Range | None = None, *, more: bool = False, most: int = 0) -> str:
    """The name of a file, about a span of days or not; one that ends before its list does, by default after MOST_ITEMS
    rows, says so."""
    span = f"-{days.first}-{days.last}" if days else ""
    return f"{what}{span}{f'-first-{most or MOST_ITEMS}' if more else ''}.csv"


def first_of(rows: QuerySet[Item], most: int = 0) -> tuple[list[Item], bool]:
    """The first of the rows, by default MOST_ITEMS, and whether there are more."""
    most = most or MOST_ITEMS
    found = list(rows[: most + 1])
    return found[:most], len(found) > most


def about(what: str, name: str) -> str:
    """A word for a file's name, with as much of a name as a header can hold: no quotes and no new lines."""
    return f"{what}-{slugify(name)[:LONGEST_NAME]}".rstrip("-")


def file_answer(format: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], name: str) -> HttpResponse:
    """Rows as a download in one of FORMATS; `name` without the ending."""
    return _download(b"".join(written(format, columns, [rows])), format, f"{name}.{format}")


def _download(content: bytes, format: str, filename: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=FORMATS[format],
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
