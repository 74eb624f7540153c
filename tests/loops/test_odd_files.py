"""`costwatch loops evaluate` on files of others: whatever stands in them, there is an answer or one sentence."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.loops.evaluate import evaluate
from costwatch.loops.history import check, read
from costwatch.loops.state import Settings
from costwatch.trouble import Trouble

pytestmark = pytest.mark.thorough
EVENT = {"run_id": "r", "timestamp": 1_000_000.0, "model": "gpt-4o", "input_tokens": 100, "output_tokens": 10}
Rows = Callable[..., list[str]]


@pytest.fixture
def file(tmp_path: Path) -> Rows:
    """A file of these rows."""

    def write(*rows: object) -> list[str]:
        path = tmp_path / "runs.ndjson"
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
        return [str(path)]

    return write


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({**EVENT, "run_id": ["r"]}, id="a list of runs"),
        pytest.param({**EVENT, "run_id": {"r": 1}}, id="an object as run"),
        pytest.param({**EVENT, "run_id": 7}, id="a number as run"),
        pytest.param({**EVENT, "timestamp": None}, id="no time"),
        pytest.param({**EVENT, "timestamp": "soon"}, id="a time in words"),
        pytest.param({**EVENT, "timestamp": {}}, id="an object as time"),
        pytest.param('{"run_id": "r", "timestamp": NaN}', id="no number as time"),
        pytest.param({**EVENT, "timestamp": float("inf")}, id="a time without end"),
        pytest.param({"run_id": "r"}, id="nothing but a run"),
        pytest.param({**EVENT, "input_tokens": "many"}, id="tokens in words"),
        pytest.param({**EVENT, "input_tokens": [1]}, id="tokens in a list"),
        pytest.param({**EVENT, "cost_usd": "cheap"}, id="a cost in words"),
        pytest.param({**EVENT, "cost_usd": "NaN"}, id="no number as cost"),
        pytest.param({**EVENT, "cost_usd": "Infinity"}, id="a cost without end"),
        pytest.param({**EVENT, "latency_ms": "fast"}, id="a latency in words"),
        pytest.param({**EVENT, "step": "first"}, id="a step in words"),
        pytest.param({**EVENT, "event_id": 5}, id="a number as id"),
        pytest.param({**EVENT, "agent_id": ["a"]}, id="a list of agents"),
        pytest.param({**EVENT, "call_fingerprint": ["x"]}, id="a list of fingerprints"),
        pytest.param("[" * 100_000, id="a hundred thousand brackets"),
        pytest.param('{"a":' * 5_000 + "1" + "}" * 5_000, id="objects in objects"),
        pytest.param({"label": "loop"}, id="a label of no run"),
        pytest.param({"run_id": "r", "label": "perhaps"}, id="another word as label"),
        pytest.param({"run_id": "r", "label": "loop", "onset_step": "two"}, id="an onset in words"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_with_its_line(file, row):
    with pytest.raises(Trouble, match=r"line 2") as refused:
        read(file(EVENT, row))
    assert "\n" not in str(refused.value) and "runs.ndjson" in str(refused.value)


@pytest.mark.parametrize("step", [0, 5, None])
@pytest.mark.parametrize("at", ["2026-11-18T13:32:07Z", "2026-11-18T14:32:07+01:00", 1_795_008_727, 1_795_008_727.0])
def test_a_time_may_be_written_as_the_api_takes_it(file, at, step):
    history = read(file({**EVENT, "timestamp": at, "step": step}))
    (call,) = history.runs["r"]
    assert datetime.fromtimestamp(call.at, UTC) == datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)
    assert call.step == step


def test_events_of_runs_come_in_any_order_and_are_put_in_theirs(file):
    rows = [{**EVENT, "run_id": f"r{n % 3}", "timestamp": 1_000_000 + (n * 7919) % 100, "event_id": f"e{n}"}
            for n in range(30)]  # fmt: skip
    history = read(file(*rows))
    assert {run: len(calls) for run, calls in history.runs.items()} == {"r0": 10, "r1": 10, "r2": 10}
    for calls in history.runs.values():
        assert [call.at for call in calls] == sorted(call.at for call in calls)


def test_a_run_that_is_named_by_anything_is_kept_by_that_name(file):
    names = ["", "a/b", "日本", "<b>", " ", "null", "x" * 300]
    history = read(file(*({**EVENT, "run_id": name} for name in names)))
    assert set(history.runs) == set(names) - {""}, "an event without a run is left out"


@given(st.lists(st.fixed_dictionaries({
    "run_id": st.sampled_from(["a", "b", "c"]),
    "timestamp": st.floats(0, 4e9),
    "step": st.none() | st.integers(0, 99),
    "agent_id": st.none() | st.text(max_size=9),
    "tool": st.none() | st.sampled_from(["get", "put"]),
    "call_fingerprint": st.none() | st.sampled_from(["1", "2"]),
    "input_fingerprint": st.none() | st.sampled_from(["1", "2"]),
    "input_error": st.none() | st.booleans(),
    "input_tokens": st.none() | st.integers(0, 10**9),
    "output_tokens": st.none() | st.integers(0, 10**9),
    "cost_usd": st.none() | st.decimals(0, 10**6, places=12).map(str),
    "latency_ms": st.none() | st.integers(0, 10**8),
    "status": st.sampled_from(["ok", "error", None]),
    "batch": st.booleans(),
}), max_size=40), st.sampled_from(["low", "normal", "high"]))  # fmt: skip
def test_any_events_are_judged(tmp_path_factory, rows, sensitivity):
    path = tmp_path_factory.mktemp("odd") / "x.ndjson"
    labels = [{"run_id": run, "label": "loop", "onset_step": 0} for run in {row["run_id"] for row in rows}]
    path.write_text("\n".join(map(json.dumps, [*rows, *labels])))
    history = read([str(path)])
    check(history)
    figures = evaluate(history, Settings.at(sensitivity))
    if rows:
        assert figures["all"].loops == len(labels) and 0 <= figures["all"].found <= len(labels)
        assert figures["all"].dollars_saved is None or 0 <= figures["all"].dollars_saved <= 1
