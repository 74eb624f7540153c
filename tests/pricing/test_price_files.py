"""A catalogue as a file: any catalogue comes back as it was written, and nothing that cannot be is stored."""

import copy
import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.pricing import catalogue as catalogues
from costwatch.pricing import files, tasks, transfer
from costwatch.pricing.models import PriceVersion
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, ScheduleSpec, Version
from tests.pricing.small import DAY, said

pytestmark = pytest.mark.thorough
WEEK = timedelta(days=7)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.:/@", min_size=1, max_size=20)
PRICES = st.decimals(0, 1_000_000, places=12)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
COMPONENTS = st.lists(
    st.builds(Component, st.sampled_from(["input", "output", "cache_read", "web_search", "page", "audio_second"]),
              PRICES, st.sampled_from([1, 1000, 3600, 10**6]), st.sampled_from([0, 128_000, 200_000]),
              st.none() | st.decimals(0, 1000, places=2)),
    max_size=5, unique_by=lambda c: (c.unit, c.threshold),
)  # fmt: skip


@st.composite
def versions(draw):
    bounds = sorted(draw(st.sets(MOMENTS, max_size=3)))
    spans = zip([None, *bounds], [*bounds, None], strict=True)
    return [Version(a, b, tuple(draw(COMPONENTS)), draw(st.text("abc :/.", max_size=9))) for a, b in spans]


LINES = st.dictionaries(
    st.builds(LineKey, NAMES, NAMES, st.sampled_from(["", "eu", "global"]), st.sampled_from(["standard", "batch"]),
              st.sampled_from(["", "night"])),
    versions(), min_size=1, max_size=4,
)  # fmt: skip
ALIASES = st.lists(st.builds(Alias, NAMES, NAMES, NAMES, st.none() | MOMENTS, st.none() | MOMENTS), max_size=3)
NIGHT = ScheduleSpec("night", "Asia/Kathmandu", (("22:00", "06:15"),), (0, 6), frozenset({"2026-10-01", "2027-01-01"}))


def written(lines, aliases=(), release="r1") -> bytes:
    return transfer.write(Catalogue(dict(lines), list(aliases), {"night": NIGHT}), release).encode()


def as_told(catalogue: Catalogue):
    lines = {
        key: [(v.start, v.end, frozenset(v.components), v.source) for v in line]
        for key, line in catalogue.lines.items()
    }  # fmt: skip
    return lines, catalogue.aliases, catalogue.schedules


@settings(max_examples=60)
@given(LINES, ALIASES)
def test_any_catalogue_is_read_as_it_was_written_to_the_last_digit(lines, aliases):
    whole = Catalogue(lines, aliases, {"night": NIGHT})
    release, found = transfer.read(transfer.write(whole, "of May").encode())
    assert release == "of May" and as_told(found) == as_told(whole)
    assert transfer.write(found, "of May") == transfer.write(whole, "of May")


@settings(max_examples=40)
@given(LINES, MOMENTS)
def test_a_catalogue_compared_with_itself_differs_in_nothing(lines, now):
    found = transfer.compare(Catalogue(lines), Catalogue(copy.deepcopy(lines)), now)
    assert not (found.new or found.gone or found.changed or found.moves or found.alarming)


def one(*steps: Version) -> Catalogue:
    return Catalogue({LineKey("acme", "m"): list(steps)})


@pytest.mark.parametrize(
    ("days", "difference"),
    [
        (-1, "0 prices new, 0 changed, 0 gone"),  # before the change in both
        (0, "0 prices new, 1 changed, 0 gone"),
        (7, "0 prices new, 0 changed, 1 gone"),
    ],
)
def test_only_what_holds_now_is_compared(days, difference):
    old = one(Version(None, DAY, said(input=1)), Version(DAY, None, said(input=2)))
    new = one(Version(None, DAY, said(input=1)), Version(DAY, DAY + WEEK, said(input=3)))
    assert transfer.compare(old, new, DAY + timedelta(days=days)).summary.startswith(difference)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"input": 1}, {"input": 3}, []),
        ({"input": 1}, {"input": "3.000001"}, ["acme m standard input: 1 → 3.000001"]),
        ({"input": 3}, {"input": 1}, []),
        ({"input": 3}, {"input": "0.99"}, ["acme m standard input: 3 → 0.99"]),
        ({"input": 0}, {"input": "0.01"}, ["acme m standard input: 0 → 0.01"]),
        ({"input": 0}, {"input": 0}, []),
        ({"input": 1, "output": 2}, {"input": 1, "output": 20}, ["acme m standard output: 2 → 20"]),
        ({"input": 1}, {"input": 1, "output": 900}, []),  # a unit that was not there has not moved
        ({"input": 1, "input_above_100": 2}, {"input": 1, "input_above_100": 9}, ["acme m standard input: 2 → 9"]),
        ({"input": 1}, {"input": 1, "input_above_100": 9}, []),
    ],
)
def test_a_price_that_moves_far_is_named_with_what_it_was(before, after, told):
    found = transfer.compare(one(Version(None, None, said(**before))), one(Version(None, None, said(**after))), DAY)
    assert found.moves == told and found.alarming is bool(told)


def test_a_price_for_another_number_of_units_is_no_move():
    million, thousand = Component("input", Decimal(2)), Component("input", Decimal("0.002"), 1000)
    dear = Component("input", Decimal("0.02"), 1000)
    assert not transfer.compare(one(Version(None, None, (million,))), one(Version(None, None, (thousand,))), DAY).moves
    moved = transfer.compare(one(Version(None, None, (million,))), one(Version(None, None, (dear,))), DAY)
    assert moved.moves == ["acme m standard input: 0.002 → 0.02"]


def test_what_is_refused_says_how_many_more_faults_there_are():
    whole = json.loads(written({LineKey("acme", f"m{n}"): [Version(None, None, said(input=1))] for n in range(30)}))
    for line in whole["lines"]:
        line["versions"][0]["components"][0]["price"] = "x"
    with pytest.raises(transfer.BadFile) as refused:
        transfer.read(json.dumps(whole).encode())
    assert len(refused.value.faults) == 30
    assert str(refused.value).endswith("… and 10 more") and "lines[19]" in str(refused.value)


def test_a_file_that_is_too_large_is_not_even_read(monkeypatch):
    monkeypatch.setattr(transfer, "MOST_BYTES", 10)
    with pytest.raises(transfer.BadFile, match="larger than 10 bytes"):
        transfer.read(b"[" * 11)


COMPONENT = ("lines", 0, "versions", 0, "components", 0)
FAULTS = [
    (("lines", 0, "versions", 0, "from"), "0001-01-01T00:00:00+14:00", "from"),
    (("lines", 0, "versions", 0, "until"), "9999-12-31T23:59:59-14:00", "until"),
    (("lines", 0, "versions", 0, "from"), "yesterday", "Invalid isoformat"),
    (("lines", 0, "versions", 0, "from"), 20260101, "lacks a field, or holds one of another type"),
    ((*COMPONENT, "per"), 10**19, "per and threshold"),
    ((*COMPONENT, "per"), True, "per and threshold"),
    ((*COMPONENT, "per"), "1000", "per and threshold"),
    ((*COMPONENT, "threshold"), 10**19, "per and threshold"),
    ((*COMPONENT, "threshold"), -1, "per and threshold"),
    ((*COMPONENT, "price"), "1000000.1", "is no price"),
    ((*COMPONENT, "price"), "0.0000000000001", "is no price"),
    ((*COMPONENT, "price"), "NaN", "is no price"),
    ((*COMPONENT, "price"), "", "is no price"),
    ((*COMPONENT, "price"), None, "is no price"),
    ((*COMPONENT, "minimum"), "-1", "is no price"),
    ((*COMPONENT, "minimum"), "0.0000001", "is no price"),
    ((*COMPONENT, "unit"), "x" * 41, "is not known"),
    ((*COMPONENT, "unit"), 5, "is not known"),
    (("lines", 0, "provider"), " ", "provider must be text"),
    (("lines", 0, "model"), "m" * 201, "model must be text of at most 200"),
    (("lines", 0, "model"), "m\ud800", "model must be text"),
    (("lines", 0, "region"), ["eu"], "region must be text"),
    (("aliases", 0, "model"), "", "model must be text"),
    (("aliases", 0, "from"), "2026-01-01", "from has no offset"),
    (("schedules", 0, "zone"), "Mars/Base", "schedule night cannot be read"),
    (("schedules", 0, "windows"), [["25:00", "26:00"]], "schedule night cannot be read"),
    (("schedules", 0, "windows"), [["01:00"]], r"schedules\[0\]"),
    (("schedules", 0, "weekdays"), ["Monday"], "weekdays"),
    (("schedules", 0, "weekdays"), [7], "weekdays"),
    (("schedules", 0, "holidays"), [20261001, "2026-10-01"], "schedule night cannot be read"),
    (("schedules", 0, "holidays"), ["1 Oct 2026"], "schedule night cannot be read"),
    (("release",), "r" * 81, "release must be text of at most 80"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "told"), FAULTS)
def test_what_cannot_be_stored_is_refused_in_words(path, value, told):
    lines = {LineKey("acme", "m", "", "standard", "night"): [Version(DAY, DAY + WEEK, said(input=1))]}
    whole = json.loads(written(lines, [Alias("acme", "nick", "m")]))
    at = whole
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(ValueError, match=told):
        transfer.read(json.dumps(whole).encode())


@pytest.mark.django_db
def test_every_catalogue_that_can_be_read_can_be_stored_and_exported_again():
    lines = {
        LineKey("acme", "m" * 200): [
            Version(None, DAY, said(input="0.000000000001")),
            Version(DAY, None, (Component("input", Decimal(1_000_000), 10**12, 10**12, Decimal("0.000001")),)),
        ],
        LineKey("acme", "m", "", "standard", "night"): [Version(None, None, ())],
    }
    text = written(lines, [Alias("acme", "n" * 200, "m", DAY)])
    files.load(text, DAY)
    assert files.export().encode() == text
    assert files.load(text, DAY)[0].added == 0


@pytest.mark.django_db
def test_a_failure_on_the_way_into_the_tables_leaves_them_as_they_were(monkeypatch):
    files.load(written({LineKey("acme", "m"): [Version(None, None, said(input=1))]}), DAY)
    before = files.export()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(catalogues, "_insert", fail)
    with pytest.raises(OSError, match="disk full"):
        files.load(written({LineKey("acme", "m"): [Version(None, None, said(input=2))]}), DAY)
    assert files.export() == before and PriceVersion.objects.filter(withdrawn_at=None).count() == 1


@pytest.mark.django_db
def test_where_nothing_is_to_be_fetched_the_daily_task_says_nothing(caplog, settings):
    settings.PRICES_URL = ""
    with caplog.at_level(logging.INFO):
        tasks.fetch()
    assert caplog.text == ""
