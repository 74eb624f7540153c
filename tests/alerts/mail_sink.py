"""A real SMTP server on this machine that keeps what it gets and refuses as told."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class MailSink:
    """`to_rcpt` and `to_data`: the answers to RCPT TO (`by_name`: of some addresses) and to the message; "drop" ends
    the connection instead."""

    to_rcpt: str = "250 OK"
    by_name: dict[str, str] = field(default_factory=dict)
    to_data: list[str] = field(default_factory=lambda: ["250 taken"])
    got: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        said = self.by_name.get(address, self.to_rcpt)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.recipients.append(list(envelope.rcpt_tos))
        answer = self.to_data.pop(0) if len(self.to_data) > 1 else self.to_data[0]
        if answer == "drop":
            server.transport.close()
        return answer


@contextmanager
def mail_sink(authenticator: Any = None, **behaviour: object) -> Iterator[MailSink]:
    """A server for as long as the block runs; with an `authenticator` it asks for a login."""
    sink = MailSink(**behaviour)  # type: ignore[arg-type]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        sink.port = probe.getsockname()[1]
    login = {"authenticator": authenticator, "auth_require_tls": False} if authenticator else {}
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port, **login)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
