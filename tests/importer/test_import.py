"""Back-fill from files: everything once, and the sums are those of the file."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costwatch import importer
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Cut, Label, Run, SpendDay, UsageEvent
from costwatch.ledger.verify import verify
from costwatch.trouble import Trouble

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LOOPS = Path(__file__).parents[1] / "data" / "loops" / "events.jsonl.gz"
EVENT = {
    "model": "gpt-5.4-mini",
    "agent_id": "triage",
    "timestamp": "2026-11-01T10:00:00Z",
    "input_tokens": 1000,
    "output_tokens": 10,
}


def bring(path: Path, workspace) -> importer.Report:
    return importer.import_file(path, workspace, NOW, quiet=True)


def ndjson(folder: Path, *events: object, name: str = "usage.ndjson") -> Path:
    path = folder / name
    path.write_text("\n".join(e if isinstance(e, str) else json.dumps(e) for e in events) + "\n")
    return path


@pytest.mark.thorough
def test_real_agent_runs_have_the_sums_of_their_file(workspace):
    with gzip.open(LOOPS, "rt") as file:
        sent = [json.loads(line) for line in file]
    report = bring(LOOPS, workspace)
    assert (report.accepted, report.duplicates, report.rejected) == (len(sent), 0, 0), report.faults
    fold_all()
    total = SpendDay.objects.filter(cut=Cut.TOTAL)
    assert sum(row.calls for row in total) == len(sent) == 9_993
    assert sum(row.input_tokens for row in total) == sum(e["input_tokens"] or 0 for e in sent)
    assert sum(row.output_tokens for row in total) == sum(e["output_tokens"] or 0 for e in sent)
    assert sum(row.cached_input_tokens for row in total) == sum(e["cached_input_tokens"] or 0 for e in sent)
    assert Run.objects.count() == sum(row.runs for row in total) == len({e["run_id"] for e in sent}) == 605
    names = dict(Label.objects.values_list("id", "value"))
    by_agent = Counter[str]()
    for row in SpendDay.objects.filter(cut=Cut.AGENT):
        by_agent[names[row.a]] += row.calls
    assert by_agent == Counter(e["agent_id"] for e in sent)
    assert verify(deep=True).ok


def test_importing_the_same_file_again_stores_nothing(workspace, tmp_path):
    path = ndjson(tmp_path, EVENT, EVENT, {**EVENT, "event_id": "mine"})
    assert bring(path, workspace).accepted == 3  # two equal lines without an id are two calls
    again = bring(path, workspace)
    assert (again.accepted, again.duplicates) == (0, 3)


def test_a_file_that_has_grown_adds_only_what_is_new(workspace, tmp_path):
    path = ndjson(tmp_path, EVENT)
    bring(path, workspace)
    path = ndjson(tmp_path, EVENT, {**EVENT, "input_tokens": 5})
    report = bring(path, workspace)
    assert (report.accepted, report.duplicates) == (1, 1)


def test_a_time_without_an_offset_is_utc(workspace, tmp_path):
    bring(ndjson(tmp_path, {**EVENT, "timestamp": "2026-11-01T10:00:00.5"}), workspace)
    assert UsageEvent.objects.get().occurred_at == datetime(2026, 11, 1, 10, 0, 0, 500_000, tzinfo=UTC)


def test_lines_at_fault_are_named_and_the_others_stored(workspace, tmp_path):
    path = ndjson(tmp_path, EVENT, "", "{not json", {**EVENT, "input_tokens": -1}, EVENT)
    report = bring(path, workspace)
    assert (report.accepted, report.rejected) == (2, 2)
    assert report.faults[0].startswith("line 3:") and report.faults[1].startswith("line 4: input_tokens")
    assert "2 stored, 0 known already, 2 refused" in report.say("usage.ndjson")


def test_lines_that_the_api_would_refuse_a_request_for_cost_only_themselves(workspace, tmp_path):
    deep = '{"model": "m", "usage": ' + '{"a": ' * 12 + "1" + "}" * 13
    path = ndjson(tmp_path, EVENT, deep, EVENT, "nothing of the kind", EVENT)
    report = bring(path, workspace)
    assert (report.accepted, report.rejected) == (3, 2), report.faults
    assert [fault.split(":")[0] for fault in report.faults] == ["line 2", "line 4"]
    alone = bring(ndjson(tmp_path, "no JSON", "at all", name="other.ndjson"), workspace)
    assert (alone.accepted, alone.rejected) == (0, 2)


def test_a_damaged_archive_tells_what_was_stored_and_where_it_ends(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(importer, "BATCH", 100)
    lines = [json.dumps({**EVENT, "event_id": f"{n}-{n * 7919 % 10_007}"}) for n in range(3_000)]
    path = tmp_path / "usage.ndjson.gz"
    whole = gzip.compress("\n".join(lines).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Trouble, match=r"stored, 0 known already, 0 refused\n.*is damaged after that"):
        bring(path, workspace)
    stored = UsageEvent.objects.count()
    assert 0 < stored < 3_000
    path.write_bytes(whole)
    report = bring(path, workspace)
    assert (report.accepted, report.duplicates) == (3_000 - stored, stored), "mended, it goes on where it was"


def test_wrong_sums_are_kept_and_flagged(workspace, tmp_path):
    report = bring(ndjson(tmp_path, {**EVENT, "cached_input_tokens": 5000}), workspace)
    assert report.accepted == 1
    assert UsageEvent.objects.get().usage_inconsistent


def test_a_packed_file_of_several_batches(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(importer, "BATCH", 7)
    path = tmp_path / "usage.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n".join(json.dumps(EVENT).encode() for _ in range(20))))
    assert bring(path, workspace).accepted == 20


def test_the_command_needs_a_workspace_it_can_tell(workspace, tmp_path, capsys):
    path = ndjson(tmp_path, EVENT)
    assert importer.run([str(path)]) == 0
    assert "1 stored" in capsys.readouterr().out
    with pytest.raises(Trouble, match="no workspace 'Elsewhere'"):
        importer.run([str(path)], "Elsewhere")
    with pytest.raises(Trouble, match="There is no file"):
        importer.run([str(tmp_path / "missing.ndjson")])


def test_an_openai_usage_report(workspace, tmp_path):
    result = {"object": "organization.usage.completions.result", "input_tokens": 141_000, "output_tokens": 9_000,
              "input_cached_tokens": 41_000, "num_model_requests": 30, "model": "gpt-4.1", "project_id": "proj_1",
              "batch": False}  # fmt: skip
    page = {"object": "page", "data": [{"start_time": 1_793_491_200, "end_time": 1_793_577_600, "results": [result]}]}
    path = tmp_path / "openai.json"
    path.write_text(json.dumps(page))
    assert bring(path, workspace).accepted == 1
    event = UsageEvent.objects.get()
    assert (event.requests, event.input_tokens, event.cached_input_tokens) == (30, 141_000, 41_000)
    assert event.cost == Decimal("0.2925")  # 100,000 × $2 + 41,000 × $0.50 + 9,000 × $8 per million
    assert bring(path, workspace).duplicates == 1


def test_an_anthropic_usage_report(workspace, tmp_path):
    result = {"uncached_input_tokens": 1000, "cache_read_input_tokens": 200, "output_tokens": 50,
              "model": "claude-opus-4-5",
              "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 4},
              "server_tool_use": {"web_search_requests": 2},
              "service_tier": "standard", "workspace_id": "wrk_1"}  # fmt: skip
    page = {"data": [{"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z", "results": [result]}]}
    path = tmp_path / "anthropic.json"
    path.write_text(json.dumps(page))
    bring(path, workspace)
    event = UsageEvent.objects.get()
    assert (event.input_tokens, event.cached_input_tokens, event.cache_write_1h_tokens) == (1234, 200, 4)
    assert event.units == {"web_search": 2}


@pytest.mark.parametrize("content", ["{}", "[]x", '{"data": [{"results": [{"tokens": 1}]}]}'])
def test_a_json_file_of_something_else_is_refused_with_a_sentence(workspace, tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(Trouble):
        bring(path, workspace)
