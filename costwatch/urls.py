"""Every address of the product. A new one needs its rule of who may (tests/test_access.py walks this list)."""

from django.urls import URLPattern, URLResolver, include, path

from costwatch import csp, health
from costwatch.api import guard
from costwatch.api import keys as api_keys
from costwatch.api import views as api_views
from costwatch.dashboards import settings_files, settings_views
from costwatch.methods import by_method
from ingest import quote as ingest_quote
from ingest import try_it
from ingest import views as ingest_views

urlpatterns: list[URLPattern | URLResolver] = [
    # asked hundreds of times a second: found before the hundred patterns of the pages are tried (0.1 ms)
    path("api/v1/events", by_method(GET=api_views.Events.as_view(), POST=ingest_views.events_post), name="api-events"),
    path("api/v1/guard", guard.Guard.as_view(), name="api-guard"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.prometheus, name="metrics"),
    path("csp-report", csp.csp_report, name="csp-report"),
    path("", include("costwatch.dashboards.urls")),
    path("", include("costwatch.accounts.urls")),
    path("settings/workspace", settings_views.workspace, name="workspace"),
    path("settings/keys.csv", settings_files.keys_csv, name="keys-csv"),
    path("settings/members.csv", settings_files.members_csv, name="members-csv"),
    path("settings/audit.csv", settings_files.audit_csv, name="audit-csv"),
    path("prices/try", try_it.try_it, name="try-price"),
    path("api/v1/quote", by_method(POST=ingest_quote.quote_post), name="api-quote"),
    path("api/", include("costwatch.api.urls")),
    path("api/v1/keys", api_keys.Keys.as_view(), name="api-keys"),
    path("api/v1/keys/<int:key_id>", api_keys.Key.as_view(), name="api-key"),
]

handler400 = "costwatch.errors.bad_request"
handler403 = "costwatch.errors.forbidden"
handler404 = "costwatch.errors.not_found"
handler500 = "costwatch.errors.server_error"
