"""What a webhook sends: signed, by a secret that can be replaced, as the documentation tells receivers to check it."""

import hmac
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Delivery
from costwatch.alerts.transports import webhook
from costwatch.lib import outbound
from tests.alerts.conftest import NOW


def verified(got, secret):
    """As docs/alerts.md tells receivers to do it."""
    parts = [part.split("=", 1) for part in got.headers["Costwatch-Signature"].split(",")]
    at = next(value for name, value in parts if name == "t")
    wanted = hmac.new(secret.encode(), f"{at}.".encode() + got.body, "sha256").hexdigest()
    return any(hmac.compare_digest(value, wanted) for name, value in parts if name == "v1")


def test_a_webhook_is_signed_and_its_secret_can_be_replaced_without_a_gap(db, workspace, sink, opened):
    behind = sink()
    channel, first = channels.create(workspace, {"kind": "webhook", "name": "w", "url": behind.url})
    assert first.startswith("whsec_") and first not in str(vars(channel))
    opened()
    deliver.send_all()
    assert verified(behind.got[0], first)
    assert not verified(behind.got[0], "another")
    assert behind.got[0].headers["Costwatch-Delivery"] == behind.got[0].json["id"]
    second = channels.rotate(channel)
    deliver.test(channel)
    assert verified(behind.got[1], first) and verified(behind.got[1], second)
    config = channels.config_of(channel)
    assert webhook.active(config, NOW.timestamp() + 25 * 3600) == [second]


def test_only_two_secrets_are_ever_good():
    config = {"secrets": [{"secret": "a", "until": None}]}
    config, _ = webhook.rotated(config, 1_000)
    config, newest = webhook.rotated(config, 2_000)
    assert len(webhook.active(config, 2_001)) == 2
    assert webhook.active(config, 2_001)[0] == newest
    assert "a" not in webhook.active(config, 2_001)


def test_a_target_that_moved_inside_is_not_called(workspace, opened, monkeypatch, local):
    """The name led outside when the channel was made, and leads inside when there is something to send."""
    local.WEBHOOK_ALLOW = []
    leads_to = ["93.184.216.34"]
    monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (leads_to[0], 443))])
    channels.create(workspace, {"kind": "webhook", "name": "w", "url": "https://rebind.example.com/"})
    leads_to[0] = "127.0.0.1"
    opened()
    deliver.send_all()
    assert "not on the open internet" in Delivery.objects.get().answer


def test_the_sample_of_the_documentation_verifies(workspace, sink):
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    found: dict = {}
    exec(re.search(r"```python\n(.*?)```", text, re.S)[1], found)
    behind = sink()
    channel, secret = channels.create(workspace, {"kind": "webhook", "name": "w", "url": behind.url})
    deliver.test(channel)
    got = behind.got[0]
    header = got.headers["Costwatch-Signature"]
    assert found["is_genuine"](got.body, header, secret)
    assert not found["is_genuine"](got.body + b" ", header, secret)
    assert not found["is_genuine"](got.body, header, "another")
    assert not found["is_genuine"](got.body, header, secret, tolerance=-1)


def test_the_sample_for_node_verifies(workspace, sink, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine")
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    script = tmp_path / "check.mjs"
    call = "console.log(isGenuine(Buffer.from(process.argv[2]), process.argv[3], process.argv[4]))"
    script.write_text(re.search(r"```js\n(.*?)```", text, re.S)[1] + call)
    behind = sink()
    channel, secret = channels.create(workspace, {"kind": "webhook", "name": "w", "url": behind.url})
    deliver.test(channel)
    got = behind.got[0]
    for key, fits in ((secret, b"true\n"), ("another", b"false\n")):
        header = got.headers["Costwatch-Signature"]
        assert subprocess.check_output([node, str(script), got.body.decode(), header, key]) == fits
