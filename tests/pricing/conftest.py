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
from costwatch.pricing.usage import Usage

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CALLED = datetime(2026, 11, 5, 16, 40, tzinfo=UTC)  # the calls of tests that say no time


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


@pytest.fixture
def price(book: Book):
    """What a call costs by the real catalogue."""

    def price(provider, model, tokens_in=1000, tokens_out=0, at=CALLED, **more):
        usage = Usage(
            model=model, provider=provider, timestamp=at, input_tokens=tokens_in, output_tokens=tokens_out, **more
        )
        return book.price(usage)

    return price


@pytest.fixture
def rate(price):
    """USD per million input tokens, or None."""

    def rate(provider, model, at=CALLED, **more):
        cost = price(provider, model, at=at, **more).cost
        return None if cost is None else cost * 1000

    return rate
