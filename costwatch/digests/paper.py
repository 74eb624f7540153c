"""A digest on paper: a PDF of its text, its tables and a small chart. Nothing is fetched: the fonts are PDF's own.

Those know the letters of western Europe; of others the nearest is taken, and a question mark where there is none.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from costwatch.anomalies.words import usd
from costwatch.budgets.say import used
from costwatch.digests import words
from costwatch.digests.report import Report

INK, MUTED, LINE, BAR = (23, 32, 43), (86, 98, 114), (223, 227, 232), (47, 98, 207)
MARGIN, CHART, TOGETHER = 18, 34, 22  # millimetres; a title and its first rows stay together
NAME, FIGURES = 0.4, (0.25, 0.15, 0.2)  # shares of the width
WIDTH = 210 - 2 * MARGIN
NEAREST = str.maketrans(
    {
        "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MINUS SIGN}": "-", "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{GREATER-THAN OR EQUAL TO}": ">=", "\N{LESS-THAN OR EQUAL TO}": "<=", "\N{EURO SIGN}": "EUR",
        "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{LATIN SMALL LETTER L WITH STROKE}": "l", "\N{LATIN CAPITAL LETTER L WITH STROKE}": "L",
        "\N{LATIN SMALL LETTER D WITH STROKE}": "d", "\N{LATIN CAPITAL LETTER D WITH STROKE}": "D",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i", "\N{LATIN SMALL LIGATURE OE}": "oe",
        "\N{LATIN CAPITAL LIGATURE OE}": "OE",
    }
)  # fmt: skip


def pdf(workspace: str, found: Report, now: datetime) -> bytes:
    """The digest as a file for printing or sending on."""
    paper = _Paper(f"{workspace}, {found.span.label}", f"costwatch, made {words.moment(now, found.zone)} {found.zone}")
    paper.heading(f"{workspace}, {found.span.label}", 18)
    paper.text(words.sentence(found), 12)
    paper.text(words.coverage(found), muted=True)
    paper.bars([amount for _, amount in found.days])
    for dimension in words.WHATS:
        paper.listing(words.movers(found, dimension), words.moved(found, dimension))
    paper.heading("Forecast")
    paper.text(words.forecast(found))
    budgets = [(words.name(b.name), f"{b.spent} of {b.limit}", used(b.share), b.state) for b in found.budgets]
    paper.listing("Budgets", budgets)
    paper.heading("Incidents")
    paper.text(words.incidents(found)[0])
    paper.listing("", [(i.title, str(i.severity), str(i.state), words.moment(i.opened_at, found.zone))
                     for i in found.incidents])  # fmt: skip
    paper.listing("Without a price", [(words.name(model), words.calls(sums.unpriced_calls), "at most",
                                     words.at_most(sums)) for model, sums in found.unpriced])  # fmt: skip
    return bytes(paper.output())


def printable(text: str) -> str:
    """The text in the letters that PDF's own fonts have."""
    kept = []
    for letter in text.translate(NEAREST):
        if _has(letter):
            kept.append(letter)
            continue
        plain = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
        kept.append(plain if plain and all(map(_has, plain)) else "?")
    return "".join(kept)


def _has(letter: str) -> bool:
    return " " <= letter <= "~" or "\xa1" <= letter <= "\xff"


class _Paper(FPDF):
    """Pages in the manner of the product: ink rules, numbers to the right, no colour but in the chart."""

    def __init__(self, title: str, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = printable(foot)
        self.set_title(printable(title))
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(True, MARGIN + 6)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-MARGIN)
        self._use(8, muted=True)
        self.cell(WIDTH / 2, 5, self._foot)
        self.cell(WIDTH / 2, 5, f"{self.page_no()}", align="R")

    def heading(self, text: str, size: int = 11) -> None:
        self.ln(4)
        self.set_draw_color(*INK)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
        self.ln(1.5)
        self._use(size, bold=True)
        self.multi_cell(WIDTH, size * 0.5, printable(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1)

    def text(self, text: str, size: int = 10, *, muted: bool = False) -> None:  # type: ignore[override]
        self._use(size, muted=muted)
        self.multi_cell(WIDTH, size * 0.5, printable(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def bars(self, amounts: Sequence[Decimal]) -> None:
        """Spend by day (or hour), the tallest bar with its amount."""
        top = max(amounts, default=Decimal(0))
        if not top:
            return
        self.ln(4)
        low, step = self.get_y() + CHART, WIDTH / len(amounts)
        self.set_fill_color(*BAR)
        for number, amount in enumerate(amounts):
            height = float(amount / top) * (CHART - 6)
            self.rect(MARGIN + number * step, low - height, step * 0.72, height, style="F")
        self.set_draw_color(*INK)
        self.line(MARGIN, low, MARGIN + WIDTH, low)
        self._use(8, muted=True)
        self.text_at(min(amounts.index(top) * step, WIDTH - 20), low - CHART + 1, usd(top))
        self.set_y(low + 2)

    def text_at(self, x: float, y: float, text: str) -> None:
        self.set_xy(MARGIN + x, y)
        self.cell(20, 4, printable(text))

    def listing(self, title: str, rows: Sequence[tuple[str, str, str, str]]) -> None:
        """A name and three figures a row; nothing where there are none."""
        if not rows:
            return
        if self.will_page_break(TOGETHER):
            self.add_page()
        if title:
            self.heading(title)
        for name, *figures in rows:
            self._use(9)
            self.set_draw_color(*LINE)
            self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
            self.cell(WIDTH * NAME, 6, self._fitting(name, WIDTH * NAME))
            for number, (figure, share) in enumerate(zip(figures, FIGURES, strict=True)):
                self._use(9, muted=number == 2)
                self.cell(WIDTH * share, 6, self._fitting(figure, WIDTH * share), align="R")
            self.ln(6)

    def _fitting(self, text: str, width: float) -> str:
        text = printable(text)
        while len(text) > 1 and self.get_string_width(text) > width - 2:
            text = text[:-4].rstrip() + "..." if len(text) > 7 else text[:-1]
        return text

    def _use(self, size: float, *, bold: bool = False, muted: bool = False) -> None:
        self.set_font("Helvetica", "B" if bold else "", size)
        self.set_text_color(*(MUTED if muted else INK))
