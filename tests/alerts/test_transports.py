"""What all kinds of channel have in common: a transport each, and a pause that the other side may ask for."""

import pytest

from costwatch.alerts.models import Channel
from costwatch.alerts.transports import MODULES, transport
from costwatch.alerts.transports.parts import retry_after


def test_every_kind_has_its_transport():
    assert set(MODULES) == set(Channel.Kind.values)
    for kind in MODULES:
        assert transport(kind).FIELDS and transport(kind).LABEL


@pytest.mark.parametrize("headers,seconds", [
    ({"Retry-After": "120"}, 120), ({"retry-after": "0"}, 0), ({"Retry-After": "soon"}, None), ({}, None),
    ({"Retry-After": "-5"}, None),
])  # fmt: skip
def test_retry_after_is_read(headers, seconds):
    assert retry_after(headers) == seconds


def test_retry_after_may_be_a_date():
    assert retry_after({"Retry-After": "Wed, 18 Nov 2026 13:32:00 GMT"}) < 0
