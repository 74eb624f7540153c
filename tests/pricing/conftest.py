"""The real catalogue, compiled once for all pricing tests that need no database."""

from collections import defaultdict
from datetime import UTC, datetime

import pytest

from costwatch.pricing.calculate import PriceAt
from costwatch.pricing.catalogue import read
from costwatch.pricing.compiled import Book
from costwatch.pricing.schedules import Schedule
from costwatch.pricing.specs import Catalogue
from costwatch.pricing.timeline import Timeline

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def compile_book(catalogue: Catalogue, now: datetime = NOW) -> Book:
    """A Book straight from a Catalogue, as load() makes it from the tables."""
    versions, facts, spans = {}, {}, defaultdict(list)
    for key, line in catalogue.lines.items():
        for version in line:
            number = len(versions) + 1
            versions[number] = PriceAt(number, version.components)
            facts[number] = {
                **key._asdict(),
                "tier": key.variant,
                "source": version.source,
                "start": version.start,
                "end": version.end,
            }
            spans[key].append((version.start, version.end, versions[number]))
    hours = defaultdict(list)
    for key, parts in spans.items():
        if key.schedule:
            schedule = Schedule(catalogue.schedules[key.schedule])
            hours[key._replace(schedule="")].append((schedule, Timeline(parts)))
    lines = {key: Timeline(parts, hours[key]) for key, parts in spans.items() if not key.schedule}
    aliases = [(a.provider, a.name, a.model, a.start, a.end) for a in catalogue.aliases]
    return Book(lines, aliases, facts, versions, now)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return read()


@pytest.fixture(scope="session")
def book(catalogue: Catalogue) -> Book:
    return compile_book(catalogue)
