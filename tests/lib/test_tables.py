"""Files that are read as they were meant: no formula in a CSV, no digit lost, and never all rows in memory."""

import csv
import json
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO, StringIO

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.lib.tables import COUNT, FLAG, FORMULA, MONEY, ROW_GROUP, TIME, Column, cell, csv_text, value_of, written

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("value", "text"),
    [("triage", "triage"), ("=1+1", "'=1+1"), ("+49", "'+49"), ("-x", "'-x"), ("@SUM(A1)", "'@SUM(A1)"),
     ("  =1", "'  =1"), ("\t=1", "'\t=1"), ("\uff1d1", "'\uff1d1"), ("a=1", "a=1"), ("", ""), (None, ""),
     ("\r\n=1", "'\r\n=1"), (True, "true"), (datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01T00:00:00Z"),
     (Decimal("-1.5"), "-1.5"), (Decimal("1E-12"), "0.000000000001"), (-3, "-3"), (0, "0")],
)  # fmt: skip
def test_no_text_becomes_a_formula_and_numbers_stay_numbers(value, text):
    assert cell(value) == text


@given(st.text())
def test_whatever_a_sender_chose_never_starts_like_a_formula(text):
    assert not cell(text).lstrip().startswith(tuple(FORMULA))


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


COLUMNS = [Column("name"), Column("calls", COUNT), Column("cost_usd", MONEY), Column("at", TIME), Column("batch", FLAG)]
AT = datetime(2026, 11, 1, 12, 30, 0, 5, tzinfo=UTC)
ROWS = [["triage", 3, Decimal("12345678901234567890.000000000001"), AT, True], ["=1+1", 0, None, None, False],
        [None, None, Decimal("-0.000000000001"), AT, None]]  # fmt: skip


def whole(kind: str, rows=ROWS) -> bytes:
    return b"".join(written(kind, COLUMNS, [rows[:1], rows[1:]]))


def test_csv_has_a_heading_and_every_digit():
    assert whole("csv").decode().splitlines() == [
        "name,calls,cost_usd,at,batch",
        "triage,3,12345678901234567890.000000000001,2026-11-01T12:30:00.000005Z,true",
        "'=1+1,0,,,false",
        ",,-0.000000000001,2026-11-01T12:30:00.000005Z,",
    ]


def test_ndjson_is_one_object_a_line_with_money_as_text():
    lines = [json.loads(line) for line in whole("ndjson").splitlines()]
    assert lines[0] == {"name": "triage", "calls": 3, "cost_usd": "12345678901234567890.000000000001",
                        "at": "2026-11-01T12:30:00.000005Z", "batch": True}  # fmt: skip
    assert lines[1]["name"] == "=1+1", "no spreadsheet reads this: text stays as it is"
    assert lines[2]["name"] is None


def test_parquet_keeps_types_and_exact_decimals():
    read = pq.read_table(BytesIO(whole("parquet")))
    assert str(read.schema.field("cost_usd").type) == "decimal128(38, 12)"
    assert str(read.schema.field("at").type) == "timestamp[us, tz=UTC]"
    assert [list(row.values()) for row in read.to_pylist()] == ROWS


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_without_rows_a_file_is_valid_and_empty(kind):
    content = b"".join(written(kind, COLUMNS, []))
    if kind == "parquet":
        assert pq.read_table(BytesIO(content)).num_rows == 0
    else:
        assert content.decode().splitlines() == (["name,calls,cost_usd,at,batch"] if kind == "csv" else [])


def endless(asked: list[int], rows: int):
    for number in range(rows // 500):
        asked.append(number)
        yield [[f"name-{number}-{n}", n, Decimal(n), AT, True] for n in range(500)]


@pytest.mark.parametrize(("kind", "ahead"), [("csv", 1), ("ndjson", 1), ("parquet", ROW_GROUP // 500)])
def test_no_more_is_read_than_the_next_piece_needs(kind, ahead):
    asked: list[int] = []
    pieces = written(kind, COLUMNS, endless(asked, 10**9))
    first = next(pieces)
    assert first or kind == "parquet"
    assert len(asked) <= ahead
    for _ in range(3):
        next(pieces)
    assert len(asked) <= 4 * ahead


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_ten_times_the_rows_take_no_more_memory(kind):
    def peak(rows: int) -> int:
        tracemalloc.start()
        for _ in written(kind, COLUMNS, endless([], rows)):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1_000)  # what is loaded once
    assert peak(ROW_GROUP * 4) < 1.5 * peak(ROW_GROUP) + 500_000


@given(st.text("=+-@ 'a\t\n", max_size=6))
def test_a_text_that_was_kept_from_being_run_is_found_again(text):
    assert value_of(cell(text)) == text or text.startswith("'")
