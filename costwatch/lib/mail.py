"""E-mail over SMTP with one deadline for everything: connection, greeting, TLS, login, message. Pure."""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

SECONDS = 10.0
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


class Failed(Exception):
    """It did not go. `code` is the server's, 0 without one; `refused`: the server will never take mail for these."""

    def __init__(self, message: str, code: int = 0, refused: bool = False) -> None:
        super().__init__(message)
        self.code, self.refused = code, refused

    @property
    def for_good(self) -> bool:
        """Whether the same message would fail again (5xx)."""
        return 500 <= self.code < 600


@dataclass(frozen=True)
class Server:
    """The mail server of the installation; `scheme` is smtp (plain), smtp+tls (STARTTLS) or smtps."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""


def server(url: str) -> Server:
    """smtp://host:25, smtp+tls://user:password@host:587, smtps://user:password@host:465. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("write smtp://host:25, smtp+tls://user:password@host:587 or smtps://user:password@host")
    port = parts.port or PORTS[parts.scheme]
    return Server(parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))


def post(to: Server, message: EmailMessage, recipients: Sequence[str], *, seconds: float = SECONDS) -> str:
    """Hand a message over; the server's last word. Sent if it takes the message for one of them. Raises Failed."""
    client = _client(to, seconds)
    late = threading.Event()
    over = threading.Timer(seconds, _break_off, [client, late])
    over.daemon = True
    over.start()
    try:
        return _talk(client, to, message, recipients)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = max(error.recipients.values(), key=lambda answer: -answer[0])  # a 4xx may do later
        raise Failed(_text(code, text), code, refused=code >= 500) from None
    except smtplib.SMTPAuthenticationError as error:  # the operator's to mend, not a fault of the message
        raise Failed(f"The mail server refused the login: {_text(error.smtp_code, error.smtp_error)}") from None
    except smtplib.SMTPResponseException as error:
        raise Failed(_text(error.smtp_code, error.smtp_error), error.smtp_code) from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        said = f"no answer within {seconds:g} seconds" if late.is_set() else str(error) or type(error).__name__
        raise Failed(f"{to.host}: {said}") from None
    finally:
        over.cancel()
        client.close()


def _client(to: Server, seconds: float) -> smtplib.SMTP:
    if to.scheme == "smtps":
        return smtplib.SMTP_SSL(timeout=seconds, context=ssl.create_default_context())
    return smtplib.SMTP(timeout=seconds)


def _talk(client: smtplib.SMTP, to: Server, message: EmailMessage, recipients: Sequence[str]) -> str:
    client._host = to.host  # type: ignore[attr-defined]  # the name that TLS checks; only the constructor sets it
    client.connect(to.host, to.port)
    client.ehlo_or_helo_if_needed()
    if to.scheme == "smtp+tls":
        client.starttls(context=ssl.create_default_context())
    if to.user:
        client.login(to.user, to.password)
    refused = client.send_message(message, to_addrs=list(recipients))
    with contextlib.suppress(OSError, smtplib.SMTPException):  # it is sent, whatever the farewell is
        client.quit()
    names = ", ".join(f"{name}: {_text(*answer)}" for name, answer in refused.items())
    return f"taken, but not for {names}" if names else "taken"


def _break_off(client: smtplib.SMTP, late: threading.Event) -> None:
    """End it from another thread: a server that sends a byte a second never runs into a timeout."""
    late.set()
    if client.sock is not None:
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)


def _text(code: int, said: bytes | str) -> str:
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(words.split())}"[:500]
