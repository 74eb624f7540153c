"""A higher sensitivity or a lower floor never tells less, whatever the usage; where each detector begins to tell."""

import random
from datetime import timedelta
from decimal import Decimal
from functools import cache

import pytest

from costwatch.anomalies.detectors import ALL, error_storm, escalation, newcomer, silence, spend, step_change, unpriced
from costwatch.anomalies.state import Reach, Settings
from costwatch.lib.periods import local_day, midnight
from tests.anomalies.memory import HOUR, NOW, TOP, MemoryBooks

pytestmark = pytest.mark.thorough
DAY = timedelta(days=1)
LEVELS = ("low", "normal", "high")
LIVELY = sorted(set(ALL) - {"catalogue"})


@cache
def lively(seed):
    """Seven weeks of usage with a bit of everything that detectors look for."""
    dice, books = random.Random(seed), MemoryBooks()
    books.tags = ["tag.customer"]
    usual = {
        "agent": "triage",
        "model": "mini",
        "provider": "acme",
        "key": "prod",
        "user": "u",
        "tag.customer": "orbit",
    }
    for n in range(1, 7 * 168):
        at = TOP - n * HOUR
        usd = dice.uniform(0.5, 1.5) * (0.2 if at.astimezone(books.zone).hour < 6 else 1)
        release = "v1" if n > 60 else "v2"
        books.spend(
            at, f"{usd:.4f}", 30, dice.choice([0, 0, 1]), run=f"r{n}", session=f"s{n}", release=release, **usual
        )
    for n in range(8):
        usd, names = dice.uniform(0, 1) * dice.choice([1, 3, 8, 20, 60]), {"provider": "acme"}
        names |= {"agent": dice.choice(["triage", "newest"]), "model": dice.choice(["mini", "huge"])}
        books.spend(TOP + n * timedelta(minutes=3), f"{usd:.4f}", dice.randrange(1, 40), **names)
    failed = dice.choice([0, 8, 12, 30, 80])
    if failed:
        calls = failed + dice.choice([0, 20, 90])
        books.spend(NOW - timedelta(minutes=5), "3", calls, failed, provider="acme", model="mini")
    calls, usd = dice.choice([1, 3, 9]), dice.choice([0, 4, 40])
    books.spend(TOP, "0", calls, unpriced=calls, at_most=f"{usd}", model="preview")
    for n in range(50):
        usd = dice.uniform(1, 2) * dice.choice([1, 1.4, 3])
        books.spend(TOP - (n % 40) * HOUR, f"{usd:.4f}", agent="triage", release="v2", run=f"new{n}")
    silent = dice.choice([0, 3, 7])
    books.rows = [row for row in books.rows if row[2].get("key") != "prod" or row[0] < TOP - silent * HOUR]
    for back in range(5):
        start = midnight(local_day(NOW, books.zone) - 7 * (back + 1) * DAY, books.zone)
        reached = dice.choice([40, 55, 70, 120]) if back == 0 else 50
        of = {
            "triage": (1_000, Decimal(10)),
            "lookup": (600, Decimal(12)),
            "reasoning": (reached, Decimal(2 * reached)),
        }
        books.weeks["agent", start] = Reach(1_000, of)
    return books


def subjects(found):
    return {(one.subject, one.bucket, one.start) for one in found}


@pytest.mark.parametrize("name", LIVELY)
@pytest.mark.parametrize("seed", range(4))
def test_a_higher_sensitivity_tells_all_that_a_lower_one_tells(name, seed):
    books = lively(seed)
    low, normal, high = (subjects(ALL[name].look(books, NOW, Settings(Decimal(2), level))) for level in LEVELS)
    if name in ("errors", "silence", "escalation"):  # one dimension, and only without it the next
        low, normal, high = bool(low), bool(normal), bool(high)
    assert low <= normal <= high


@pytest.mark.parametrize("name", LIVELY)
@pytest.mark.parametrize("seed", range(4))
def test_a_lower_floor_tells_all_that_a_higher_one_tells(name, seed):
    books = lively(seed)
    found = [subjects(ALL[name].look(books, NOW, Settings(Decimal(floor)))) for floor in ("50", "10", "1", "0.01")]
    assert found[0] <= found[1] <= found[2] <= found[3]


@pytest.mark.parametrize("seed", range(12))
def test_every_finding_can_be_told(seed):
    books = lively(seed)
    for detector in ALL.values():
        for one in detector.look(books, NOW, Settings(Decimal(1), "high")):
            assert one.detector == detector.NAME
            assert one.start < one.lasts_until and one.at <= NOW
            assert one.title[0].isupper() or one.title.startswith(one.value)
            assert one.message.endswith(".") and "None" not in one.message and "Decimal" not in one.message
            assert one.severity in ("notice", "alarm", "critical")
            assert one.impact is None or one.impact > 0


def test_between_them_the_lively_books_show_every_kind():
    shown = {
        name for seed in range(12) for name in LIVELY if ALL[name].look(lively(seed), NOW, Settings(Decimal(1), "high"))
    }
    assert shown == set(LIVELY)


@pytest.mark.parametrize(("calls", "told"), [(2, False), (3, True)])
@pytest.mark.parametrize("age", [0, 23, 25])
def test_three_unpriced_calls_of_a_day_are_told(calls, told, age):
    books = MemoryBooks()
    books.spend(TOP - age * HOUR, calls=calls, unpriced=calls, model="m")
    assert bool(unpriced.look(books, NOW, Settings())) is (told and age < 25)


@pytest.mark.parametrize(("usd", "severity"), [("9.99", "notice"), ("10", "alarm")])
def test_unpriced_usage_is_an_alarm_from_the_floor_on(usd, severity):
    books = MemoryBooks()
    books.spend(TOP, calls=3, unpriced=3, at_most=usd, model="m")
    assert unpriced.look(books, NOW, Settings())[0].severity == severity


@pytest.mark.parametrize(("days", "told"), [(13, False), (15, True)])
def test_a_newcomer_needs_a_workspace_with_two_weeks_of_past(days, told):
    books = MemoryBooks()
    books.spend(TOP - days * DAY - 25 * HOUR, "1", agent="old")
    books.spend(TOP, "20", agent="new")
    assert bool(newcomer.look(books, NOW, Settings())) is told


@pytest.mark.parametrize(("usd", "told"), [("9.99", False), ("10", True)])
def test_a_newcomer_is_told_from_the_floor_on(usd, told):
    books = MemoryBooks()
    books.regular(weeks=4, agent="old", model="m")
    books.spend(TOP, usd, agent="new", model="m")
    assert bool(newcomer.look(books, NOW, Settings())) is told


@pytest.mark.parametrize("hours", range(1, 28))
def test_a_silence_is_told_from_the_third_to_the_twenty_fourth_hour(hours):
    books = MemoryBooks()
    books.regular(weeks=6, until=TOP - hours * HOUR, calls=40, key="prod")
    found = silence.look(books, TOP, Settings())
    assert bool(found) is (3 <= hours <= 24)
    if found:
        assert found[0].facts == {"silent_hours": hours, "usual_calls": 40 * hours,
                                  "silent_since": (TOP - hours * HOUR).isoformat()}  # fmt: skip


@pytest.mark.parametrize(("failed", "severity"), [(79, "alarm"), (80, "critical")])
def test_four_of_five_calls_that_fail_are_critical(failed, severity):
    books = MemoryBooks()
    books.regular(weeks=2, calls=100, errors=1, provider="acme")
    books.spend(NOW, "0", calls=100 - failed, provider="acme")
    books.spend(NOW, "0", calls=failed, errors=failed, provider="acme")
    assert error_storm.look(books, NOW + timedelta(seconds=1), Settings())[0].severity == severity


@pytest.mark.parametrize(("ratio", "level", "told"), [
    (1.6, "low", True), (1.4, "low", False), (1.3, "normal", True), (1.2, "normal", False), (1.15, "high", True),
    (1.1, "high", False),
])  # fmt: skip
def test_how_much_dearer_a_release_must_be_goes_by_the_sensitivity(ratio, level, told):
    books = MemoryBooks()
    for n in range(40):
        books.spend(NOW - 200 * HOUR + n * HOUR, "10", agent="a", release="v1", run=f"a{n}")
        books.spend(NOW - 60 * HOUR + n * HOUR, str(10 * ratio), agent="a", release="v2", run=f"b{n}")
    assert bool(step_change.look(books, NOW, Settings(sensitivity=level))) is told


def test_of_the_same_dollars_the_likeliest_cause_is_told_first():
    books = lively.__wrapped__(1)
    books.spend(TOP, "400", agent="triage", model="mini", release="v2", key="prod")
    found = spend.look(books, NOW, Settings())
    assert [spend.rank(one.dimension) for one in found] == sorted(spend.rank(one.dimension) for one in found)
    assert found[0].dimension == "agent"


def test_an_interval_holds_its_share_and_narrows_with_more_sessions():
    for sessions in (200, 1_000, 50_000):
        low, high = escalation.interval(sessions // 10, sessions, 3.5)
        assert 0 < low < 0.1 < high < 1
    widths = [high - low for low, high in (escalation.interval(n // 10, n, 2.0) for n in (200, 2_000, 20_000))]
    assert widths == sorted(widths, reverse=True)
