"""Start `costwatch up` of the installed wheel and use it once: templates, static files and prices are in it."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

COSTWATCH = str(Path(sys.executable).with_name("costwatch"))


def main(data_dir: str) -> None:
    import costwatch

    assert "site-packages" in str(costwatch.__file__), f"not the installed wheel: {costwatch.__file__}"
    assert not list(Path().iterdir()), "the directory is not empty"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    for what in ("first page", "page after a restart"):
        began = time.monotonic()
        up = subprocess.Popen([COSTWATCH, "up", "--data-dir", data_dir, "--port", str(port)])
        try:
            wait_for(url + "/login", up)
            print(f"{what} after {time.monotonic() - began:.1f} s", flush=True)
            wait_for(url + "/readyz", up)
            use(url, data_dir)
        finally:
            up.send_signal(signal.SIGTERM)
            status = up.wait(60)
        assert status == 0, f"`costwatch up` ended with status {status}"


def use(url: str, data_dir: str) -> None:
    """A key, an event, its price in the totals, a page with its style sheet, the books."""
    page = fetch(url + "/login")
    sheet = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page)
    assert sheet and "{" in fetch(url + sheet.group(1)), "the page has no style sheet"
    key = run("key", "create", "CI", "--workspace", "CI", "--scopes", "ingest,read", "--data-dir", data_dir).strip()
    event = {"event_id": "ci-1", "model": "gpt-4o", "input_tokens": 1000, "output_tokens": 500, "agent_id": "ci"}
    answer = json.loads(fetch(url + "/api/v1/events", key, json.dumps(event).encode()))
    assert answer["accepted"] + answer["duplicates"] == 1, answer
    total = json.loads(fetch(url + "/api/v1/spend", key))["total"]
    assert total["calls"] == 1 and float(total["cost_usd"]) > 0, total
    print(run("verify", "--deep", "--data-dir", data_dir).strip(), flush=True)


def run(*words: str) -> str:
    return subprocess.run([COSTWATCH, *words], check=True, capture_output=True, text=True).stdout


def fetch(url: str, key: str = "", body: bytes | None = None) -> str:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        return str(answer.read().decode())


def wait_for(url: str, up: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 90
    while up.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.HTTPError, OSError):
            time.sleep(0.05)
    raise SystemExit(f"{url} never answered")


main(sys.argv[1])
