"""A small picture for a mail: what was spent against the limit, or how it went."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, MARGIN = 560, 120, 12
SCALE = 2  # drawn large for sharp screens
PAPER, INK, FAINT, BAD, CALM = "#ffffff", "#17202b", "#c9d0d8", "#b3261e", "#2f62cf"
MOST_POINTS = 120


def picture(incident: Mapping[str, Any]) -> bytes | None:
    """A PNG of the facts' `series` (rows of start, spent, usual), else of spent and limit; None without either."""
    facts = incident.get("facts") or {}
    try:
        rows = [(float(row[1]), float(row[2] or 0)) for row in facts.get("series") or ()][-MOST_POINTS:]
        limit = float(facts["limit_usd"]) if facts.get("limit_usd") is not None else None
        spent = float(facts["spent_usd"]) if facts.get("spent_usd") is not None else None
    except (LookupError, TypeError, ValueError):
        return None
    if len(rows) > 1:
        return _png(lambda draw: _bars(draw, rows))
    if limit and limit > 0 and spent is not None and spent >= 0:
        thresholds = [float(c["threshold"]) for c in facts.get("crossings") or () if "threshold" in c]
        return _png(lambda draw: _against(draw, spent, limit, thresholds))
    return None


def _png(paint: Any) -> bytes:
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), PAPER)
    paint(ImageDraw.Draw(image))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _bars(draw: ImageDraw.ImageDraw, rows: Sequence[tuple[float, float]]) -> None:
    """A bar for each row with a tick at what is usual; the last one, which is told of, is marked."""
    top = max(*(max(row) for row in rows), 1e-9)
    step, room = (WIDTH - 2 * MARGIN) / len(rows), HEIGHT - 4 * MARGIN
    for number, (spent, usual) in enumerate(rows):
        left = MARGIN + number * step
        colour = BAD if number == len(rows) - 1 else CALM
        _box(draw, left, HEIGHT - MARGIN - room * max(spent, 0) / top, left + step * 0.8, HEIGHT - MARGIN, colour)
        if usual > 0:
            at = HEIGHT - MARGIN - room * usual / top
            _box(draw, left, at, left + step * 0.8, at + 1, INK)
    _box(draw, MARGIN, HEIGHT - MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN + 1, INK)
    spent, usual = rows[-1]
    _words(draw, MARGIN, MARGIN, f"${spent:,.2f}, usually ${usual:,.2f}" if usual > 0 else f"${spent:,.2f}")


def _against(draw: ImageDraw.ImageDraw, spent: float, limit: float, thresholds: Sequence[float]) -> None:
    """A bar of what was spent on a scale up to the limit or beyond; ticks at the thresholds."""
    end = max(spent, limit) * 1.05
    scale = (WIDTH - 2 * MARGIN) / end
    top, bottom = 52, 84
    _box(draw, MARGIN, top, MARGIN + limit * scale, bottom, FAINT)
    _box(draw, MARGIN, top + 6, MARGIN + spent * scale, bottom - 6, BAD if spent >= limit else CALM)
    for threshold in thresholds[:20]:
        at = MARGIN + min(limit * threshold / 100, end) * scale
        _box(draw, at, top - 4, at + 1, bottom + 4, INK)
    _box(draw, MARGIN + limit * scale, top - 8, MARGIN + limit * scale + 2, bottom + 8, INK)
    _words(draw, MARGIN, MARGIN, f"${spent:,.2f} of ${limit:,.2f}")


def _box(draw: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float, colour: str) -> None:
    draw.rectangle([left * SCALE, top * SCALE, max(right, left) * SCALE, max(bottom, top) * SCALE], fill=colour)


def _words(draw: ImageDraw.ImageDraw, left: float, top: float, text: str) -> None:
    draw.text((left * SCALE, top * SCALE), text, fill=INK, font=ImageFont.load_default(16 * SCALE))
