"""CSV answers of pages are downloads. What is in them: tests/lib/test_tables.py."""

from costwatch.dashboards.csv import csv_answer


def test_the_answer_is_a_download():
    answer = csv_answer([["ü"]], "spend.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="spend.csv"'
    assert answer.content == "ü\r\n".encode()
