"""The supervisor with small children: restarts, pauses, groups, lines, signals."""

import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from costwatch.trouble import Trouble
from costwatch.up.child import PAUSES, Child
from costwatch.up.log import Log
from costwatch.up.supervisor import StopRequested, Supervisor

pytestmark = pytest.mark.thorough
SLEEPY = "import time; time.sleep(60)"


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(out: io.StringIO) -> Iterator[Supervisor]:
    before = {
        number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    }
    made = Supervisor(Log(out))
    yield made
    made.stop()
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


def child(code: str, name: str = "child", **kwargs: object) -> Child:
    return Child(name, [sys.executable, "-u", "-c", code], dict(os.environ), **kwargs)  # type: ignore[arg-type]


def test_a_step_runs_to_its_end_and_gives_its_status(supervisor: Supervisor, out: io.StringIO) -> None:
    assert supervisor.run_once(child("print('done'); raise SystemExit(3)", once=True)) == 3
    supervisor.pump(0.1)
    assert out.getvalue().rstrip().endswith("child     | done")
    assert supervisor.children == []


def test_a_dead_child_is_started_again_after_growing_pauses(supervisor: Supervisor, out: io.StringIO) -> None:
    restless = supervisor.start(child("raise SystemExit(1)"))
    until = time.monotonic() + 20
    while restless.deaths < 3 and time.monotonic() < until:
        supervisor.pump(0.1)
    told = [line for line in out.getvalue().splitlines() if "ended with status 1" in line]
    assert [line.rsplit("in ", 1)[1] for line in told] == [f"{pause:g} s" for pause in PAUSES[:3]]


def test_a_child_that_lived_long_counts_as_dead_for_the_first_time() -> None:
    steady = child(SLEEPY)
    for _ in range(9):
        steady.started = time.monotonic()
        assert steady.plan_restart() <= PAUSES[-1]
    steady.started = time.monotonic() - 3600
    assert steady.plan_restart() == PAUSES[0]


def test_what_a_killed_child_leaves_behind_is_ended_with_it(supervisor: Supervisor) -> None:
    parent = supervisor.start(child(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPY!r}])"))
    until = time.monotonic() + 20
    while not (grandchildren := psutil.Process(parent.pid).children()) and time.monotonic() < until:
        supervisor.pump(0.05)
    os.kill(parent.pid, signal.SIGKILL)
    while parent.next_start is None:
        supervisor.pump(0.1)
    _, alive = psutil.wait_procs(grandchildren, timeout=10)
    assert not alive


def test_one_that_does_not_stop_is_ended_by_force(supervisor: Supervisor, out: io.StringIO) -> None:
    deaf = child(f"import signal; signal.signal(15, signal.SIG_IGN); print('deaf'); {SLEEPY}", grace=0.5)
    supervisor.start(deaf)
    while "deaf" not in out.getvalue():
        supervisor.pump(0.05)
    supervisor.stop()
    assert not deaf.alive
    assert "ended by force" in out.getvalue()


def test_signals_end_the_run_and_stop_goes_in_order(supervisor: Supervisor, out: io.StringIO) -> None:
    bye = ("import signal, sys, time; signal.signal(15, lambda *_: (print('bye', time.monotonic_ns()), sys.exit()));"
           " print('up'); signal.pause()")  # fmt: skip
    for name in ("postgres", "broker", "web"):
        supervisor.start(child(bye, name))
    while out.getvalue().count("| up") < 3:
        supervisor.pump(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopRequested):
        supervisor.run()
    supervisor.stop()
    last = [line.split() for line in out.getvalue().splitlines() if "| bye" in line]  # lines may come in any order
    assert [words[1] for words in sorted(last, key=lambda words: int(words[-1]))] == ["web", "broker", "postgres"]


def test_what_cannot_be_started_is_told_in_a_sentence(supervisor: Supervisor) -> None:
    with pytest.raises(Trouble, match="child cannot be started"):
        supervisor.start(Child("child", ["/nonexistent"], {}))


def test_lines_are_put_together_hushed_and_made_harmless(supervisor: Supervisor, out: io.StringIO) -> None:
    code = r"import sys; sys.stdout.write('one\nboring\n\x1b[31mred\n' + 'x' * 200000); sys.stdout.flush()"
    supervisor.run_once(child(code, once=True, hush=("boring",)))
    for _ in range(20):
        supervisor.pump(0.02)
    text = out.getvalue()
    assert "| one" in text and "boring" not in text
    assert "\x1b" not in text and r"\x1b[31mred" in text
    assert text.count("x") - text.count(r"\x1b") == 200000


def test_json_lines_carry_time_and_process_and_keep_the_childs_own_fields() -> None:
    out = io.StringIO()
    log = Log(out, as_json=True)
    log.say("web", "plain words")
    log.say("worker", '{"level": "ERROR", "message": "from JSON"}')
    plain, structured = map(json.loads, out.getvalue().splitlines())
    assert plain["process"] == "web" and plain["message"] == "plain words" and plain["time"]
    assert structured["process"] == "worker" and structured["level"] == "ERROR"


def test_a_reader_that_went_away_does_not_stop_the_log() -> None:
    read, write = os.pipe()
    os.close(read)
    log = Log(os.fdopen(write, "w"))
    log.say("web", "x")
    log.say("web", "y")
