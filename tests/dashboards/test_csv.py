"""CSV that spreadsheets read as it is meant."""

import csv
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards.csv import FORMULA, cell, csv_answer, csv_text


@pytest.mark.parametrize(
    ("value", "text"),
    [("triage", "triage"), ("=1+1", "'=1+1"), ("+49", "'+49"), ("-x", "'-x"), ("@SUM(A1)", "'@SUM(A1)"),
     ("  =1", "'  =1"), ("\t=1", "'\t=1"), ("\uff1d1", "'\uff1d1"), ("a=1", "a=1"), ("", ""), (None, ""),
     (Decimal("-1.5"), "-1.5"), (Decimal("1E-12"), "0.000000000001"), (-3, "-3"), (0, "0")],
)  # fmt: skip
def test_no_text_becomes_a_formula_and_numbers_stay_numbers(value, text):
    assert cell(value) == text


@given(st.text())
def test_whatever_a_sender_chose_never_starts_like_a_formula(text):
    assert not cell(text).lstrip().startswith(FORMULA)


@given(
    st.lists(
        st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")), min_size=2, max_size=2)
    )
)
def test_rows_read_back_as_they_were(rows):
    read = list(csv.reader(StringIO(csv_text(rows), newline="")))
    assert read == [[cell(value) for value in row] for row in rows]


def test_lines_end_as_rfc_4180_wants_and_quotes_are_doubled():
    assert csv_text([['a"b', "c,d"]]) == '"a""b","c,d"\r\n'


def test_the_answer_is_a_download():
    answer = csv_answer([["ü"]], "spend.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="spend.csv"'
    assert answer.content == "ü\r\n".encode()
