"""Microsoft Teams: an adaptive card for the address of a workflow ("Post to a channel when a webhook is received")."""

from typing import Any

from costwatch.alerts import message as words
from costwatch.alerts.message import Message
from costwatch.alerts.transports.parts import Field, Receipt, checked_url, post_json

LABEL = "Microsoft Teams"
FIELDS = (
    Field(
        "url", "Workflow address", "of the workflow “Post to a channel when a webhook request is received”", secret=True
    ),
)
MOST_LINES, LONGEST_CARD = 100, 16_000  # Teams takes 28 KB


def check(config: dict[str, Any]) -> dict[str, Any]:
    """The address must be callable."""
    return {"url": checked_url(config["url"])}


def send(message: Message, config: dict[str, Any]) -> Receipt:
    """POST the card."""
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card(message)}
    return post_json(config["url"], {"type": "message", "attachments": [content]}, by_token=True)


def card(message: Message) -> dict[str, Any]:
    """Headline, text and list as runs of text, in which no mark-up of a name means anything."""
    body = [_run(words.headline(message), size="Large", weight="Bolder")]
    text = words.text(message)
    body += [_run(part) for part in text.splitlines()[:MOST_LINES] if part.strip()]
    if len(message.incidents) > 1:
        body += [_run(row) for row in _lines(message)]
    actions = [{"type": "Action.OpenUrl", "title": "Open in costwatch", "url": message.url}] if message.url else []
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
        "msteams": {"width": "Full"},
    }


def _run(text: str, **look: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}


def _lines(message: Message) -> list[str]:
    rows: list[str] = []
    for number, incident in enumerate(message.incidents):
        if number == MOST_LINES or sum(map(len, rows)) > LONGEST_CARD:
            return [*rows, f"and {len(message.incidents) - number:,} more, on the page"]
        rows.append(words.incident_line(incident))
    return rows
