"""Environment variables: what an operator may write, and what stops the start."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch import env

pytestmark = pytest.mark.thorough
NAME = "COSTWATCH_OF_A_TEST"


@pytest.mark.parametrize(
    ("written", "on"),
    [("1", True), ("true", True), ("TRUE", True), ("Yes", True), ("on", True), (" 1 ", True), ("0", False),
     ("false", False), ("No", False), ("OFF", False), ("", False), ("  ", False)],
)  # fmt: skip
def test_a_flag_may_be_written_in_the_usual_ways(monkeypatch, written, on):
    monkeypatch.setenv(NAME, written)
    assert env.flag(NAME, not on) is on


@pytest.mark.parametrize("default", [True, False])
def test_a_flag_that_is_not_set_is_what_it_is_by_default(monkeypatch, default):
    monkeypatch.delenv(NAME, raising=False)
    assert env.flag(NAME, default) is default


@pytest.mark.parametrize("written", ["2", "y", "truth", "enabled", "1.0", "-1"])
def test_no_other_word_is_taken_for_a_flag(monkeypatch, written):
    monkeypatch.setenv(NAME, written)
    with pytest.raises(env.BadSetting, match=f"{NAME}='{written}': write 1 or 0"):
        env.flag(NAME, False)


@pytest.mark.parametrize(("written", "number"), [("0", 0), ("42", 42), (" 7 ", 7), ("-3", -3), ("1_000", 1000)])
def test_a_number_is_read_with_blanks_around_it(monkeypatch, written, number):
    monkeypatch.setenv(NAME, written)
    assert env.integer(NAME, 9) == number


@pytest.mark.parametrize("written", ["ten", "1.5", "1e3", "0x10", "1,000"])
def test_a_number_must_be_whole(monkeypatch, written):
    monkeypatch.setenv(NAME, written)
    with pytest.raises(env.BadSetting, match=f"{NAME}='{written}': write a whole number"):
        env.integer(NAME, 9)


@given(st.lists(st.text("abc.*-0/:", min_size=1, max_size=8), max_size=6))
def test_a_list_is_what_stands_between_commas(parts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(NAME, " , ".join(parts) + ",")
        assert env.words(NAME, "other") == parts


def test_a_list_that_is_set_to_nothing_is_empty_and_not_the_default(monkeypatch):
    monkeypatch.setenv(NAME, " , ,")
    assert env.words(NAME, "*") == []
    monkeypatch.delenv(NAME)
    assert env.words(NAME, "*") == ["*"]


@pytest.mark.parametrize(
    ("variables", "user", "folder"),
    [
        ({"COSTWATCH_DATA_DIR": "/srv/costs"}, 1000, "/srv/costs"),
        ({"COSTWATCH_DATA_DIR": "/srv/costs", "XDG_DATA_HOME": "/data"}, 0, "/srv/costs"),
        ({"COSTWATCH_DATA_DIR": "~/costs", "HOME": "/home/ann"}, 1000, "/home/ann/costs"),
        ({"COSTWATCH_DATA_DIR": "", "HOME": "/home/ann"}, 1000, "/home/ann/.local/share/costwatch"),
        ({"HOME": "/home/ann"}, 1000, "/home/ann/.local/share/costwatch"),
        ({"HOME": "/home/ann", "XDG_DATA_HOME": "/home/ann/data"}, 1000, "/home/ann/data/costwatch"),
        ({"HOME": "/home/ann"}, 0, "/var/lib/costwatch"),
        ({"HOME": "/home/ann", "XDG_DATA_HOME": "/home/ann/data"}, 0, "/var/lib/costwatch"),
    ],
)
def test_an_installation_lives_where_it_is_told_or_in_the_usual_place(monkeypatch, variables, user, folder):
    for name in ("COSTWATCH_DATA_DIR", "XDG_DATA_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert env.default_data_dir() == Path(folder)
