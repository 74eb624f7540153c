"""E-mail: text and HTML, a small chart where the facts give one, links into the pages."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.template.loader import render_to_string

from costwatch.alerts import message as words
from costwatch.alerts.message import Message
from costwatch.alerts.transports.parts import BadChannel, Field, Receipt, Undeliverable
from costwatch.alerts.transports.picture import picture
from costwatch.lib import mail

LABEL = "E-mail"
FIELDS = (Field("to", "To", "Addresses, one a line or with commas between them.", many=True),)
MOST_ADDRESSES = 50
CHART = "chart@costwatch"


def check(config: dict[str, Any]) -> dict[str, Any]:
    """Plain addresses, no names."""
    to = list(dict.fromkeys(config["to"]))
    if not 0 < len(to) <= MOST_ADDRESSES:
        raise BadChannel("to", f"Give 1 to {MOST_ADDRESSES} addresses.")
    for address in to:
        try:
            EmailValidator()(address)
        except ValidationError:
            raise BadChannel("to", f"{words.line(address, 80)} is no e-mail address.") from None
        if not address.isascii():
            raise BadChannel("to", f"{words.line(address, 80)} is not plain ASCII.")
    return {"to": to}


def send(message: Message, config: dict[str, Any]) -> Receipt:
    """Hand it to the installation's mail server. The Message-ID is that of the message, however often it is tried."""
    if not settings.SMTP_URL:
        raise Undeliverable("No mail server is known: an operator sets COSTWATCH_SMTP_URL.")
    try:
        said = mail.post(mail.server(settings.SMTP_URL), compose(message, config["to"]), config["to"])
    except mail.Failed as problem:
        raise Undeliverable(
            str(problem), problem.code or None, rejected=problem.for_good, dead=problem.refused
        ) from None
    return Receipt(250, said)


def compose(message: Message, to: list[str]) -> EmailMessage:
    """The mail as it goes over the wire."""
    mail_ = EmailMessage()
    mail_["Subject"] = words.headline(message)
    mail_["From"] = settings.MAIL_FROM
    mail_["To"] = ", ".join(to)
    mail_["Date"] = format_datetime(datetime.now(UTC))
    mail_["Message-ID"] = f"<{message.uid}@{_domain()}>"
    mail_["Auto-Submitted"] = "auto-generated"
    chart = picture(message.incidents[0]) if len(message.incidents) == 1 else None
    context = {
        "message": message,
        "headline": words.headline(message),
        "text": words.text(message),
        "rows": [(words.incident_line(i), i) for i in message.incidents],
        "digest": message.body.get("digest") or {},
        "chart": CHART if chart else "",
    }
    mail_.set_content(render_to_string("alerts/mail.txt", context))
    mail_.add_alternative(render_to_string("alerts/mail.html", context), subtype="html")
    if chart:
        html = mail_.get_payload()[1]  # type: ignore[index]
        html.add_related(chart, "image", "png", cid=f"<{CHART}>", filename="chart.png")  # type: ignore[union-attr]
    return mail_


def _domain() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or make_msgid().rpartition("@")[2].rstrip(">")
