"""What a price catalogue says, before it is stored: lines, their versions over time, names, schedules.

Prices are Decimal USD for `per` units; times are aware UTC, None = since or until ever.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

MILLION = 1_000_000

# the package's price keys -> our unit and the number of units that its price is for
UNITS: dict[str, tuple[str, int]] = {
    "input_mtok": ("input", MILLION),
    "cache_read_mtok": ("cache_read", MILLION),
    "cache_write_mtok": ("cache_write_5m", MILLION),
    "cache_write_5m_mtok": ("cache_write_5m", MILLION),
    "cache_write_1h_mtok": ("cache_write_1h", MILLION),
    "input_audio_mtok": ("input_audio", MILLION),
    "cache_audio_read_mtok": ("cache_read_audio", MILLION),
    "input_image_mtok": ("input_image", MILLION),
    "cache_image_read_mtok": ("cache_read_image", MILLION),
    "input_video_mtok": ("input_video", MILLION),
    "output_mtok": ("output", MILLION),
    "output_reasoning_mtok": ("reasoning", MILLION),
    "output_audio_mtok": ("output_audio", MILLION),
    "output_image_mtok": ("output_image", MILLION),
    "output_video_mtok": ("output_video", MILLION),
    "output_citation_mtok": ("citation", MILLION),
    "audio_hours": ("audio_second", 3600),
    "input_audio_hours": ("audio_second", 3600),
    "input_mchars": ("character", MILLION),
    "input_text_messages_kcount": ("text_message", 1000),
    "input_gpixels": ("pixel", 1_000_000_000),
    "input_document_kpages": ("page", 1000),
    "input_annotated_document_kpages": ("annotated_page", 1000),
    "rerank_searches_kcount": ("rerank_search", 1000),
    "web_searches_kcount": ("web_search", 1000),
    "social_searches_kcount": ("social_search", 1000),
    "storage_searches_kcount": ("file_search", 1000),
    "code_executions_kcount": ("code_execution", 1000),
    "requests_kcount": ("request", 1000),
}
TOKEN_UNITS = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "input_audio",
    "cache_read_audio",
    "input_image",
    "cache_read_image",
    "output",
    "reasoning",
    "output_audio",
    "output_image",
)


class LineKey(NamedTuple):
    """What has one price at a time. `region` and `schedule` are "" where they make no difference."""

    provider: str
    model: str
    region: str = ""
    variant: str = "standard"
    schedule: str = ""


class Component(NamedTuple):
    """`price` USD for `per` units. `threshold`: only for prompts of more tokens than this, then for the whole
    request. `minimum`: at least this many units are billed."""

    unit: str
    price: Decimal
    per: int = MILLION
    threshold: int = 0
    minimum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """The prices of a line from `start` until `end`; no components = explicitly free."""

    start: datetime | None
    end: datetime | None
    components: tuple[Component, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of a model, for calls from `start` until `end`."""

    provider: str
    name: str
    model: str
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """Hours in which other prices hold: `windows` of local time, on `weekdays` (0 = Monday), not on `holidays`."""

    name: str
    zone: str
    windows: tuple[tuple[str, str], ...]
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    holidays: frozenset[str] = frozenset()


@dataclass
class Catalogue:
    """All lines, names and schedules of one release."""

    lines: dict[LineKey, list[Version]] = field(default_factory=dict)
    aliases: list[Alias] = field(default_factory=list)
    schedules: dict[str, ScheduleSpec] = field(default_factory=dict)


def clean_price(price: Decimal) -> Decimal:
    """The price without float noise (0.18000000000000002 is 0.18): 9 places are more than any provider uses."""
    return price.quantize(Decimal("1e-9")).normalize()
