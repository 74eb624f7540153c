"""Mail servers that take some addresses and refuse others, and pictures as they stand in a mail."""

import smtplib
from io import BytesIO

import pytest
from aiosmtpd.smtp import AuthResult
from PIL import Image

from costwatch.alerts import channels, deliver
from costwatch.alerts.message import Message
from costwatch.alerts.models import Delivery
from costwatch.alerts.transports import email
from costwatch.alerts.transports.picture import BAD, CALM, HEIGHT, SCALE, WIDTH, picture
from costwatch.lib import mail
from tests.alerts.conftest import INCIDENT, MESSAGE
from tests.alerts.mail_sink import mail_sink
from tests.alerts.test_email import parts

pytestmark = pytest.mark.thorough
TO = ["a@l.example", "b@l.example"]


@pytest.fixture
def tried(workspace, local, opened):
    """One attempt to mail an incident to TO over a server: the delivery and its channel."""

    def send(sink):
        local.SMTP_URL = sink.url
        channel, _ = channels.create(workspace, {"kind": "email", "name": "m", "to": TO})
        opened()
        deliver.send_all()
        channel.refresh_from_db()
        return Delivery.objects.get(channel=channel, type="incident.opened"), channel

    return send


@pytest.mark.django_db
@pytest.mark.parametrize(("answers", "state", "said", "off"), [
    ({}, "sent", "taken", False),
    ({TO[1]: "550 no such user"}, "sent", "taken, but not for b@l.example: 550 no such user", False),
    ({TO[1]: "450 greylisted"}, "sent", "taken, but not for b@l.example: 450 greylisted", False),
    ({TO[0]: "450 later", TO[1]: "550 no such user"}, "waiting", "450 later", False),
    ({TO[0]: "550 no such user", TO[1]: "451 later"}, "waiting", "451 later", False),
    ({TO[0]: "550 no such user", TO[1]: "551 gone"}, "failed", "550 no such user", True),
    ({TO[0]: "421 busy", TO[1]: "421 busy"}, "waiting", "421 busy", False),
])  # fmt: skip
def test_a_mail_is_sent_if_one_address_takes_it_and_hopeless_if_all_refuse_for_good(tried, answers, state, said, off):
    with mail_sink(by_name=answers) as sink:
        delivery, channel = tried(sink)
    assert (delivery.state, delivery.answer, bool(channel.disabled_at)) == (state, said, off)


@pytest.mark.django_db
def test_the_login_of_the_installation_is_the_operators_matter_and_ends_no_channel(tried):
    def refuse(*_):
        return AuthResult(success=False, handled=False)

    with mail_sink(authenticator=refuse) as sink:
        sink_url = f"smtp://costwatch:wrong@127.0.0.1:{sink.port}"
        with pytest.raises(mail.Failed) as problem:
            mail.post(mail.server(sink_url), email.compose(MESSAGE, TO), TO)
    assert "refused the login" in str(problem.value) and "wrong" not in str(problem.value)
    assert not problem.value.refused and not problem.value.for_good


@pytest.mark.django_db
def test_a_login_that_fits_is_used(local):
    seen = []

    def let_in(server, session, envelope, mechanism, data):
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    with mail_sink(authenticator=let_in) as sink:
        said = mail.post(mail.server(f"smtp://c%40l:p%3Aw@127.0.0.1:{sink.port}"), email.compose(MESSAGE, TO), TO)
    assert (said, seen, len(sink.got)) == ("taken", [(b"c@l", b"p:w")], 1)


def test_a_server_without_tls_gets_nothing_where_tls_was_asked_for():
    with mail_sink() as sink, pytest.raises(mail.Failed):
        mail.post(mail.server(sink.url.replace("smtp:", "smtp+tls:")), email.compose(MESSAGE, TO), TO)
    assert sink.got == []


def test_the_farewell_of_a_server_does_not_matter(monkeypatch):
    def rude(_):
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(smtplib.SMTP, "quit", rude)
    with mail_sink() as sink:
        assert mail.post(mail.server(sink.url), email.compose(MESSAGE, TO), TO) == "taken"


def test_letters_of_all_alphabets_arrive_as_they_were_written(settings):
    settings.MAIL_FROM = "costwatch <alerts@l.example>"
    incident = {**INCIDENT, "title": "Müller & Söhne: 予算 80 %", "message": "Затраты: 12 €.", "subject": "Ω"}
    with mail_sink() as sink:
        made = email.compose(Message("u", MESSAGE.type, "Lärk", [incident], {}, ""), TO)
        mail.post(mail.server(sink.url), made, TO)
    (got,) = sink.got
    assert got["Subject"] == "Critical: Müller & Söhne: 予算 80 %"
    found = parts(got)
    assert "Затраты: 12 €." in found["text/plain"].get_content()
    assert "Müller &amp; Söhne" in found["text/html"].get_content()


def pixels(facts):
    image = Image.open(BytesIO(picture({"facts": facts}))).convert("RGB")
    assert image.size == (WIDTH * SCALE, HEIGHT * SCALE)
    return image


def rgb(colour):
    return tuple(int(colour[n : n + 2], 16) for n in (1, 3, 5))


def width_of(image, colour, row):
    return sum(image.getpixel((x, row)) == rgb(colour) for x in range(image.width))


@pytest.mark.parametrize(("spent", "colour"), [("0", None), ("30", CALM), ("59.99", CALM), ("60", BAD), ("90", BAD)])
def test_what_is_spent_is_a_bar_that_turns_red_at_the_limit(spent, colour):
    image = pixels({"limit_usd": "60", "spent_usd": spent})
    lengths = {name: width_of(image, name, 68 * SCALE) for name in (CALM, BAD)}
    for name, length in lengths.items():
        assert (length > 2 * SCALE) is (name == colour)


def test_the_bar_is_as_long_as_its_share():
    half, whole = (width_of(pixels({"limit_usd": "60", "spent_usd": usd}), CALM, 68 * SCALE) for usd in ("25", "50"))
    assert half * 2 == pytest.approx(whole, abs=3 * SCALE)


def test_the_last_of_a_row_of_bars_is_the_one_that_is_told_of():
    rows = [[f"2026-11-18T{n:02}:00:00Z", "2", "2"] for n in range(11)] + [["2026-11-18T11:00:00Z", "30", "2"]]
    image = pixels({"series": rows})
    middle = (HEIGHT - 30) * SCALE
    red = [x for x in range(image.width) if image.getpixel((x, middle)) == rgb(BAD)]
    assert red and min(red) > image.width * 0.85
    assert width_of(image, CALM, middle) == 0  # the others are low
    assert width_of(image, CALM, (HEIGHT - 15) * SCALE) > image.width / 2


@pytest.mark.parametrize("facts", [
    {"series": [["x", "1", "1"]]}, {"series": [["x"], ["y"]]}, {"series": [["x", "a", "b"], ["y", "c", "d"]]},
    {"limit_usd": "x", "spent_usd": "1"}, {"limit_usd": "-5", "spent_usd": "1"}, {"limit_usd": "5", "spent_usd": "-1"},
    {"limit_usd": "5"}, {"spent_usd": "5"}, {"series": 7, "limit_usd": "5"}, None,
])  # fmt: skip
def test_facts_that_make_no_picture_make_none(facts):
    assert picture({"facts": facts}) is None


def test_what_was_taken_back_in_an_hour_is_a_picture_too():
    assert pixels({"series": [["x", "-3", ""], ["y", "0", "0"], ["z", "0", ""]]})
    assert pixels({"limit_usd": "60", "spent_usd": "600", "crossings": [{"threshold": n * 50} for n in range(1, 40)]})
