"""The address of the mail server, as an operator writes it in COSTWATCH_SMTP_URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.lib.mail import Failed, Server, server

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://mail.example", Server("smtp", "mail.example", 25)),
        ("smtp+tls://mail.example", Server("smtp+tls", "mail.example", 587)),
        ("smtps://mail.example", Server("smtps", "mail.example", 465)),
        ("smtp://mail.example:2525", Server("smtp", "mail.example", 2525)),
        ("SMTP://MAIL.example:25", Server("smtp", "mail.example", 25)),
        ("smtp://[2001:db8::1]:26", Server("smtp", "2001:db8::1", 26)),
        ("smtp+tls://ann:secret@mail.example", Server("smtp+tls", "mail.example", 587, "ann", "secret")),
        ("smtps://a%40b.example:p%3Aw%2F%25@m.example", Server("smtps", "m.example", 465, "a@b.example", "p:w/%")),
        ("smtp://ann@mail.example", Server("smtp", "mail.example", 25, "ann", "")),
    ],
)
def test_an_address_is_taken_apart(url, read):
    assert server(url) == read


@pytest.mark.parametrize(
    "url",
    ["", "mail.example", "mail.example:25", "http://mail.example", "smtp:", "smtp://", "smtp://:25", "smtp+starttls://m",
     "smtp://mail.example:port", "smtp://mail.example:99999", "smtp://[::1"],
)  # fmt: skip
def test_anything_else_is_refused(url):
    with pytest.raises(ValueError):
        server(url)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(url):
    try:
        found = server(url)
    except ValueError:
        return
    assert found.scheme in ("smtp", "smtp+tls", "smtps") and found.host and 0 < found.port < 65_536


@pytest.mark.parametrize(("code", "for_good"), [(0, False), (250, False), (421, False), (450, False), (499, False),
                                                (500, True), (550, True), (599, True), (600, False)])  # fmt: skip
def test_only_a_permanent_answer_ends_the_attempts(code, for_good):
    assert Failed("said", code).for_good is for_good
