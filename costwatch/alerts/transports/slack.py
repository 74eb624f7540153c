"""Slack: Block Kit, built with the official SDK and sent by our own guarded HTTP.

Everything is plain text, so that no name becomes bold, a mention or a link; & < > are escaped as Slack wants it.
"""

import json
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, HeaderBlock, PlainTextObject, SectionBlock

from costwatch.alerts import message as words
from costwatch.alerts.message import Message
from costwatch.alerts.transports.parts import BadChannel, Field, Receipt, Undeliverable, checked_url, post_json

LABEL = "Slack"
FIELDS = (
    Field("url", "Incoming webhook", "https://hooks.slack.com/services/…", secret=True, required=False,
          replaces=("token", "channel")),
    Field("token", "or a bot token", "xoxb-…, with the scope chat:write", secret=True, required=False,
          replaces=("url",)),
    Field("channel", "and its channel", "#agent-costs or its id; the bot must be in it.", required=False),
)  # fmt: skip
HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
POST_MESSAGE = "https://slack.com/api/chat.postMessage"
LONGEST_HEADER, LONGEST_SECTION, LONGEST_LIST = 150, 3_000, 12_000
BROKEN = {  # answers of chat.postMessage after which no message will ever arrive
    "account_inactive", "channel_not_found", "invalid_auth", "is_archived", "missing_scope", "not_authed",
    "not_in_channel", "token_expired", "token_revoked",
}  # fmt: skip


def check(config: dict[str, Any]) -> dict[str, Any]:
    """An incoming webhook, or a token with a channel."""
    url, token, channel = (config.get(name) or "" for name in ("url", "token", "channel"))
    if url and not token:
        return {"url": checked_url(url, hosts=HOSTS)}
    if url or not token:
        raise BadChannel("url", "Give the address of an incoming webhook, or a bot token and a channel.")
    if not token.startswith("xoxb-") or not token.isascii() or not token.isprintable():
        raise BadChannel("token", "A bot token begins with xoxb-.")
    if not channel:
        raise BadChannel("channel", "Name the channel for the bot: #agent-costs.")
    return {"token": token, "channel": channel}


def send(message: Message, config: dict[str, Any]) -> Receipt:
    """Send it; Slack's own words for a token or channel that is gone make the channel useless."""
    value = {"text": _escaped(words.headline(message)), "mrkdwn": False, "blocks": blocks(message)}
    value |= {"unfurl_links": False, "unfurl_media": False}
    if "url" in config:
        return post_json(config["url"], value, hosts=HOSTS, by_token=True)
    headers = {"Authorization": f"Bearer {config['token']}"}
    receipt = post_json(POST_MESSAGE, {**value, "channel": config["channel"]}, headers, by_token=True)
    return _judged(receipt)


def blocks(message: Message) -> list[dict[str, Any]]:
    """Headline, text, the list of incidents, a button to the page."""
    found: list[Block] = [HeaderBlock(text=_plain(words.headline(message), LONGEST_HEADER))]
    text = words.text(message)
    found += [SectionBlock(text=_plain(part, LONGEST_SECTION)) for part in ([text] if text else [])]
    if len(message.incidents) > 1:
        found += [SectionBlock(text=_plain(part, LONGEST_SECTION)) for part in _listed(message)]
    if message.url:
        found.append(
            ActionsBlock(elements=[ButtonElement(text="Open in costwatch", url=message.url, action_id="open")])
        )
    return [block.to_dict() for block in found]


def _listed(message: Message) -> list[str]:
    """Incidents line by line in texts that Slack takes; what does not fit is on the page."""
    parts, length = [""], 0
    for number, incident in enumerate(message.incidents):
        row = words.incident_line(incident) + "\n"
        length += len(_escaped(row))
        if length > LONGEST_LIST:
            parts.append(f"and {len(message.incidents) - number:,} more, on the page")
            break
        if len(_escaped(parts[-1] + row)) > LONGEST_SECTION:
            parts.append("")
        parts[-1] += row
    return parts


def _plain(text: str, most: int) -> PlainTextObject:
    while len(_escaped(text)) > most:
        text = text[: len(text) - max(1, (len(_escaped(text)) - most) // 5)]
    return PlainTextObject(text=_escaped(text), emoji=False)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _judged(receipt: Receipt) -> Receipt:
    """chat.postMessage says 200 whatever happened."""
    try:
        answer = json.loads(receipt.answer)
        well, error = bool(answer.get("ok")), str(answer.get("error", "no ok in the answer"))
    except (ValueError, AttributeError):  # a long answer is kept by its beginning, which says how it went
        well, error = receipt.answer.startswith('{"ok":true'), receipt.answer[:100]
    if well:
        return Receipt(receipt.status, "ok")
    raise Undeliverable(error, receipt.status, dead=error in BROKEN)
