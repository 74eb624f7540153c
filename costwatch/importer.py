"""`costwatch import FILE…`: back-fill from files of past usage, through the same steps as the API. Running it again
counts nothing twice: an event without an id gets one from its place in the file's content."""

import gzip
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from tqdm import tqdm

from costwatch import usage_exports
from costwatch.accounts.models import Workspace
from costwatch.ledger.record import StorageUnavailable
from costwatch.trouble import Trouble
from ingest.accept import accept_lines
from ingest.refused import Refused

BATCH = 5_000
MOST_SHOWN = 20
ZONED = ("Z", "z", "+", "-")


@dataclass
class Report:
    """What became of a file's events; accepted + duplicates + rejected = the lines that held one."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    faults: list[str] = field(default_factory=list)

    def refuse(self, fault: str) -> None:
        """Count a line that is not taken; the first few are told."""
        self.rejected += 1
        if len(self.faults) < MOST_SHOWN:
            self.faults.append(fault)

    def say(self, name: str) -> str:
        line = f"{name}: {self.accepted:,} stored, {self.duplicates:,} known already, {self.rejected:,} refused"
        more = self.rejected - len(self.faults)
        return "\n  ".join([line, *self.faults, *([f"… and {more:,} more"] if more else [])])


def run(files: list[str], workspace_name: str | None = None) -> int:
    """Import the files into one workspace (default: the only one); 0, or 1 where a line was refused."""
    workspace = _workspace(workspace_name)
    refused = 0
    for name in files:
        report = import_file(Path(name), workspace, datetime.now(UTC))
        print(report.say(name))
        refused += report.rejected
    return 1 if refused else 0


def import_file(path: Path, workspace: Workspace, now: datetime, quiet: bool = False) -> Report:
    """Store a file's events: NDJSON of events, or a provider's usage export (.json), plain or .gz."""
    if not path.is_file():
        raise Trouble(f"There is no file {path}.")
    report = Report()
    with path.open("rb") as raw, tqdm(
        total=path.stat().st_size, unit="B", unit_scale=True, desc=path.name, disable=quiet or not sys.stderr.isatty()
    ) as bar:  # fmt: skip
        lines = _numbered(_lines(raw, path))
        try:
            while batch := list(islice(lines, BATCH)):
                _store(batch, workspace.lane, now, report)
                bar.update(raw.tell() - bar.n)
        except (gzip.BadGzipFile, EOFError, zlib.error) as broken:
            raise Trouble(f"{report.say(path.name)}\n{path} is damaged after that: {broken}.") from None
        except StorageUnavailable as trouble:
            again = "import the file again, nothing is stored twice"
            raise Trouble(f"{report.say(path.name)}\nThe database failed ({trouble}); {again}.") from None
    return report


def _workspace(name: str | None) -> Workspace:
    found = list(Workspace.objects.filter(**({"name": name} if name else {}))[:2])
    if len(found) == 1:
        return found[0]
    if name:
        raise Trouble(f"There is no workspace {name!r}; `costwatch key create NAME --workspace {name!r}` makes one.")
    names = ", ".join(sorted(w.name for w in Workspace.objects.all()[:9])) or "none yet"
    raise Trouble(f"Say which workspace with --workspace (there are: {names}).")


def _lines(raw: BinaryIO, path: Path) -> Iterator[bytes]:
    """The events of a file, one JSON object a line."""
    data: BinaryIO = gzip.GzipFile(fileobj=raw) if path.name.endswith(".gz") else raw  # type: ignore[assignment]
    if path.name.removesuffix(".gz").endswith(".json"):
        yield from (json.dumps(event).encode() for event in _document(data.read(), path))
    else:
        yield from data


def _document(data: bytes, path: Path) -> Iterable[dict[str, Any]]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise Trouble(f"{path} is no JSON ({fault}); events one per line belong into a file named .ndjson.") from None
    return usage_exports.events(document, path.name)


def _numbered(lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, with their numbers and an id where they have none."""
    content = blake2b(digest_size=12)
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line:
            continue
        content.update(line)
        yield number, _complete(line, f"import-{content.hexdigest()}")


def _complete(line: bytes, event_id: str) -> bytes:
    """An event of the past as the API wants it: with an id, and with an offset where the time has none (UTC)."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return line  # the decoder says what is wrong with it
    if not isinstance(event, dict):
        return line
    event["event_id"] = event.get("event_id") or event_id
    at = event.get("timestamp")
    if isinstance(at, str) and len(at) >= 19 and not any(sign in at[19:] for sign in ZONED):
        event["timestamp"] = at + "Z"
    return json.dumps(event).encode()


def _store(batch: list[tuple[int, bytes]], lane: int, now: datetime, report: Report) -> None:
    try:
        answer = accept_lines(lane, b"\n".join(line for _, line in batch), now)
    except Refused as refused:  # one line can spoil all, e.g. by its depth: find out which
        if len(batch) > 1:
            middle = len(batch) // 2
            _store(batch[:middle], lane, now, report)
            _store(batch[middle:], lane, now, report)
        else:
            report.refuse(f"line {batch[0][0]}: {refused.message}")
        return
    report.accepted += answer.accepted
    report.duplicates += answer.duplicates
    for problem in answer.rejected:
        field_name = f"{problem.field}: " if problem.field else ""
        report.refuse(f"line {batch[problem.index][0]}: {field_name}{problem.message}")
