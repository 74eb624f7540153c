"""PagerDuty Events API v2: one alert for each incident, under a key that stays the same until it is resolved."""

import time
from collections.abc import Mapping
from typing import Any

from costwatch.alerts import message as words
from costwatch.alerts.message import Message
from costwatch.alerts.transports.parts import BadChannel, Field, Receipt, Undeliverable, checked_url, post_json

LABEL = "PagerDuty"
FIELDS = (
    Field("routing_key", "Integration key", "of an Events API v2 integration, 32 signs", secret=True),
    Field("url", "Events address", "Only for the EU: https://events.eu.pagerduty.com/v2/enqueue", required=False),
)
US = "https://events.pagerduty.com/v2/enqueue"
HOSTS = ("events.pagerduty.com", "events.eu.pagerduty.com")
ONE_BY_ONE = 5  # incidents in a message; more become one alert, or a bad minute would page for an hour
LONGEST = 20.0  # seconds for all events of a message
SEVERITIES = {"critical": "critical", "alarm": "error", "notice": "warning"}


def check(config: dict[str, Any]) -> dict[str, Any]:
    """An integration key, and perhaps the address of another region."""
    key = config["routing_key"]
    if len(key) != 32 or not key.isascii() or not key.isalnum():
        raise BadChannel("routing_key", "An integration key has 32 letters and digits.")
    url = checked_url(config.get("url") or US, hosts=HOSTS)
    return {"routing_key": key, **({"url": url} if url != US else {})}


def send(message: Message, config: dict[str, Any]) -> Receipt:
    """Send the events one after the other; the keys make sending some of them again harmless."""
    receipt, began = Receipt(None, "nothing to send"), time.monotonic()
    for event in events(message):
        if time.monotonic() - began > LONGEST:
            raise Undeliverable(f"PagerDuty took longer than {LONGEST:g} seconds for a part of them.")
        try:
            value = {"routing_key": config["routing_key"], "client": "costwatch", **event}
            receipt = post_json(config.get("url", US), value, hosts=HOSTS, by_token=True)
        except Undeliverable as problem:
            if problem.status == 400 and "routing" in str(problem).lower():
                raise Undeliverable(str(problem), 400, dead=True) from None
            raise
    return receipt


def events(message: Message) -> list[dict[str, Any]]:
    """The events of a message. Many new incidents are one alert, resolved when the last of them is."""
    if not message.incidents:
        return [
            _trigger(message, f"costwatch-{message.uid}", {"id": message.uid}),
            _resolve(f"costwatch-{message.uid}"),
        ]
    over = [i for i in message.incidents if message.type == words.RESOLVED or i["state"] in ("resolved", "expected")]
    if message.type == words.ACKNOWLEDGED:
        return [{"event_action": "acknowledge", "dedup_key": key(i)} for i in message.incidents]
    new = [i for i in message.incidents if i not in over]
    groups = [f"costwatch-{uid}" for uid in message.body.get("groups_over", ())]
    found = [_resolve(one) for one in (*map(key, over), *groups)]
    if len(new) > ONE_BY_ONE:
        lines = {f"#{i['id']}": words.incident_line(i) for i in new}
        return [*found, _trigger(message, f"costwatch-{message.uid}", lines)]
    return found + [_trigger(message, key(i), _details(i), i) for i in new]


def key(incident: Mapping[str, Any]) -> str:
    """What ties trigger, acknowledge and resolve of an incident together."""
    return f"costwatch-incident-{incident['id']}"


def _trigger(
    message: Message, dedup_key: str, details: dict[str, Any], incident: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    url = str(incident["url"]) if incident else message.url
    severity = str(incident["severity"]) if incident else message.severity
    return {
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "payload": {
            "summary": words.line(incident["title"] if incident else words.headline(message), 1_000),
            "source": f"costwatch {words.line(message.workspace)}",
            "severity": SEVERITIES[severity],
            "custom_details": details,
        },
        **({"links": [{"href": url, "text": "Open in costwatch"}]} if url else {}),
    }


def _resolve(dedup_key: str) -> dict[str, Any]:
    return {"event_action": "resolve", "dedup_key": dedup_key}


def _details(incident: Mapping[str, Any]) -> dict[str, Any]:
    return {name: incident[name] for name in ("id", "kind", "message", "subject", "run_id", "opened_at", "facts")}
