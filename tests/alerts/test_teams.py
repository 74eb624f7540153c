"""What Teams gets: a card of plain runs."""

import json
from dataclasses import replace

from costwatch.alerts import channels, deliver
from costwatch.alerts.models import Delivery
from costwatch.alerts.transports import teams
from tests.alerts.conftest import HOSTILE, MESSAGE, of
from tests.alerts.sinks import answer


def test_teams_gets_a_card_of_plain_runs():
    card = teams.card(replace(MESSAGE, incidents=[HOSTILE]))
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert HOSTILE["title"] in runs[0]["text"]
    assert card["actions"][0]["url"] == MESSAGE.url
    assert len(json.dumps(teams.card(of(*range(500))))) < 27_000


def test_teams_is_sent_a_message_with_the_card(workspace, sink, opened):
    behind = sink(answer(202, ""))
    channels.create(workspace, {"kind": "teams", "name": "t", "url": behind.url})
    opened()
    deliver.send_all()
    (attachment,) = behind.got[0].json["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert Delivery.objects.get().state == "sent"
