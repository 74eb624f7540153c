"""The kinds of channels. A new one is a file here, a line in MODULES, a value of Channel.Kind and a test file.

A transport is a module with LABEL, FIELDS, `check(config)`, which puts an entered configuration right or raises
BadChannel, and `send(message, config)`, which returns a Receipt or raises Undeliverable.
"""

from importlib import import_module
from typing import Any, Protocol, cast

from costwatch.alerts.message import Message
from costwatch.alerts.transports.parts import Field, Receipt

MODULES = {
    "email": "costwatch.alerts.transports.email",
    "slack": "costwatch.alerts.transports.slack",
    "webhook": "costwatch.alerts.transports.webhook",
    "pagerduty": "costwatch.alerts.transports.pagerduty",
    "teams": "costwatch.alerts.transports.teams",
    "apprise": "costwatch.alerts.transports.apprise",
}


class Transport(Protocol):
    """What such a module offers."""

    LABEL: str
    FIELDS: tuple[Field, ...]

    def check(self, config: dict[str, Any]) -> dict[str, Any]:
        """The configuration as it is stored. Raises BadChannel."""

    def send(self, message: Message, config: dict[str, Any]) -> Receipt:
        """Hand a message over, within ten seconds. Raises Undeliverable."""


def transport(kind: str) -> Transport:
    """The transport of a kind; imported when it is first used."""
    return cast(Transport, import_module(MODULES[kind]))
