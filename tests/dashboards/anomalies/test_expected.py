"""What was called expected, as the settings of anomalies list it and as a file."""

import csv
from io import StringIO

import pytest

from costwatch.anomalies.models import Expected
from tests.dashboards.page import body, row
from tests.ledger.make import NOW

pytestmark = pytest.mark.usefixtures("now")


def test_what_was_called_expected_is_a_file_in_the_words_of_the_page(client, stranger, workspace):
    assert "anomalies.csv" not in body(client, "/settings/anomalies")
    about = {"detector": "spend", "dimension": "agent", "taught_by": "ann", "taught_at": NOW}
    Expected.objects.create(workspace=workspace, value="=triage", level="12.5", hours=[3, 4], incident_id=7, **about)
    page = body(client, "/settings/anomalies")
    assert 'href="/settings/anomalies.csv"' in page
    (line,) = csv.DictReader(StringIO(body(client, "/settings/anomalies.csv")))
    shown = row(page, "Agent =triage")
    assert [line["who"], line["what"], line["how_much"], line["said_by"]] == shown[:4]
    assert line["how_much"] == "up to $12.50, at 3:00, 4:00"
    assert (line["since"], line["incident"]) == ("2026-11-18T13:32:07.123456Z", "7")
    assert len(body(stranger, "/settings/anomalies.csv").splitlines()) == 1
