"""Files that are not as they should be: one sentence each, and what is good in them is stored."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from costwatch import importer
from costwatch.ledger.models import UsageEvent
from costwatch.trouble import Trouble

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
GOOD = '{"model": "gpt-5.4-mini", "event_id": "good", "timestamp": "2026-11-01T10:00:00Z"}'
DEEP = '{"a":' * 5_000 + "1" + "}" * 5_000
SINCE = {"starting_at": "2026-11-01T00:00:00Z"}
DAY = {"start_time": 1_793_491_200}
OPENAI = {"num_model_requests": 3, "model": "gpt-4.1", "input_tokens": 10, "output_tokens": 1}
ANTHROPIC = {"uncached_input_tokens": 1, "model": "claude-opus-4-5"}
Bring = Callable[[str | bytes], importer.Report]


@pytest.fixture
def bring(workspace, tmp_path: Path) -> Bring:
    """Imports lines."""

    def run(content: str | bytes) -> importer.Report:
        path = tmp_path / "usage.ndjson"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return importer.import_file(path, workspace, NOW, quiet=True)

    return run


@pytest.fixture
def bring_report(workspace, tmp_path: Path) -> Callable[[object], importer.Report]:
    """Imports a usage report."""

    def run(document: object) -> importer.Report:
        path = tmp_path / "usage.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return importer.import_file(path, workspace, NOW, quiet=True)

    return run


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("[" * 100_000, id="a hundred thousand brackets"),
        pytest.param('{"model": "x", "tags": ' + DEEP + "}", id="tags within tags"),
        pytest.param('{"model": "gpt-4o"', id="cut"),
        pytest.param("model,tokens", id="csv"),
        pytest.param('"gpt-4o"', id="a text"),
        pytest.param("[1, 2]", id="a list of numbers"),
        pytest.param(b"\xff\xfe{}", id="another encoding"),
        pytest.param('{"model": "x", "timestamp": "soon"}', id="no time"),
        pytest.param('{"model": "x", "timestamp": "2026-11-01"}', id="a day alone"),
        pytest.param('{"model": "x", "timestamp": "1999-11-01 10:00:00"}', id="long ago"),
        pytest.param('{"model": "x", "timestamp": "2026-11-01 10:00:00", "input_tokens": -1}', id="less than nothing"),
        pytest.param('{"model": "x", "timestamp": "2026-11-01 10:00:00", "input_tokens": NaN}', id="not a number"),
        pytest.param('{"timestamp": "2026-11-01 10:00:00"}', id="no model"),
    ],
)
def test_a_line_that_cannot_be_read_costs_itself_alone(bring, line: str | bytes):
    content = (line if isinstance(line, bytes) else line.encode()) + b"\n" + GOOD.encode()
    report = bring(content)
    assert (report.accepted, report.duplicates, report.rejected) == (1, 0, 1)
    (fault,) = report.faults
    assert fault.startswith("line 1: ") and len(fault) < 400
    assert UsageEvent.objects.count() == 1


def test_the_first_twenty_faults_are_told_and_the_others_counted(bring):
    report = bring("\n".join(["{}"] * 57 + [GOOD]))
    assert (report.accepted, report.rejected, len(report.faults)) == (1, 57, importer.MOST_SHOWN)
    lines = report.say("usage.ndjson").split("\n")
    assert lines[0] == "usage.ndjson: 1 stored, 0 known already, 57 refused"
    assert lines[-1] == "  … and 37 more"
    assert len(lines) == 1 + 20 + 1


def test_faults_are_named_by_their_line_also_after_blank_ones_and_in_later_batches(bring, monkeypatch):
    monkeypatch.setattr(importer, "BATCH", 2)
    report = bring(
        "\n\n" + GOOD + "\n   \n" + GOOD.replace("good", "g2") + "\n\n" + GOOD.replace("good", "g3") + "\n{}"
    )
    assert report.accepted == 3
    assert [fault.partition(":")[0] for fault in report.faults] == ["line 8"]


@pytest.mark.parametrize(
    ("at", "stored"),
    [
        ("2026-11-01 10:00:00", "2026-11-01T10:00:00+00:00"),
        ("2026-11-01T10:00:00", "2026-11-01T10:00:00+00:00"),
        ("2026-11-01T10:00:00.25", "2026-11-01T10:00:00.250000+00:00"),
        ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00+00:00"),
        ("2026-11-01T10:00:00+05:45", "2026-11-01T04:15:00+00:00"),
        ("2026-11-01T10:00:00-08:00", "2026-11-01T18:00:00+00:00"),
        (1_793_527_200, "2026-11-01T10:00:00+00:00"),
        (1_793_527_200.5, "2026-11-01T10:00:00.500000+00:00"),
    ],
)
def test_a_time_keeps_its_offset_and_is_utc_without_one(bring, at: str | float, stored: str):
    assert bring(json.dumps({"model": "gpt-5.4-mini", "timestamp": at})).accepted == 1
    assert UsageEvent.objects.get().occurred_at.isoformat() == stored


def test_events_without_ids_are_told_apart_by_their_place_and_known_again(bring):
    line = '{"model": "gpt-5.4-mini", "timestamp": "2026-11-01T10:00:00Z", "input_tokens": 7}'
    assert bring(f"{line}\n{line}").accepted == 2, "two calls that look alike are two"
    longer = bring(f"{line}\n{line}\n{line}")
    assert (longer.accepted, longer.duplicates) == (1, 2)
    blank = bring(f"\n\n{line}\n\n\n{line}\n")
    assert (blank.accepted, blank.duplicates) == (0, 2), "blank lines do not move a place"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"data": [1]}, id="a bucket that is a number"),
        pytest.param({"data": [{**DAY, "results": None}]}, id="no results"),
        pytest.param({"data": [{**DAY, "results": [1]}]}, id="a result that is a number"),
        pytest.param({"data": [{"results": [OPENAI]}]}, id="openai without a time"),
        pytest.param({"data": [{**DAY, "results": [OPENAI | {"num_model_requests": "x"}]}]}, id="requests in words"),
        pytest.param({"data": [{"start_time": 10**17, "results": [OPENAI]}]}, id="a time beyond all calendars"),
        pytest.param({"data": [{"results": [ANTHROPIC]}]}, id="anthropic without a time"),
        pytest.param({"data": [{**SINCE, "results": [ANTHROPIC | {"cache_creation": 4}]}]}, id="a cache in one number"),
        pytest.param({"data": [{**SINCE, "results": [ANTHROPIC | {"uncached_input_tokens": None}]}]}, id="no count"),
        pytest.param([{"data": [{**DAY, "results": [{"tokens": 1}]}]}], id="of another provider"),
        pytest.param("[" * 100_000, id="a hundred thousand brackets"),
        pytest.param([[]], id="a page that is a list"),
        pytest.param({"data": {}}, id="data that is no list"),
    ],
)  # fmt: skip
def test_a_report_of_another_shape_is_refused_in_a_sentence(bring_report, document: object):
    with pytest.raises(Trouble) as refused:
        bring_report(document)
    assert "usage.json" in str(refused.value) and "\n" not in str(refused.value)
    assert not UsageEvent.objects.exists()


def test_the_bucket_at_fault_is_named(bring_report):
    good = {**DAY, "results": [OPENAI]}
    with pytest.raises(Trouble, match=r"usage.json: bucket 3 is not as OpenAI or Anthropic write it"):
        bring_report({"data": [good, good, {"results": [OPENAI]}]})
