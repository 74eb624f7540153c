"""Signed webhooks (API.md §6): the body as JSON, HMAC-SHA256 over its time and itself, as Stripe does it."""

import hmac
import json
import secrets
import time
from typing import Any

from costwatch.alerts.message import Message
from costwatch.alerts.transports.parts import Field, Receipt, checked_url, post

LABEL = "Webhook"
FIELDS = (
    Field("url", "Address", "https://, called with POST and JSON; the signature proves that it was us.", secret=True),
)
OVERLAP = 24 * 3600  # seconds that a replaced secret goes on signing


def check(config: dict[str, Any]) -> dict[str, Any]:
    """The address must be callable; the first secret is made here."""
    return {
        "url": checked_url(config["url"]),
        "secrets": config.get("secrets") or [{"secret": new_secret(), "until": None}],
    }


def send(message: Message, config: dict[str, Any]) -> Receipt:
    """POST the body, signed with every secret that is still good. Sorted: each attempt sends the same bytes."""
    body = json.dumps(message.body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    now = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "Costwatch-Signature": signature(body, active(config, now), now),
        "Costwatch-Delivery": message.uid,
    }
    return post(config["url"], body, headers)


def signature(body: bytes, keys: list[str], now: int) -> str:
    """t=<unix>,v1=<hex> with one v1 for each secret."""
    signed = b"%d.%b" % (now, body)
    marks = [hmac.new(key.encode(), signed, "sha256").hexdigest() for key in keys]
    return ",".join([f"t={now}", *(f"v1={mark}" for mark in marks)])


def active(config: dict[str, Any], now: float) -> list[str]:
    """The secrets that sign at this time, the newest first."""
    return [one["secret"] for one in config["secrets"] if one["until"] is None or one["until"] > now]


def rotated(config: dict[str, Any], now: float) -> tuple[dict[str, Any], str]:
    """The configuration with a new secret, and that secret; the present one signs along for a day."""
    secret = new_secret()
    old = [{"secret": key, "until": now + OVERLAP} for key in active(config, now)[:1]]
    return {**config, "secrets": [{"secret": secret, "until": None}, *old]}, secret


def new_secret() -> str:
    """256 bits, marked so that scanners for leaked secrets know it."""
    return f"whsec_{secrets.token_urlsafe(32)}"
