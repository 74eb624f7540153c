"""What Apprise may call, and that it calls through the guard."""

import inspect
import re
from pathlib import Path

import pytest

from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Delivery
from costwatch.alerts.transports import apprise
from costwatch.alerts.transports.parts import BadChannel, Undeliverable
from tests.alerts.sinks import answer, in_turn


def test_apprise_sends_through_the_guard(workspace, sink, opened, settings):
    behind = sink()
    address = behind.url.replace("http://", "json://")
    channel, _ = channels.create(workspace, {"kind": "apprise", "name": "a", "url": address})
    opened()
    deliver.send_all()
    assert Delivery.objects.get().state == "sent"
    assert behind.got[0].json["title"] == "Alarm: loop k"
    settings.WEBHOOK_ALLOW = []
    result = deliver.test(channel)
    assert isinstance(result, Undeliverable) and "cannot be called" in str(result)
    assert len(behind.got) == 1


def test_apprise_follows_no_redirect_and_tells_what_was_answered(workspace, sink):
    inside = sink()
    outside = sink(in_turn(answer(302, "", Location=inside.url), answer(404, "gone")))
    address = outside.url.replace("http://", "json://")
    channel, _ = channels.create(workspace, {"kind": "apprise", "name": "a", "url": address})
    assert deliver.test(channel).status == 302
    second = deliver.test(channel)
    assert (second.status, second.dead) == (404, True)
    assert inside.got == []


@pytest.mark.parametrize("url", [
    "mailto://a:b@example.com", "syslog://", "mqtt://10.0.0.1/x", "file:///etc/passwd", "dbus://", "x", "discord://", "smtp://x",
])  # fmt: skip
def test_apprise_services_that_go_their_own_way_are_refused(workspace, url):
    with pytest.raises(BadChannel):
        channels.create(workspace, {"kind": "apprise", "name": "a", "url": url})


@pytest.mark.parametrize("schema", sorted(apprise.SCHEMAS))
def test_the_services_on_the_list_call_by_requests_alone(schema):
    from apprise.plugins import N_MGR

    N_MGR.load_modules()
    source = inspect.getsource(inspect.getmodule(N_MGR._schema_map[schema]))
    assert not re.search(
        r"^\s*(?:import|from) (socket|subprocess|smtplib|paho|slixmpp|httpx|aiohttp|http\.client)", source, re.M
    )


def test_the_documentation_names_every_service_that_can_be_used():
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    names = set(re.findall(r"\w+", text[text.index("These can:") :]))
    assert [schema for schema in apprise.SCHEMAS if not {schema, schema.removesuffix("s")} & names] == []
