"""Which stops cover whom, in memory."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.alerts.scopes import Book, Standing

NOW = datetime(2026, 11, 18, tzinfo=UTC)


def stop(number: int, until: datetime | None = None, **scope: str | list[str]) -> Standing:
    wanted = {name.replace("_", "."): frozenset([v] if isinstance(v, str) else v) for name, v in scope.items()}
    return Standing(number, wanted, "kill", "Stop.", None, until)


def numbers(book: Book, **values: str) -> list[int]:
    return [one.number for one in book.covering({n.replace("_", "."): v for n, v in values.items()}, NOW)]


def test_a_stop_covers_those_who_fit_in_every_dimension():
    book = Book([stop(1, agent="a"), stop(2, agent="a", user=["u", "v"]), stop(3, tag_customer="acme")])
    assert numbers(book, agent="a") == [1]
    assert numbers(book, agent="a", user="v", run="r") == [1, 2]
    assert numbers(book, agent="b", user="u", tag_customer="acme") == [3]
    assert numbers(book) == []


def test_one_without_a_scope_covers_everybody():
    assert numbers(Book([stop(1)]), agent="whoever") == numbers(Book([stop(1)])) == [1]


def test_an_empty_value_means_not_attributed():
    book = Book([stop(1, user="", agent="a")])
    assert numbers(book, agent="a") == [1]
    assert numbers(book, agent="a", user="u") == []


def test_it_ends_by_itself():
    book = Book([stop(1, NOW, agent="a"), stop(2, NOW + timedelta(microseconds=1), agent="a")])
    assert numbers(book, agent="a") == [2]


def test_a_changed_stop_is_known_as_it_is_now_and_a_dropped_one_not_at_all():
    book = Book([stop(1, agent=["a", "b"]), stop(2, agent="a")])
    book.put(stop(1, agent=["b", "c"]))
    assert (numbers(book, agent="a"), numbers(book, agent="b"), numbers(book, agent="c")) == ([2], [1], [1])
    book.put(stop(1, user="u"))
    assert (numbers(book, agent="b"), numbers(book, user="u")) == ([], [1])
    book.drop(1)
    book.drop(1)
    book.drop(2)
    assert (len(book), book.dimensions) == (0, [])


VALUES = st.dictionaries(st.sampled_from(["agent", "user", "run", "tag.x", "model"]), st.sampled_from("abc"))
SCOPES = st.dictionaries(
    st.sampled_from(["agent", "user", "run", "tag.x", "model"]),
    st.frozensets(st.sampled_from(["a", "b", ""]), min_size=1),
)


@given(st.lists(st.tuples(st.integers(1, 5), st.none() | SCOPES), max_size=12), VALUES)
def test_it_answers_as_a_look_at_every_stop_would(changes, values):
    book, plain = Book(), {}
    for number, scope in changes:
        if scope is None:
            book.drop(number)
            plain.pop(number, None)
        else:
            plain[number] = Standing(number, scope, "kill", "", None, None)
            book.put(plain[number])
    assert len(book) == len(plain)
    expected = sorted(number for number, one in plain.items() if one.covers(values))
    assert [one.number for one in book.covering(values, NOW)] == expected


@pytest.mark.parametrize("scope", [{"user": "u7"}, {"agent": "a", "user": "u7"}, {"agent": "a", "tag_customer": "u7"}])
def test_ten_thousand_stops_do_not_stand_in_each_others_way(scope):
    name = next(name for name, value in scope.items() if value == "u7")
    book = Book([stop(number, **{**scope, name: f"u{number}"}) for number in range(10_000)])
    assert numbers(book, **scope) == [7]
    (dimension,) = book.dimensions
    assert len(book.filed(dimension, "u7")) == 1
