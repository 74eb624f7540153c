"""Anomalies over the API: their facts in the list, and "expected", which teaches."""

import pytest
from django.utils import timezone

from costwatch.accounts.models import AuditEntry
from costwatch.alerts.incidents import Report, open_or_update
from costwatch.alerts.models import Kind, Severity
from costwatch.anomalies.models import Expected
from tests.api.conftest import caller

FACTS = {"detector": "spend", "dimension": "agent", "value": "triage", "bucket": "hour", "level": "30", "hours": [14],
         "actual_usd": "30", "expected_usd": "2", "impact_usd": "28"}  # fmt: skip


@pytest.fixture
def incident(workspace) -> int:
    report = Report(Kind.ANOMALY, "anomaly:spend:1", Severity.ALARM, "dear", "It is dear.", "triage", timezone.now(),
                    facts=FACTS)  # fmt: skip
    return open_or_update(workspace.pk, report, timezone.now())


def test_the_list_holds_expected_and_actual(client, incident):
    (told,) = client.get("/api/v1/incidents?kind=anomaly").json()["items"]
    assert (told["id"], told["subject"]) == (incident, "triage")
    assert told["facts"]["expected_usd"] == "2" and told["facts"]["impact_usd"] == "28"


def test_expected_is_remembered_once_and_audited(workspace, incident):
    admin = caller(workspace, "admin")
    for _ in range(2):
        assert (
            admin.post(f"/api/v1/incidents/{incident}/expected", content_type="application/json").json()["state"]
            == "expected"
        )
    row = Expected.objects.get()
    assert (row.value, str(row.level), row.hours) == ("triage", "37.500000000000", [13, 14, 15])
    assert AuditEntry.objects.filter(action="anomalies.taught").count() == 1
