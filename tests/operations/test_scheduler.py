"""What the scheduler does when nobody else does it. The broker here is an address where nothing listens."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from celery.beat import SchedulingError
from django.conf import settings as django_settings

from costwatch import ticks
from costwatch.celery import app
from costwatch.models import Tick
from costwatch.scheduler import Scheduler

# the scheduler closes connections that are in the middle of something, such as a test in a transaction
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def forget() -> None:
    app.loader.import_default_modules()
    ticks._last_noted.clear()


def due(scheduler: Scheduler, name: str) -> object:
    return scheduler.schedule[name]


def wait_for(scheduler: Scheduler) -> None:
    """Until nothing runs here any more."""
    names = {entry["task"] for entry in app.conf.beat_schedule.values()}
    for thread in threading.enumerate():
        if thread.name in names:
            thread.join(30)
    assert not scheduler._here


def test_a_task_that_ends_well_leaves_a_tick() -> None:
    app.tasks["costwatch.watch"].apply()
    assert Tick.objects.filter(name="costwatch.watch").exists()
    assert ticks.newest_age() < 60


def test_a_task_outside_the_schedule_leaves_none() -> None:
    @app.task(name="tests.unscheduled")
    def unscheduled() -> None:
        pass

    unscheduled.apply()
    assert ticks.finished() == {}


def test_ticks_are_written_at_most_every_two_seconds_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for seconds in (0, 1, 1.9, 2.5):
        monkeypatch.setattr(ticks, "monotonic", lambda seconds=seconds: 1_000 + seconds)
        ticks.note("costwatch.watch")
        written.append(ticks.finished()["costwatch.watch"])
    assert written[0] == written[1] == written[2] < written[3]


@pytest.mark.parametrize("broker", ["", "redis://127.0.0.1:1/0"], ids=["none", "dead"])
def test_without_a_broker_a_due_task_runs_here(settings: object, broker: str) -> None:
    settings.BROKER_URL = broker  # type: ignore[attr-defined]
    app.conf.broker_url = broker or "memory://"
    try:
        scheduler = Scheduler(app)
        scheduler.apply_entry(due(scheduler, "watch"))
        wait_for(scheduler)
        assert "costwatch.watch" in ticks.finished()
    finally:
        app.conf.broker_url = django_settings.CELERY_BROKER_URL


def test_what_is_overdue_or_was_never_done_runs_here_and_what_is_not_does_not() -> None:
    now = datetime.now(UTC)
    fresh = {entry["task"]: now - timedelta(seconds=entry["schedule"] / 2) for entry in app.conf.beat_schedule.values()}
    for name, finished_at in (fresh | {"costwatch.watch": now - timedelta(seconds=30)}).items():
        Tick.objects.create(name=name, finished_at=finished_at)
    scheduler = Scheduler(app)
    scheduler._run_overdue()
    wait_for(scheduler)
    done = ticks.finished()
    assert done.pop("costwatch.watch") > now - timedelta(seconds=5)
    assert done == {name: finished_at for name, finished_at in fresh.items() if name != "costwatch.watch"}
    Tick.objects.all().delete()
    ticks._last_noted.clear()
    scheduler._run_overdue()
    wait_for(scheduler)
    assert set(ticks.finished()) == set(fresh)


def test_a_task_that_takes_long_holds_up_no_other_one_and_is_not_begun_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    leave, begun = threading.Event(), []

    def long(**_: object) -> None:
        begun.append("loops.settle")
        leave.wait(30)

    monkeypatch.setattr(app.tasks["loops.settle"], "apply", long)
    scheduler = Scheduler(app)
    for name in ("loops.settle", "loops.settle", "costwatch.watch"):
        scheduler._run_here(name)
    until = time.monotonic() + 30
    while "costwatch.watch" not in ticks.finished() and time.monotonic() < until:
        time.sleep(0.01)
    assert "costwatch.watch" in ticks.finished() and begun == ["loops.settle"]
    leave.set()
    wait_for(scheduler)
    scheduler._run_here("loops.settle")
    wait_for(scheduler)
    assert len(begun) == 2


def test_a_task_that_fails_here_is_told_and_may_run_again(monkeypatch, caplog) -> None:
    monkeypatch.setattr("costwatch.tasks.fold_all", lambda seconds: 1 // 0)
    scheduler = Scheduler(app)
    for _ in range(2):
        scheduler._run_here("costwatch.watch")
        wait_for(scheduler)
    assert caplog.text.count("costwatch.watch failed: integer division") == 2


def test_every_task_of_the_schedule_exists_and_says_when_its_message_is_stale() -> None:
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] <= entry["schedule"] * 10


class Simulated:
    """The scheduler under a clock of its own: each step takes as long as it asks to wait; runs are noted, not done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, broker: Callable[..., None]) -> None:
        self.seconds, self.began = 0.0, datetime(2026, 11, 26, 12, tzinfo=UTC)
        self.runs: dict[str, list[float]] = {}
        monkeypatch.setattr("costwatch.scheduler.time", SimpleNamespace(monotonic=lambda: self.seconds))
        monkeypatch.setattr("costwatch.scheduler.clock.now", self.now)
        monkeypatch.setattr(ticks, "finished", lambda: {name: self.at(runs[-1]) for name, runs in self.runs.items()})
        self.scheduler = Scheduler(app)
        monkeypatch.setattr(
            self.scheduler, "_run_here", lambda name: self.runs.setdefault(name, []).append(self.seconds)
        )
        monkeypatch.setattr(self.scheduler, "apply_async", broker)

    def at(self, seconds: float) -> datetime:
        return self.began + timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self.at(self.seconds)

    def live(self, seconds: float) -> None:
        until = self.seconds + seconds
        while self.seconds < until:
            self.seconds += max(0.01, self.scheduler.tick())


def refused(*_: object, **__: object) -> None:
    raise SchedulingError("nothing listens there")


def swallowed(*_: object, **__: object) -> None:
    """Published, and done by nobody."""


@pytest.mark.parametrize("broker", [refused, swallowed], ids=["dead broker", "dead worker"])
def test_each_task_runs_within_ten_seconds_of_its_time(monkeypatch, settings, broker) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    simulated = Simulated(monkeypatch, broker)
    simulated.live(180)
    assert set(simulated.runs) == {entry["task"] for entry in app.conf.beat_schedule.values()}
    for entry in app.conf.beat_schedule.values():
        moments = [0.0, *simulated.runs[entry["task"]], simulated.seconds]
        assert max(b - a for a, b in pairwise(moments)) <= entry["schedule"] + 10, entry["task"]
