"""Whatever stands in an address or a form, the answer is a page or a sentence about what is wrong, never a fault.

The test's client raises what a view lets through, so that asking is all that has to be done.
"""

from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.thorough
PAGES = (
    "/", "/overview", "/overview.csv", "/explore", "/explore.csv", "/explore.ndjson", "/month", "/month/2026-10",
    "/month/2026-11.csv", "/variance", "/variance.csv", "/releases", "/releases.csv", "/limits", "/limits.csv", "/runs",
    "/runs.csv", "/runs/r-1", "/run", "/call", "/calls/r-1.0", "/sessions", "/sessions.csv", "/session-paths",
    "/session-paths.csv", "/resend", "/resend.csv", "/session", "/profile", "/agents/triage", "/users/u-1",
    "/tags/customer/Lark", "/budgets", "/budgets.csv", "/budgets/new", "/incidents", "/stops", "/stops.csv",
    "/unpriced", "/prices", "/prices/model", "/prices/agreed", "/prices/reprice", "/find", "/views", "/digests/preview",
    "/digests/weekly/2026-11-09", "/settings/audit", "/settings/keys", "/settings/members", "/settings/loops",
    "/runs/r-1.csv", "/run.csv", "/session.csv", "/profile.csv", "/agents/triage.csv", "/tags/customer/Lark.csv",
    "/incidents.csv", "/unpriced.csv", "/prices.csv", "/prices/model.csv", "/prices/agreed.csv", "/prices/reprice.csv",
    "/views.csv", "/settings/audit.csv", "/settings/keys.csv", "/settings/members.csv", "/settings/channels.csv",
    "/settings/digests.csv", "/settings/anomalies.csv",
)  # fmt: skip
NAMES = (
    "period", "on", "first", "last", "from", "to", "by", "across", "sort", "rows", "page", "cursor", "start", "open",
    "calls", "hours", "show", "pick", "value", "op", "among", "agent", "agent!", "model", "user", "run", "session",
    "key", "tag.customer", "tag.", "tag.a/b!", "dimension", "baseline", "candidate", "against", "tag", "tz", "state",
    "reason", "q", "per", "provider", "id", "message", "kind", "metric", "bucket", "top", "name", "amount", "view",
)  # fmt: skip
VALUES = (
    "", " ", "0", "1", "-1", "2", "99999999999999999999", "x", "a\0b", "..", "%", "'", "<b>", "é" * 300, "2026-11-18",
    "2026-02-30", "1970-01-01", "2099-12-31", "0001-01-01", "9999-12-31", "agent", "user", "run", "session", "key",
    "tag.customer", "tag.", "-cost", "cost", "name", "-started", "today", "7d", "30d", "month", "triage", "u-1", "r-1",
    "triage@1", "hour", "day", "week", "all", "not", "Europe/Berlin", "Mars/Base", "NaN", "1e9", "\uff12", "\ud7ff",
    "weeks",
)  # fmt: skip
UNDERSTOOD = (200, 204, 302, 400, 404)
pairs = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4)


@settings(max_examples=200, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PAGES), pairs, st.sampled_from(("", "filter-panel", "parts", "order", "table")))
def test_no_address_is_a_fault(owner, page, pairs, target):
    asked = {"HX-Request": "true", "HX-Target": target} if target else {}
    answer = owner.get(f"{page}?{urlencode(pairs)}", headers=asked)
    assert answer.status_code in UNDERSTOOD
    if answer.status_code in (400, 404):
        assert "<h1" in answer.content.decode()


FORMS = (
    "/views/save", "/limits/set", "/budgets/new", "/settings/anomalies", "/settings/digests", "/stops/place",
    "/settings/loops/change", "/prices/agreed/add", "/prices/agreed/end", "/prices/agreed/trust", "/prices/agreed/list",
    "/unpriced/save", "/prices/reprice/place", "/prices/try", "/settings/workspace", "/settings/keys",
    "/settings/members", "/settings/profile", "/settings/channels/new/webhook", "/settings/channels/new/email",
    "/settings/channels/new/slack", "/settings/channels/new/teams", "/settings/channels/new/pagerduty",
    "/settings/channels/new/apprise", "/theme", "/month/2026-10/close", "/month/2026-10/reopen",
)  # fmt: skip
FIELDS = (
    "name", "path", "query", "shared", "home", "provider", "model", "key", "requests", "tokens", "input_tokens",
    "cached_counts", "unit", "amount", "period", "window", "window_unit", "thresholds", "forecast_thresholds", "per",
    "carry_over", "action", "conditions", "dimension-0", "is-0", "others-0", "planned-2026-12", "floor", "sensitivity",
    "on", "do", "kind", "channel", "hour", "time_zone", "by", "value", "message", "hours", "gate", "tool", "task",
    "keep", "tier", "region", "valid_from", "valid_until", "source", "input", "cached_input", "cache_write", "output",
    "discount_percent", "version", "trusted", "text", "confirm", "match", "free", "reprice", "from", "to", "reason",
    "usage", "week_start", "scopes", "days", "email", "role", "theme", "url", "min_severity", "kinds", "quiet_from",
    "quiet_until", "escalate_to", "escalate_minutes", "renotify_minutes", "routing_key", "urls",
)  # fmt: skip
WRITTEN = (
    *VALUES, "monthly", "rolling", "usd", "prices", "discount", "free", "input", "http://10.0.0.1/", "a@b.example",
    "model,input\nm,1", '{"input_tokens": 5}', "2026-11-01", "100", "0.5", "1e400", "-0", "Infinity", "viewer",
    "ingest", "save", "try", "preview", "condition", "on", "12:00", "25:00", "[", "webhook", "/explore",
)  # fmt: skip
written = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(WRITTEN), max_size=12)


@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FORMS), written)
def test_no_form_is_a_fault(owner, form, written):
    assert owner.post(form, written).status_code in (200, 204, 302, 400, 404, 422)
