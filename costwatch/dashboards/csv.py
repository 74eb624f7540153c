"""CSV answers of pages."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse

from costwatch.lib.tables import FORMATS, Column, csv_text, written


def csv_answer(rows: Iterable[Sequence[Any]], filename: str) -> HttpResponse:
    """Rows as a download."""
    return _download(csv_text(rows).encode(), "csv", filename)


def file_answer(format: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], name: str) -> HttpResponse:
    """Rows as a download in one of FORMATS; `name` without the ending."""
    return _download(b"".join(written(format, columns, [rows])), format, f"{name}.{format}")


def _download(content: bytes, format: str, filename: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=FORMATS[format],
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
