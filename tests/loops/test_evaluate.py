"""The detector on labelled runs: the figures are those promised, and a person can have them for their own history."""

import argparse
import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costwatch import commands
from costwatch.accounts.models import Workspace
from costwatch.cli import main
from costwatch.loops import lessons
from costwatch.loops.evaluate import as_dict, command, evaluate, held_back, read, table
from costwatch.loops.figures import Flag, Label, measure, wilson
from costwatch.loops.state import Settings
from costwatch.trouble import Trouble

DATA = Path(__file__).parent.parent / "data" / "loops"
FILES = sorted(str(file) for file in DATA.glob("*.jsonl.gz"))
EXPECTED = json.loads((Path(__file__).parent / "expectations.json").read_text())


@pytest.fixture(scope="module", params=["fingerprints", "no fingerprints"])
def judged(request: pytest.FixtureRequest):
    """(name of the mode, figures by part) on the development data."""
    runs, labels = read(FILES, fingerprints=request.param == "fingerprints")
    return request.param, evaluate(runs, labels, Settings())


class TestTheDevelopmentData:
    def test_gives_exactly_the_committed_figures(self, judged):
        mode, parts = judged
        assert json.loads(json.dumps({name: as_dict(part) for name, part in parts.items()})) == EXPECTED[mode]

    def test_reaches_the_goals(self, judged):
        mode, parts = judged
        real, injected = parts["all"], parts["injected"]
        most_false, least_recall, most_delay = (2, 0.67, 5) if mode == "fingerprints" else (5, 0.64, 8)
        assert real.false_per_1000 <= most_false
        assert real.recall >= least_recall
        assert real.identical_found == real.identical == 5
        assert real.identical_delay is not None
        assert real.identical_delay <= most_delay
        assert injected.found == injected.loops == 135
        assert injected.false_alarms / injected.clean <= 0.03

    def test_with_fingerprints_saves_the_money_and_leaves_legitimate_repetition_alone(self, judged):
        mode, parts = judged
        if mode == "fingerprints":
            assert parts["all"].dollars_saved >= Decimal("0.78")
            assert parts["injected"].false_alarms == 0
            assert parts["all"].tool_loops_found == parts["all"].tool_loops == 8

    def test_is_split_into_a_part_to_tune_on_and_a_part_held_back(self, judged):
        _, parts = judged
        assert parts["tuned on"].clean + parts["held back"].clean == parts["all"].clean == 571
        assert 0.35 < parts["held back"].clean / 571 < 0.45


def event(run_id: str, number: int, **more: object) -> dict:
    return {
        "run_id": run_id, "timestamp": f"2026-11-01T10:00:{number:02}Z", "step": number, "agent_id": "a", "task": "t",
        "input_tokens": 1000, "output_tokens": 10,
        "tool": "look", "call_fingerprint": "look", "input_fingerprint": "same",
    } | more  # fmt: skip


def write(folder: Path, name: str, *rows: object) -> str:
    path = folder / name
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return str(path)


def arguments(*files: str, **more: object) -> argparse.Namespace:
    return argparse.Namespace(
        **{"files": files, "no_fingerprints": False, "json": False, "sensitivity": "normal"} | more
    )


class TestTheCommand:
    def files(self, folder: Path) -> list[str]:
        events = [event("loop", i) for i in range(20)] + [
            event("fine", i, call_fingerprint=f"look {i}") for i in range(20)
        ]
        labels = [
            {"run_id": "loop", "label": "loop", "onset_step": 1, "kind": "identical tool call"},
            {"run_id": "fine", "label": "clean"},
        ]
        return [write(folder, "events.ndjson", *events), write(folder, "labels.ndjson.gz", *labels)]

    def test_prints_a_table(self, tmp_path, capsys):
        assert command(arguments(*self.files(tmp_path))) == 0
        shown = capsys.readouterr().out
        assert "loops found" in shown
        assert "1/1 = 1.00" in shown
        assert "identical tool call 1/1" in shown

    def test_is_a_command_of_costwatch(self, tmp_path, capsys):
        with pytest.raises(SystemExit) as ended:
            main(["loops", "evaluate", *self.files(tmp_path), "--sensitivity", "high"])
        assert ended.value.code == 0
        assert "1/1 = 1.00" in capsys.readouterr().out

    @pytest.mark.django_db
    def test_can_judge_by_the_settings_of_a_workspace(self, tmp_path, capsys):
        workspace = Workspace.objects.create(name="Larkfield")
        told = arguments(*self.files(tmp_path), workspace="Larkfield", json=True)
        lessons.teach(workspace.pk, "task", "t", "mara", datetime.now(UTC))
        assert commands.loops_evaluate(told) == 0
        assert json.loads(capsys.readouterr().out)["all"]["found"] == 0
        with pytest.raises(Trouble, match="There is no workspace 'Nobody'"):
            commands.loops_evaluate(arguments(*self.files(tmp_path), workspace="Nobody"))

    def test_tells_a_mistake_in_a_sentence(self, tmp_path, capsys):
        with pytest.raises(SystemExit) as ended:
            main(["loops", "evaluate", str(tmp_path / "missing")])
        assert ended.value.code == 1
        assert "cannot be read as NDJSON" in capsys.readouterr().err

    def test_prints_json(self, tmp_path, capsys):
        command(arguments(*self.files(tmp_path), json=True))
        assert json.loads(capsys.readouterr().out)["all"]["found"] == 1

    def test_can_leave_the_fingerprints_out(self, tmp_path, capsys):
        command(arguments(*self.files(tmp_path), json=True, no_fingerprints=True))
        assert json.loads(capsys.readouterr().out)["all"]["by_rule"] == {"sizes": 2}

    def test_takes_the_cost_of_an_event_where_it_has_one(self, tmp_path):
        runs, _ = read([write(tmp_path, "e", event("r", 1, cost_usd="0.25"), event("r", 2))])
        assert [call.cost for call in runs["r"]] == [Decimal("0.25"), Decimal("0.0026")]

    def test_takes_unix_times_failures_and_latencies(self, tmp_path):
        runs, _ = read(
            [write(tmp_path, "e", event("r", 1, timestamp=12.5, status="error", latency_ms=1500, batch=True))]
        )
        call = runs["r"][0]
        assert (call.at, call.failed, call.latency, call.batch) == (12.5, True, 1.5, True)

    def test_leaves_out_events_without_a_run(self, tmp_path):
        assert read([write(tmp_path, "e", event("", 1))]) == ({}, {})

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ([[1]], "line 1: not a JSON object"),
            ([event("r", 1), {"run_id": "r"}], "line 2: neither an event nor a label"),
            ([{"run_id": "r", "label": 3}], "line 1: neither an event nor a label"),
            ([{"run_id": "r", "label": "clean"}], "There is a label for run 'r', but none of its events"),
        ],
    )
    def test_says_what_is_wrong_with_a_file_and_where(self, tmp_path, rows, says):
        with pytest.raises(Trouble, match=says):
            read([write(tmp_path, "bad.ndjson", *rows)])

    def test_says_that_a_file_is_missing_or_no_ndjson(self, tmp_path):
        (tmp_path / "text").write_text("hello\n")
        for name in ("text", "missing.jsonl"):
            with pytest.raises(Trouble, match="cannot be read as NDJSON"):
                read([str(tmp_path / name)])

    def test_wants_labels(self, tmp_path):
        with pytest.raises(Trouble, match="No labels in these files"):
            command(arguments(write(tmp_path, "e", event("r", 1))))


class TestFigures:
    def test_count_what_was_found_and_what_was_not(self):
        labels = [
            Label("a", "loop", 3, "identical tool call"),
            Label("b", "loop", 2, "conversation: refused hand-off"),
            Label("c", "clean"),
            Label("d", "clean"),
            Label("e", "borderline"),
        ]
        flags = {"a": Flag(7, "repeat"), "d": Flag(1, "calls"), "e": Flag(4, "repeat")}
        costs = {label.run_id: [Decimal(1)] * 10 for label in labels}
        figures = measure(labels, flags, costs)
        assert (figures.recall, figures.false_per_1000, figures.borderline_alarms) == (0.5, 500.0, 1)
        assert (figures.tool_loops_found, figures.tool_loops) == (1, 1)
        assert (figures.identical_delay, figures.delay_median, figures.delay_90) == (5, 5, 5)
        assert figures.dollars_saved == Decimal(2) / Decimal(15)
        assert figures.by_kind == {"conversation": (0, 1), "identical tool call": (1, 1)}

    def test_of_nothing_are_no_division_by_nothing(self):
        figures = measure([], {}, {})
        assert (figures.recall, figures.false_per_1000, figures.dollars_saved) == (0.0, 0.0, None)
        assert "0/0" in table({"all": figures})

    def test_give_the_interval_of_wilson(self):
        low, high = wilson(4, 944)
        assert (round(1000 * low, 1), round(1000 * high, 1)) == (1.6, 10.8)
        assert wilson(0, 0) == (0.0, 1.0)
        assert wilson(0, 944)[0] == 0.0

    def test_hold_back_the_same_runs_always(self):
        assert [held_back(f"run-{i}") for i in range(8)] == [held_back(f"run-{i}") for i in range(8)]
        assert 350 < sum(held_back(f"run-{i}") for i in range(1000)) < 450
