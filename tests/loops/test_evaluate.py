"""The detector on labelled runs: the figures are those promised, and a person can have them for their own history."""

import argparse
import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from costwatch import commands
from costwatch.accounts.models import Workspace
from costwatch.cli import main
from costwatch.loops import lessons
from costwatch.loops.evaluate import as_dict, command, evaluate, held_back, table
from costwatch.loops.figures import Flag, Label, measure, wilson
from costwatch.loops.history import blind, check, read
from costwatch.loops.state import Settings
from costwatch.trouble import Trouble
from tests.loops.conftest import looping, working

DATA = Path(__file__).parent.parent / "data" / "loops"
FILES = sorted(str(file) for file in DATA.glob("*.jsonl.gz"))
EXPECTED = json.loads((Path(__file__).parent / "expectations.json").read_text())


@pytest.fixture(scope="module", params=["fingerprints", "no fingerprints"])
def judged(request: pytest.FixtureRequest):
    """(name of the mode, figures by part) on the development data."""
    history = read(FILES)
    check(history)
    if request.param == "no fingerprints":
        history = replace(history, runs=blind(history.runs))
    return request.param, evaluate(history, Settings())


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
        assert "missing cannot be read: No such file or directory." in capsys.readouterr().err

    def test_prints_json(self, tmp_path, capsys):
        command(arguments(*self.files(tmp_path), json=True))
        assert json.loads(capsys.readouterr().out)["all"]["found"] == 1

    def test_can_leave_the_fingerprints_out(self, tmp_path, capsys):
        command(arguments(*self.files(tmp_path), json=True, no_fingerprints=True))
        assert json.loads(capsys.readouterr().out)["all"]["by_rule"] == {"sizes": 2}

    def test_takes_the_cost_of_an_event_where_it_has_one(self, tmp_path):
        runs = read([write(tmp_path, "e", event("r", 1, cost_usd="0.25"), event("r", 2))]).runs
        assert [call.cost for call in runs["r"]] == [Decimal("0.25"), Decimal("0.0026")]

    def test_takes_unix_times_failures_and_latencies(self, tmp_path):
        told = event("r", 1, timestamp=12.5, status="error", latency_ms=1500, batch=True)
        call = read([write(tmp_path, "e", told)]).runs["r"][0]
        assert (call.at, call.failed, call.latency, call.batch) == (12.5, True, 1.5, True)

    def test_leaves_out_events_without_a_run(self, tmp_path):
        assert read([write(tmp_path, "e", event("", 1))]).runs == {}

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ([[1]], "line 1: not a JSON object"),
            ([event("r", 1), {"run_id": "r"}], "line 2: neither an event nor a label .'timestamp' is missing"),
            ([event("r", 1, cost_usd="dear")], "line 1: neither an event nor a label"),
            ([event("r", 1, timestamp="yesterday")], "line 1: neither an event nor a label"),
            ([{"run_id": "r", "label": 3}], "line 1: neither an event nor a label"),
            ([{"run_id": "r", "label": "Loop"}], "line 1: neither an event nor a label"),
        ],
    )
    def test_says_what_is_wrong_with_a_file_and_where(self, tmp_path, rows, says):
        with pytest.raises(Trouble, match=says):
            read([write(tmp_path, "bad.ndjson", *rows)])

    @pytest.mark.parametrize(
        ("label", "says"),
        [
            ({"run_id": "x", "label": "clean"}, "There is a label for run 'x', but none of its events"),
            ({"run_id": "r", "label": "loop", "onset_step": 1}, "begins at call 1, counted from 0, but the run has 1"),
        ],
    )
    def test_says_that_a_label_does_not_fit_its_run(self, tmp_path, label, says):
        with pytest.raises(Trouble, match=says):
            command(arguments(write(tmp_path, "bad.ndjson", event("r", 1), label)))

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("text", b"hello\n", "text, line 1, cannot be read as NDJSON"),
            ("table.csv", b"run_id,label\nr,loop\n", "line 1, cannot be read as NDJSON"),
            ("binary", b"\x00\xff\xfe", "line 1, cannot be read as NDJSON"),
            ("plain.gz", b"{}\n", "cannot be read: Not a gzipped file"),
            ("cut.gz", gzip.compress(b"{}\n" * 1000, mtime=0)[:30], "cannot be read: "),
            ("empty", b"", "No events of runs in these files"),
        ],
    )
    def test_says_that_a_file_is_something_else(self, tmp_path, name, content, says):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Trouble, match=says):
            command(arguments(str(tmp_path / name)))

    def test_says_that_a_file_is_missing_or_a_folder(self, tmp_path):
        for path in (tmp_path / "missing.jsonl", tmp_path):
            with pytest.raises(Trouble, match="cannot be read"):
                read([str(path)])

    def test_takes_a_file_with_a_byte_order_mark(self, tmp_path):
        (tmp_path / "bom").write_bytes(b"\xef\xbb\xbf" + json.dumps(event("r", 1)).encode())
        assert list(read([str(tmp_path / "bom")]).runs) == ["r"]


class TestAPersonsOwnRuns:
    def test_without_labels_are_listed_as_labels_to_be_filled_in(self, tmp_path, capsys):
        events = [event("loop", i) for i in range(20)] + [event("fine", i, call_fingerprint=f"{i}") for i in range(20)]
        file = write(tmp_path, "events.ndjson", *events)
        assert command(arguments(file)) == 0
        shown = capsys.readouterr()
        (row,) = [json.loads(line) for line in shown.out.splitlines()]
        assert (row["run_id"], row["label"], row["onset_step"], row["calls"]) == ("loop", "", 1, 20)
        assert row["why"] == "a: caught in a loop"
        assert "Of 2 runs these 1 would be flagged" in shown.err
        labels = write(tmp_path, "labels.ndjson", row | {"label": "loop"}, {"run_id": "fine", "label": "clean"})
        command(arguments(file, labels, json=True))
        assert json.loads(capsys.readouterr().out)["all"]["identical_delay"] is None

    def test_whose_labels_were_not_filled_in_are_refused(self, tmp_path):
        with pytest.raises(Trouble, match="line 2: neither an event nor a label"):
            read([write(tmp_path, "e", event("r", 1), {"run_id": "r", "label": ""})])

    def test_are_not_split_into_parts_that_mean_nothing_to_them(self, tmp_path, capsys):
        file = write(tmp_path, "e", event("r", 1), event("s", 1), {"run_id": "r", "label": "clean"})
        command(arguments(file))
        shown = capsys.readouterr().out
        assert "tuned on" not in shown
        assert "1 runs have no label: they teach what is normal and are not scored." in shown

    def test_are_judged_in_the_order_of_their_times(self, tmp_path):
        """What is normal is learnt from runs that were over before: a long run among long ones is none too long."""
        rows, start = [], datetime(2026, 11, 1, tzinfo=UTC)
        for n in range(40):
            calls, begin = 20 if n < 39 else 130, start + timedelta(hours=n)
            for i in range(calls):
                at = (begin + timedelta(seconds=i)).isoformat()
                rows.append(event(f"r{n}", i, timestamp=at, call_fingerprint=f"{n} {i}"))
        labels = [{"run_id": "r39", "label": "loop", "onset_step": 20}]
        early = [row | {"run_id": "a"} for row in rows if row["run_id"] == "r39"]
        for row in early:
            row["timestamp"] = row["timestamp"].replace("2026-11-02", "2026-10-02")
        history = read([write(tmp_path, "e", *early, *rows, *labels, {"run_id": "a", "label": "clean"})])
        figures = evaluate(history, Settings())["all"]
        assert (figures.found, figures.false_alarms) == (1, 0)

    def test_whose_loop_has_no_known_beginning_count_as_found_but_have_no_delay(self):
        figures = measure([Label("a", "loop")], {"a": Flag(7, "repeat")}, {"a": [Decimal(1)] * 9})
        assert (figures.found, figures.delay_median, figures.dollars_saved) == (1, None, None)

    @pytest.mark.django_db
    def test_are_those_of_the_workspace_where_the_files_have_none(self, send, workspace, tmp_path, capsys):
        send(*looping(20), *working(20))
        told = arguments(workspace=workspace.name)
        assert commands.loops_evaluate(told) == 0
        (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert row["run_id"] == "r-loop"
        labels = write(tmp_path, "l", row | {"label": "loop"}, {"run_id": "r-work", "label": "clean"})
        commands.loops_evaluate(arguments(labels, workspace=workspace.name, json=True))
        figures = json.loads(capsys.readouterr().out)["all"]
        assert (figures["found"], figures["loops"], figures["false_alarms"], figures["clean"]) == (1, 1, 0, 1)


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
