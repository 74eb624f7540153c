"""CSV answers: RFC 4180, UTF-8, and no cell that a spreadsheet would run as a formula."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any

from django.http import HttpResponse

# what spreadsheets take for the beginning of a formula, also behind blanks; full-width forms are read alike
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: Any) -> str:
    """One cell: numbers in full without an exponent, text so that it stays text."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV with CRLF."""
    out = StringIO()
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def csv_answer(rows: Iterable[Sequence[Any]], filename: str) -> HttpResponse:
    """Rows as a download."""
    return HttpResponse(
        csv_text(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
