"""Sums of the calls with a session, and how many sessions begin in each part: against plain Python."""

from collections import defaultdict

import pytest

from costwatch.lib import periods
from costwatch.spend import session_sums as module
from costwatch.spend.filters import BadQuery, SpendFilter
from costwatch.spend.session_sums import session_sums
from costwatch.spend.sums import Sums, add
from tests.ledger.make import entry
from tests.spend.test_export import DAYS
from tests.spend.usage import generated, selected, sums_of, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]


def expected(entries, span, group_by, bucket, workspace):
    """(values…, start of the bucket) → sums, `runs` being sessions whose first call in the span lies there."""
    calls = sorted((e for e in selected(entries, span) if e.session_id), key=lambda e: e.timestamp)
    begun, found = set(), defaultdict(list)
    zone = periods.zone(workspace.time_zone)
    for e in calls:
        at = None if bucket == "none" else periods.period(bucket, e.timestamp, zone).start
        first = e.session_id not in begun
        begun.add(e.session_id)
        sums = sums_of([e], set())
        fields = {name: getattr(sums, name) for name in Sums.__slots__}
        found[*(value_of(e, d) for d in group_by), at].append(Sums(**{**fields, "runs": int(first)}))
    return {key: add(parts) for key, parts in found.items()}


@pytest.mark.parametrize(
    ("group_by", "bucket"),
    [((), "none"), (("agent",), "none"), (("agent", "tag.team"), "day"), (("user",), "hour"), ((), "week"),
     (("session",), "none"), (("task", "model"), "day")],
)  # fmt: skip
@pytest.mark.parametrize("conditions", [{}, {"exclude": {"agent": ("agent-1",)}}, {"include": {"tag.team": ("a", "")}}])
def test_they_are_those_of_plain_python(workspace, stored, group_by, bucket, conditions):
    entries = stored(generated(8), folded=90)
    span = SpendFilter(DAYS.start, DAYS.end, **conditions)
    found = {(*g.values.values(), g.bucket): g.sums for g in session_sums(workspace, span, group_by, bucket)}
    assert found == expected(entries, span, group_by, bucket, workspace)
    total = add(found.values())
    assert total.runs == len({e.session_id for e in selected(entries, span) if e.session_id})


def test_more_calls_than_can_be_read_are_refused_with_what_to_do(workspace, stored, monkeypatch):
    stored([entry(session_id=f"s-{n}", minutes=-n * 60 * 30) for n in range(12)])
    monkeypatch.setattr(module, "MOST_EVENTS", 3)
    with pytest.raises(BadQuery, match="shorter range"):
        session_sums(workspace, SpendFilter(DAYS.start, DAYS.end.replace(day=30)), (), "none")
    monkeypatch.setattr(module, "MOST_EVENTS", 500_000)
    monkeypatch.setattr(module, "MOST_GROUPS", 3)
    with pytest.raises(BadQuery, match="combinations"):
        session_sums(workspace, SpendFilter(DAYS.start, DAYS.end.replace(day=30)), ("session",), "none")
