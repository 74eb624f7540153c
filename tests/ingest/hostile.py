"""Sending the malformed and hostile requests of tests/data/bad_inputs.jsonl.gz, and judging the answers."""

import base64
import contextlib
import gzip
import http.client
import json
import random
import re
import threading
import time
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Case = dict[str, Any]
DATA = Path(__file__).parent.parent / "data" / "bad_inputs.jsonl.gz"
LEAKS = (b"Traceback (most recent", b"psycopg", b"django.db", b"IntegrityError", b"DataError")
PLACEHOLDER = re.compile(rb"@@([A-Z0-9+\-]+?)@@")


def cases(kind: str) -> list[Case]:
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [case for case in map(json.loads, lines) if case["path_kind"] == kind]


class Sender:
    """Sends cases to 127.0.0.1:port; `keys` holds what the placeholders KEY, READKEY, KEYB and REVOKED stand for."""

    def __init__(self, port: int, keys: dict[str, str]) -> None:
        self.port, self.keys = port, keys

    def run(self, case: Case, path: str) -> list[tuple[int | str, bytes, float]]:
        """(status or what went wrong, body, milliseconds) of each request of a case; some repeat, some at once."""
        once, answers = uuid.uuid4().hex, []
        if case.get("parallel", 1) == 1:
            return [self._send(case, path, once) for _ in range(case.get("repeat", 1))]
        threads = [threading.Thread(target=lambda: answers.append(self._send(case, path, once)))
                   for _ in range(case.get("repeat", 1))]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def _send(self, case: Case, path: str, once: str) -> tuple[int | str, bytes, float]:
        body = self._body(case, once)
        headers = {k: self._fill(v.encode("utf-8", "surrogateescape"), once) for k, v in case["headers"].items()}
        path += self._fill(case.get("path_suffix", "").encode(), once).decode()
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        try:
            connection.putrequest(case["method"], path, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value.decode().encode("latin-1", "replace"))
            framed = "Content-Length" in headers or "Transfer-Encoding" in headers
            if not framed and (body or case["method"] in ("POST", "PUT", "PATCH")):
                connection.putheader("Content-Length", str(len(body)))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may answer before it has read all
                connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.read(200_000), (time.monotonic() - began) * 1000
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"dropped: {error!r}", b"", (time.monotonic() - began) * 1000
        finally:
            connection.close()

    def _body(self, case: Case, once: str) -> bytes:
        body = base64.b64decode(case["body_b64"])
        if case.get("pack") == "gzip":  # packed only to keep the file small
            body = gzip.decompress(body)
        if body[:2] != b"\x1f\x8b":
            body = self._fill(body, once)
        if case.get("shuffle"):
            batch = json.loads(body)
            random.shuffle(batch["events"])
            body = json.dumps(batch).encode()
        return {"gzip": gzip.compress, "deflate": zlib.compress}.get(case.get("encode", ""), bytes)(body)

    def _fill(self, data: bytes, once: str) -> bytes:
        now = datetime.now(UTC)

        def iso(moment: datetime) -> str:
            return moment.isoformat(timespec="seconds").replace("+00:00", "Z")

        def value(match: re.Match[bytes]) -> bytes:
            name = match[1].decode()
            if name in self.keys:
                return self.keys[name].encode()
            if re.fullmatch(r"NOW[+-]\d+", name):
                return iso(now + timedelta(seconds=int(name[3:]))).encode()
            made = {"UID": uuid.uuid4().hex, "UID1": once, "NOW": iso(now), "NOWSPACE": iso(now).replace("T", " "),
                    "NOWLOCAL": now.replace(tzinfo=None).isoformat(timespec="seconds"), "NOWLOWER": iso(now).lower(),
                    "NOWNANO": iso(now)[:-1] + ".123456789Z", "NOWMONTHEDGE": f"{now:%Y-%m}-01T00:00:00+14:00",
                    "NANO": str(time.time_ns()), "HEX32": uuid.uuid4().hex, "HEX16": uuid.uuid4().hex[:16],
                    "SEQ": str(random.randint(1, 9999))}  # fmt: skip
            return made[name].encode() if name in made else match[0]

        return PLACEHOLDER.sub(value, data)


def faults(case: Case, answers: list[tuple[int | str, bytes, float]], stored: int) -> list[str]:
    """What is wrong with the answers and with the number of events that were stored; [] = nothing."""
    expect, found = case["expect"], []
    may_drop = case.get("raw_socket") or {"413", "431"} & set(expect["status"])
    for status, body, milliseconds in answers:
        dropped = str(status).startswith("dropped")
        if not _allowed(status, expect["status"]) and not (dropped and may_drop):
            found.append(f"status {status} is not in {expect['status']}")
        if any(leak in body for leak in LEAKS):
            found.append("internals in the answer")
        if milliseconds > expect.get("latency_ms_max", 10_000):
            found.append(f"took {milliseconds:.0f} ms")
    fine = any(_allowed(status, ["2xx"]) for status, _, _ in answers)
    if expect["stored"] is not None and stored != expect["stored"]:
        found.append(f"stored {stored}, expected {expect['stored']}")
    elif stored not in expect.get("accepted_set", [stored]) or (stored and not fine):
        found.append(f"stored {stored}, expected {expect.get('accepted_set', 0)}")
    return found


def _allowed(status: int | str, classes: list[str]) -> bool:
    return any(str(status) == c or (c.endswith("xx") and isinstance(status, int) and str(status)[0] == c[0])
               for c in classes)  # fmt: skip
