"""Whatever Apprise speaks over HTTP: its classes build the request, our own guarded HTTP sends it.

Services of Apprise that open connections of their own (mail, MQTT, syslog, local programs) are refused: nothing checks
where those lead.
"""

import logging
import threading
from typing import Any, NoReturn

import apprise
import requests
from django.conf import settings

from costwatch.alerts import message as words
from costwatch.alerts.message import Message
from costwatch.alerts.transports.parts import BadChannel, Field, Receipt, Undeliverable, retry_after
from costwatch.lib import outbound

LABEL = "Apprise"
FIELDS = (
    Field(
        "url",
        "Apprise address",
        "e.g. discord://webhook_id/token, tgram://bot_token/chat_id, ntfys://topic",
        secret=True,
    ),
)
# looked through one by one: all their calls are requests.post and the like
SCHEMAS = {
    "bark", "discord", "dingtalk", "feishu", "gchat", "gotify", "gotifys", "guilded", "hassio", "hassios", "ifttt",
    "json", "jsons", "lark", "matrix", "matrixs", "mmost", "mmosts", "msg91", "nctalks", "ntfy", "ntfys", "opsgenie",
    "pagertree", "pbul", "pover", "prowl", "pushdeer", "pushdeers", "pushme", "rocket", "rockets", "sendgrid",
    "signal", "signals", "signl4", "simplepush", "slack", "spike", "splunk", "tgram", "threema", "twilio",
    "victorops", "webex", "wxteams", "xml", "xmls", "zulip",
}  # fmt: skip
LONGEST = 4_000
TYPES = {"critical": apprise.NotifyType.FAILURE, "alarm": apprise.NotifyType.WARNING}
UNSENT = ("connection", "content-length", "accept-encoding")  # our own connection has them
logging.getLogger("apprise").setLevel(logging.CRITICAL)  # what went wrong stands in the delivery log
_last = threading.local()


def check(config: dict[str, Any]) -> dict[str, Any]:
    """An address of a service that is on the list, and that Apprise understands."""
    url = config["url"]
    schema = url.partition("://")[0].lower()
    if schema not in SCHEMAS:
        raise BadChannel("url", f"{words.line(schema, 40)}:// cannot be used here; docs/alerts.md lists what can.")
    _plugin(url)
    return {"url": url}


def send(message: Message, config: dict[str, Any]) -> Receipt:
    """Let the service's class send it through the guard; the last answer is the receipt."""
    try:
        plugin = _plugin(config["url"])
    except BadChannel as problem:
        raise Undeliverable(problem.message, dead=True) from None
    _last.answer, _last.problem = None, None
    kind = apprise.NotifyType.SUCCESS if message.type == words.RESOLVED else None
    taken = plugin.notify(
        title=words.headline(message),
        body=_body(message),
        notify_type=kind or TYPES.get(message.severity, apprise.NotifyType.INFO),
        body_format=apprise.NotifyFormat.TEXT,
    )
    answer: outbound.Answer | None = _last.answer
    status, said = (answer.status, answer.body.decode(errors="replace")[:500]) if answer else (None, "")
    if taken:
        return Receipt(status, said)
    raise Undeliverable(
        said or _last.problem or "The service did not take it.",
        status,
        rejected=status in (400, 413, 422),
        dead=status in (401, 403, 404, 410),
        retry_after=retry_after(answer.headers) if answer else None,
    )


def _body(message: Message) -> str:
    rows = [words.incident_line(incident) for incident in message.incidents] if len(message.incidents) > 1 else []
    text = "\n".join([part for part in (words.text(message), *rows) if part])[:LONGEST]
    return "\n\n".join(part for part in (text, message.url) if part)


def _plugin(url: str) -> Any:
    plugin = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if plugin is None:
        raise BadChannel("url", "Apprise cannot read this address; its documentation has the form for each service.")
    return plugin


class _GuardedAdapter(requests.adapters.HTTPAdapter):
    """Sends a prepared request by lib.outbound: checked address, one deadline, no redirect, no proxy."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if body is not None and not isinstance(body, bytes):
            _refuse("Files are not sent.")
        headers = {name: _text(value) for name, value in request.headers.items() if name.lower() not in UNSENT}
        try:
            target = outbound.check(request.url or "", settings.WEBHOOK_ALLOW, https=True)
            answer = outbound.call(target, request.method or "POST", body, headers)
        except (outbound.Forbidden, outbound.Failed) as problem:
            _refuse(str(problem))
        _last.answer = answer
        return _response(request, answer)


def _refuse(problem: str) -> NoReturn:
    _last.problem = problem
    raise requests.ConnectionError(problem)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _response(request: requests.PreparedRequest, answer: outbound.Answer) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content, made.url, made.request = answer.status, answer.body, request.url or "", request
    made.headers.update({name: value for name, value in answer.headers.items() if name.lower() != "location"})
    return made


def _guard(session: requests.Session) -> None:
    """Every session of this process: Apprise makes its own, and nothing else here uses requests."""
    session.adapters.clear()
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, _GuardedAdapter())


class _GuardedSession(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        _guard(self)


# requests.post and its like make a session for each call, by this name
requests.sessions.Session = requests.Session = _GuardedSession  # type: ignore[misc]
