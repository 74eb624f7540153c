"""The clock of the whole machine jumps, and a budget's zone changes to winter time: each crossing is told once."""

import json
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.alerts.sinks import Sink, http_sink
from tests.faults.installation import Installation, installed

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
FAKED = Path(__file__).with_name("faked")
CHANGE = datetime(2026, 10, 25, 1, tzinfo=UTC)  # Berlin's clocks go from 3:00 back to 2:00
SOON = 30.0  # seconds; some of them are the broker's, whose messages a jump makes stale
pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed (apt-get install libfaketime)"),
]


class Clock:
    """What the processes take for the time: an offset in a file that libfaketime reads."""

    def __init__(self, file: Path) -> None:
        self._file, self._by = file, timedelta()

    def set(self, moment: datetime) -> None:
        self._by = moment - datetime.now(UTC)
        self._write()

    def jump(self, hours: float) -> None:
        self._by += timedelta(hours=hours)
        self._write()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self._by

    def _write(self) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._by.total_seconds():+.3f}\n")
        new.rename(self._file)
        time.sleep(1.5)  # it is read once a second


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    with tempfile.TemporaryDirectory(prefix="cw-clock-") as folder:
        Path(folder).chmod(0o755)
        yield Clock(Path(folder) / "offset")


@pytest.fixture(scope="module")
def installation(clock) -> Iterator[Installation]:
    clock.set(CHANGE - timedelta(minutes=10))
    environment = {
        "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(clock._file), "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(FAKED), "COSTWATCH_WEBHOOK_ALLOW": "127.0.0.1",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with installed("cw-") as running:
            yield running


@pytest.fixture
def hook() -> Iterator[Sink]:
    with http_sink() as sink:
        yield sink


def post(installation, key, what, body):
    head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{installation.url}/api/v1/{what}", json.dumps(body).encode(), head)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def told(hook) -> Counter[tuple[str, str, float]]:
    """How often each crossing was told: agent, beginning of the period, threshold."""
    return Counter(
        (incident["facts"]["value"], incident["facts"]["period_start"][:10], crossing["threshold"])
        for got in hook.got for incident in got.json["incidents"] for crossing in incident["facts"]["crossings"]
    )  # fmt: skip


def test_whatever_the_clock_does_each_crossing_is_told_once(installation, clock, hook):
    key = installation.make_key("ingest,read,admin")
    post(installation, key, "channels", {"kind": "webhook", "name": "hook", "url": hook.url})
    post(installation, key, "budgets", {
        "name": "Each agent", "amount_usd": "1", "period": "daily", "per": "agent", "time_zone": "Europe/Berlin",
        "thresholds": [50, 80, 100], "action": "block", "allow_unseen": True,
    })  # fmt: skip
    expected: Counter[tuple[str, str, float]] = Counter()

    def spend(agent: str, cost: str, day: str, *crossed: int) -> None:
        """A call, which has been told of when this returns."""
        expected.update((agent, day, threshold) for threshold in crossed)
        event = {"model": "m", "provider": "openrouter", "agent_id": agent, "cost_usd": cost}
        post(installation, key, "events", event)
        until = time.monotonic() + SOON
        while told(hook) != expected:
            assert time.monotonic() < until, (clock.now, told(hook), expected)
            time.sleep(0.1)

    today, tomorrow = "2026-10-24", "2026-10-25"  # the UTC days on which these days of Berlin begin
    clock.set(CHANGE - timedelta(seconds=12))
    spend("before", "0.6", today, 50)
    time.sleep(max(0.0, (CHANGE - clock.now).total_seconds() + 1))
    spend("before", "0.3", today, 80)
    clock.jump(+2)
    spend("before", "0.2", today, 100)
    spend("forward", "0.9", today, 50, 80)
    clock.jump(-1)
    spend("forward", "0.2", today, 100)
    spend("back", "1.2", today, 50, 80, 100)
    clock.jump(+22)
    spend("before", "0.6", tomorrow, 50)
    clock.jump(-0.5)
    spend("back", "0.9", tomorrow, 50, 80)
    time.sleep(5)
    assert told(hook) == expected
    listed = installation.get("/api/v1/incidents?kind=budget&limit=100", key)["items"]
    crossings = [(i["facts"]["value"], i["facts"]["period_start"][:10], c["threshold"])
                 for i in listed for c in i["facts"]["crossings"]]  # fmt: skip
    assert sorted(crossings) == sorted(expected)
    assert len({i["id"] for i in listed}) == len({(agent, day) for agent, day, _ in expected})
    assert installation.get("/api/v1/guard?agent_id=before", key)["allow"] is True  # yesterday's limit is over
