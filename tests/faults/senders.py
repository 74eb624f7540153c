"""Clients that keep a log of what was acknowledged and repeat what was not, as the contract tells them to."""

import http.client
import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_SECONDS = 90


@dataclass
class Sender:
    """Sends batches of `size` events until stopped; every batch until it is acknowledged."""

    url: str
    key: str
    size: int = 50
    acknowledged: list[str] = field(default_factory=list)
    answers: dict[object, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch under way: it is repeated until it is acknowledged."""
        self._over.set()
        self._thread.join(PATIENCE_SECONDS + 30)
        assert not self._thread.is_alive(), "a batch was never acknowledged"

    def _work(self) -> None:
        while not self._over.is_set():
            self.send([self.event() for _ in range(self.size)])

    def event(self) -> dict[str, object]:
        return {
            "event_id": uuid.uuid4().hex, "model": "gpt-4o-mini", "provider": "openai", "agent_id": "triage",
            "run_id": f"run-{time.time_ns() // 10**9}", "user_id": "u-1", "input_tokens": 1000, "output_tokens": 100,
        }  # fmt: skip

    def send(self, events: list[dict[str, object]]) -> None:
        body = json.dumps({"events": events})
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            status, answer = self._post(body)
            self.answers[status] = self.answers.get(status, 0) + 1
            if status == 200:
                if answer["accepted"] + answer["duplicates"] != len(events):
                    self.wrong.append(f"{len(events)} sent, answer {answer}")
                self.acknowledged += [str(event["event_id"]) for event in events]
                return
            if status not in (None, 503, 429):
                self.wrong.append(f"answer {status}: {answer}")
                return
            time.sleep(0.2)
        self.wrong.append("gave up")

    def _post(self, body: str) -> tuple[int | None, dict[str, int]]:
        """Status and answer; None where the connection broke: nobody knows then whether it was stored."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            connection.request("POST", "/api/v1/events", body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None, {}
        finally:
            connection.close()
