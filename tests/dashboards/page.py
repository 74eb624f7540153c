"""Reading a page in tests: the cells of its tables, its charts, its text."""

import json
import re
from html import unescape
from html.parser import HTMLParser

from django.test import Client


def body(client: Client, address: str, **headers: str) -> str:
    """The page at this address."""
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


class _Rows(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data


def rows(html: str) -> list[list[str]]:
    """The texts of all table cells, by row."""
    parser = _Rows()
    parser.feed(html)
    return [[as_read(cell) for cell in row] for row in parser.rows]


def row(html: str, name: str) -> list[str]:
    """The row whose first cell is `name`."""
    return next(cells for cells in rows(html) if cells and cells[0] == name)


def figure(html: str) -> dict:
    """The chart of the page, as the browser puts it together."""
    found = json.loads(unescape(re.search(r"data-figure='([^']*)'", html)[1]))
    return {**found, "data": [{**found.get("shared", {}), **trace} for trace in found["data"]]}


def series(html: str) -> list[dict]:
    """The series of the chart, without the total that only the hover shows."""
    return [trace for trace in figure(html)["data"] if trace["type"] == "bar"]


def text(html: str) -> str:
    """What is read, without tags."""
    return as_read(unescape(re.sub(r"<[^>]+>", " ", html)))


def as_read(said: str) -> str:
    """Words as they are read: what keeps them on one line is not seen."""
    return " ".join(said.replace("\u2060", "").split())


def links(html: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', html)]
