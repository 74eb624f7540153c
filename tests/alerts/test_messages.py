"""The words of a message, whatever is in it; and what every kind of channel makes of every type of message."""

import json
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.alerts import channels, deliver, incidents, message, queue
from costwatch.alerts.message import Message, headline, incident_line, line, money, text
from costwatch.alerts.models import Delivery, Severity
from costwatch.alerts.transports import apprise, email, pagerduty, slack, teams
from tests.alerts.conftest import INCIDENT, MESSAGE, NOW, later, of
from tests.alerts.mail_sink import mail_sink
from tests.alerts.sinks import answer
from tests.alerts.test_email import parts

pytestmark = pytest.mark.thorough
DIGEST = {"title": "Week 47: $12.50", "text": "You spent $12.50.\nThat is $2 more.",
          "html": "<p>You <b>spent</b> $12.50.</p>", "url": "https://costwatch.example.org/digests/47"}  # fmt: skip
OWN = {"webhook": {}, "slack": {}, "teams": {}, "pagerduty": {"routing_key": "a" * 32}, "apprise": {}}
anything = st.text(st.characters(), max_size=400)
storable = st.text(st.characters(codec="utf-8"), max_size=400)  # PostgreSQL holds no half of a surrogate pair


@given(anything, st.integers(1, 80))
def test_a_line_is_one_line_without_signs_that_are_not_seen(said, most):
    made = line(said, most)
    assert len(made) <= most
    assert made == made.strip()
    assert "  " not in made
    assert not [c for c in made if unicodedata.category(c)[0] == "C" or c in "\n\r\t\u2028\u2029"]


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=100))
def test_a_short_line_of_plain_signs_is_left_as_it_is(said):
    assert line(said) == said


@pytest.mark.parametrize(("said", "made"), [
    ("a\r\nb", "a b"), ("a\0b", "ab"), ("\u202eevil", "evil"), ("a\u200bb", "ab"), ("\ufeffa", "a"),
    ("  a   b ", "a b"),
    (None, "None"), (7, "7"), ("a" * 201, "a" * 199 + "…"), ("a" * 200, "a" * 200), ("a " * 101, "a " * 99 + "a…"),
    ("\ud800x", "x"),
])  # fmt: skip
def test_lines_end_nowhere_but_at_their_end(said, made):
    assert line(said) == made


@pytest.mark.parametrize(("amount", "told"), [
    (None, ""), ("0", "$0.00"), ("0.000000000000", "$0.00"), ("7.95", "$7.95"), ("7.955", "$7.96"), ("0.01", "$0.01"),
    ("0.0099", "$0.0099"), ("0.000123456", "$0.000123"), ("1234567.891", "$1,234,567.89"),
])  # fmt: skip
def test_money_in_a_line_is_dollars_and_below_a_cent_three_digits(amount, told):
    assert money(amount) == told


@pytest.mark.parametrize(("values", "told"), [
    ({}, "#412 critical, $48.10: Support: 80 % of $60.00 spent"),
    ({"amount_usd": None, "state": "resolved"}, "#412 critical, resolved: Support: 80 % of $60.00 spent"),
    ({"severity": "alarm", "title": "x\ny"}, "#412 alarm, $48.10: x y"),
])  # fmt: skip
def test_an_incident_in_a_list_is_a_line_with_number_severity_state_and_stake(values, told):
    assert incident_line({**INCIDENT, **values}) == told


@pytest.mark.parametrize(("made", "said", "more"), [
    (MESSAGE, "Critical: Support: 80 % of $60.00 spent", "Support has spent $48.10 of $60.00."),
    (replace(MESSAGE, type="incident.resolved"), "Over: Support: 80 % of $60.00 spent", INCIDENT["message"]),
    (of(1, 2), "2 incidents in Larkfield", ""),
    (of(1, 2, type="incident.resolved"), "2 incidents are over in Larkfield", ""),
    (of(1, 2, type="incident.acknowledged"), "2 incidents acknowledged in Larkfield", ""),
    (of(*range(1_200)), "1,200 incidents in Larkfield", ""),
    (of(type="test"), "Test message of Larkfield", "This channel works: messages about incidents will arrive here."),
    (of(type="digest", body={"digest": DIGEST}), "Week 47: $12.50", DIGEST["text"]),
    (of(type="digest", body={"digest": {"title": "t\nt"}}), "t t", ""),
])  # fmt: skip
def test_each_type_of_message_has_its_headline_and_text(made, said, more):
    assert (headline(made), text(made)) == (said, more)


def test_a_long_title_keeps_its_number_in_the_subject_and_in_a_list():
    long = {**INCIDENT, "title": f"{'Support of the north ' * 10}: 80 % of $60.00 spent"}
    assert headline(replace(MESSAGE, incidents=[long])).endswith(": 80 % of $60.00 spent")
    assert incident_line(long).startswith("#412 critical, $48.10: Support of the north")
    assert incident_line(long).endswith(": 80 % of $60.00 spent")


@pytest.mark.parametrize(("severities", "worst"), [
    ([], "notice"), (["notice"], "notice"), (["alarm", "notice"], "alarm"),
    (["alarm", "critical", "notice"], "critical"),
])  # fmt: skip
def test_a_message_is_as_severe_as_the_worst_in_it(severities, worst):
    assert replace(MESSAGE, incidents=[{"severity": one} for one in severities]).severity == worst


@given(storable, storable, storable)
def test_whatever_senders_wrote_every_kind_makes_a_message_of_it(title, said, name):
    incident = {**INCIDENT, "title": title, "message": said, "subject": name, "run_id": name}
    for made in (replace(MESSAGE, incidents=[incident], workspace=name), replace(MESSAGE, incidents=[incident] * 7)):
        blocks = slack.blocks(made)
        texts = [block["text"]["text"] for block in blocks if "text" in block]
        assert all(texts) and not any(sign in one for one in texts for sign in "<>")
        assert len(json.dumps(teams.card(made))) < 28_000
        assert all(event["event_action"] == "trigger" for event in pagerduty.events(made))
        mail = email.compose(made, ["a@l.example"])
        assert "\n" not in str(mail["Subject"]) and mail["Bcc"] is None
        assert len(apprise._body(made)) <= 4_100


@pytest.fixture
def over(workspace, sink):
    """A channel of each kind that speaks HTTP: kind → its sink."""
    made = {}
    for kind in OWN:
        made[kind] = sink(answer(202, '{"ok":true}'))
        url = made[kind].url.replace("http://", "json://") if kind == "apprise" else made[kind].url
        channels.create(workspace, {"kind": kind, "name": kind, "url": url, **OWN[kind]})
    return made


@pytest.mark.django_db
def test_a_digest_arrives_over_every_kind_with_its_title_text_and_link(workspace, over):
    for channel in channels.of(workspace):
        assert queue.enqueue_digest(channel, DIGEST, "2026-47")
    assert deliver.send_all() == 5
    body = over["webhook"].got[0].json
    assert (body["type"], body["workspace"], body["incidents"], body["digest"]) == ("digest", "Larkfield", [], DIGEST)
    header, section, actions = over["slack"].got[0].json["blocks"]
    assert (header["text"]["text"], section["text"]["text"]) == (DIGEST["title"], DIGEST["text"])
    assert actions["elements"][0]["url"] == DIGEST["url"]
    card = over["teams"].got[0].json["attachments"][0]["content"]
    assert [block["inlines"][0]["text"] for block in card["body"]] == [DIGEST["title"], *DIGEST["text"].splitlines()]
    assert card["actions"][0]["url"] == DIGEST["url"]
    trigger, resolve = (got.json for got in over["pagerduty"].got)
    assert (trigger["payload"]["summary"], trigger["payload"]["severity"]) == (DIGEST["title"], "warning")
    assert (resolve["event_action"], resolve["dedup_key"]) == ("resolve", trigger["dedup_key"])
    told = over["apprise"].got[0].json
    assert (told["title"], told["message"], told["type"]) == (
        DIGEST["title"],
        f"{DIGEST['text']}\n\n{DIGEST['url']}",
        "info",
    )


@pytest.mark.django_db
def test_a_test_message_arrives_over_every_kind(workspace, over):
    for channel in channels.of(workspace):
        assert deliver.test(channel).status == 202
    assert over["webhook"].got[0].json["type"] == "test"
    assert over["slack"].got[0].json["text"] == over["apprise"].got[0].json["title"] == "Test message of Larkfield"
    assert over["slack"].got[0].json["blocks"][-1]["elements"][0]["url"].endswith("/settings/channels")
    assert [got.json["event_action"] for got in over["pagerduty"].got] == ["trigger", "resolve"]
    assert list(Delivery.objects.values_list("type", "state").distinct()) == [("test", "sent")]


@pytest.mark.django_db
def test_an_incident_and_its_end_arrive_over_every_kind_in_its_colour(over, opened):
    incident = opened(severity=Severity.CRITICAL, title="triage loops", message="It loops & loops.")
    deliver.send_all()
    incidents.settle(incident, NOW, "over")
    later(10)
    deliver.send_all()
    first, last = (got.json for got in over["apprise"].got)
    assert [(one["title"], one["type"]) for one in (first, last)] == [
        ("Critical: triage loops", "failure"), ("Over: triage loops", "success")]  # fmt: skip
    assert first["message"] == f"It loops & loops.\n\nhttps://costwatch.example.org/incidents/{incident.pk}"
    assert [got.json["text"] for got in over["slack"].got] == ["Critical: triage loops", "Over: triage loops"]
    assert [got.json["event_action"] for got in over["pagerduty"].got] == ["trigger", "resolve"]
    assert [got.json["type"] for got in over["webhook"].got] == ["incident.opened", "incident.resolved"]
    cards = [got.json["attachments"][0]["content"]["body"][0]["inlines"][0]["text"] for got in over["teams"].got]
    assert cards == ["Critical: triage loops", "Over: triage loops"]


@pytest.mark.django_db
def test_without_an_address_of_our_own_messages_have_no_links(over, opened, settings):
    settings.PUBLIC_URL = ""
    opened(title="t", message="m")
    deliver.send_all()
    assert [block["type"] for block in over["slack"].got[0].json["blocks"]] == ["header", "section"]
    assert over["teams"].got[0].json["attachments"][0]["content"]["actions"] == []
    assert over["apprise"].got[0].json["message"] == "m"


@pytest.mark.django_db
def test_several_incidents_are_a_list_everywhere_but_one_event_each_for_pagerduty(over, opened):
    made = [opened(key, title=f"loop {key}") for key in "abc"]
    deliver.send_all()
    rows = [f"#{one.pk} alarm: loop {key}" for one, key in zip(made, "abc", strict=True)]
    assert over["slack"].got[0].json["blocks"][1]["text"]["text"].splitlines() == rows
    body = over["teams"].got[0].json["attachments"][0]["content"]["body"]
    assert [block["inlines"][0]["text"] for block in body] == ["3 incidents in Larkfield", *rows]
    assert over["apprise"].got[0].json["message"].startswith("\n".join(rows))
    assert [got.json["payload"]["summary"] for got in over["pagerduty"].got] == ["loop a", "loop b", "loop c"]
    assert [told["title"] for told in over["webhook"].got[0].json["incidents"]] == ["loop a", "loop b", "loop c"]


@pytest.mark.django_db
def test_a_digest_by_mail_has_its_own_html_and_both_links_lead_to_it(workspace, local):
    with mail_sink() as sink:
        local.SMTP_URL = sink.url
        channel, _ = channels.create(workspace, {"kind": "email", "name": "m", "to": "a@l.example"})
        queue.enqueue_digest(channel, DIGEST, "2026-47")
        deliver.send_all()
    (mail,) = sink.got
    found = parts(mail)
    assert (mail["Subject"], mail["Auto-Submitted"], mail["To"]) == (DIGEST["title"], "auto-generated", "a@l.example")
    assert DIGEST["html"] in found["text/html"].get_content()
    assert DIGEST["text"] in found["text/plain"].get_content().replace("\r\n", "\n")
    for part in ("text/html", "text/plain"):
        assert DIGEST["url"] in found[part].get_content()
    assert "image/png" not in found


def test_of_many_incidents_teams_takes_a_hundred_lines_and_says_how_many_are_left():
    rows = [block["inlines"][0]["text"] for block in teams.card(of(*range(140)))["body"]]
    assert (len(rows), rows[-1]) == (102, "and 40 more, on the page")
    long = replace(MESSAGE, incidents=[{**INCIDENT, "title": "x" * 190}] * 140)
    rows = [block["inlines"][0]["text"] for block in teams.card(long)["body"]]
    assert rows[-1] == f"and {140 - (len(rows) - 2)} more, on the page"
    assert sum(map(len, rows)) < 17_000


def test_an_incident_that_is_over_by_now_ends_for_pagerduty_with_those_that_begin():
    both = [{**INCIDENT, "run_id": None, "id": 1, "state": "resolved"}, {**INCIDENT, "run_id": None, "id": 2}]
    made = replace(MESSAGE, incidents=both)
    assert [(e["event_action"], e["dedup_key"]) for e in pagerduty.events(made)] == [
        ("resolve", "costwatch-incident-1"), ("trigger", "costwatch-incident-2")]  # fmt: skip


@pytest.mark.parametrize(("count", "events"), [(1, 1), (5, 5), (6, 1), (200, 1)])
def test_more_than_five_at_once_are_one_alert_that_lists_them(count, events):
    several = [{**INCIDENT, "id": n, "run_id": None} for n in range(count)]
    made = pagerduty.events(replace(MESSAGE, incidents=several))
    assert len(made) == events
    if events == 1 < count:
        details = made[0]["payload"]["custom_details"]
        assert [*details] == [f"#{n}" for n in range(count)]
        assert made[0]["payload"]["summary"] == f"{count} incidents in Larkfield"


def test_the_words_for_severities_are_those_of_the_product():
    assert [str(level) for level in Severity] == list(message.SEVERITIES) == list(pagerduty.SEVERITIES)[::-1]
    assert isinstance(MESSAGE, Message)
