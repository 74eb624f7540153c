"""Secrets at rest: only the installation's own keys open them, each for one purpose."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.lib import sealed
from costwatch.lib.sealed import Unreadable, is_current, seal, unseal

pytestmark = pytest.mark.thorough
NEW, OLD, OLDER = "the newest key", "the key before", "the first key"
values = st.dictionaries(st.text(max_size=20), st.text() | st.integers() | st.none() | st.lists(st.text()), max_size=5)


@given(values, st.text(min_size=1), st.text(max_size=30))
def test_what_is_sealed_is_read_back_as_it_was(value, secret, purpose):
    assert unseal(seal(value, [secret], purpose), [secret], purpose) == value


@given(st.text(min_size=8, alphabet=st.characters(codec="ascii", categories=["L", "N"])))
def test_nothing_of_the_secret_can_be_read_in_what_is_stored(secret):
    text = seal({"token": secret}, [NEW], "channels")
    assert secret not in text and "token" not in text
    assert text.isascii() and text.isprintable(), "it fits into any text column"


def test_the_same_value_looks_different_each_time_it_is_sealed():
    assert len({seal({"token": "x"}, [NEW], "channels") for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("keys", "opens"),
    [
        ([OLD], True),
        ([NEW, OLD], True),
        ([NEW, OLDER, OLD], True),
        ([NEW], False),
        ([OLD + " "], False),
        ([OLD.upper()], False),
        ([""], False),
    ],
)
def test_any_of_the_keys_opens_it_and_no_other_one(keys, opens):
    text = seal({"a": 1}, [OLD], "channels")
    if opens:
        assert unseal(text, keys, "channels") == {"a": 1}
    else:
        with pytest.raises(Unreadable, match="another COSTWATCH_SECRET_KEY"):
            unseal(text, keys, "channels")


def test_what_is_sealed_for_one_purpose_is_not_opened_for_another():
    text = seal({"a": 1}, [NEW], "channels")
    for purpose in ("", "channel", "channels ", "links"):
        with pytest.raises(Unreadable):
            unseal(text, [NEW], purpose)


def test_the_first_key_seals_so_that_a_rotation_ends_when_all_is_sealed_anew():
    text = seal({"a": 1}, [OLD], "channels")
    assert is_current(text, [OLD, OLDER], "channels")
    assert not is_current(text, [NEW, OLD], "channels"), "the second key opens it, but it has to be sealed anew"
    again = seal(unseal(text, [NEW, OLD], "channels"), [NEW, OLD], "channels")
    assert is_current(again, [NEW, OLD], "channels")
    assert unseal(again, [NEW], "channels") == {"a": 1}, "now the old key may go"


@pytest.mark.parametrize("text", ["", "x", "gAAAA", "{}", json.dumps({"a": 1}), "é", "\0", "A" * 10_000])
def test_what_was_never_sealed_is_unreadable_and_no_fault(text):
    assert not is_current(text, [NEW], "channels")
    with pytest.raises(Unreadable):
        unseal(text, [NEW], "channels")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_single_changed_byte_is_found(place, change):
    text = bytearray(SEALED.encode())
    at = place % len(text)
    text[at] = (text[at] + change) % 256
    changed = text.decode("latin-1")
    try:
        assert unseal(changed, [NEW], "channels") == {"amount": "100"}, "the last letter has spare bits, and only it"
        # the standard alphabet of base64 is read too, and writes two letters in another way
        assert at >= len(text) - 4 or changed.translate(str.maketrans("+/", "-_")) == SEALED
    except Unreadable:
        pass


SEALED = sealed.seal({"amount": "100"}, [NEW], "channels")
