"""Addresses of the pages. `any-run` and `any-call` take the id as a parameter: some ids do not survive in a path."""

from django.urls import path

from costwatch.dashboards import (
    find,
    incident_views,
    price_views,
    reprice_views,
    run_views,
    theme,
    unpriced_views,
    views,
    welcome,
)
from costwatch.dashboards.addresses import PROFILES
from costwatch.dashboards.anomalies import views as anomaly_views
from costwatch.dashboards.budgets import views as budget_views
from costwatch.dashboards.channels import views as channel_views
from costwatch.dashboards.digests import views as digest_views
from costwatch.dashboards.explore import views as explore_views
from costwatch.dashboards.limits import views as limit_views
from costwatch.dashboards.loops import views as loop_views
from costwatch.dashboards.month import views as month_views
from costwatch.dashboards.profiles import views as profile_views
from costwatch.dashboards.releases import views as release_views
from costwatch.dashboards.saved import views as saved_views
from costwatch.dashboards.sessions import views as session_views
from costwatch.dashboards.stops import views as stops_views
from costwatch.dashboards.variance import views as variance_views
from costwatch.lib.tables import FORMATS

urlpatterns = [
    path("", views.overview, name="overview"),
    path("overview", views.overview, name="plain-overview"),
    path("overview.csv", views.overview_csv, name="overview-csv"),
    path("welcome", views.first_event, name="first-event"),
    path("welcome/key", welcome.first_key, name="first-key"),
    path("explore", explore_views.explore, name="explore"),
    *(
        path(f"explore.{format}", explore_views.explore_file, {"format": format}, name=f"explore-{format}")
        for format in FORMATS
    ),
    path("views", saved_views.saved_views, name="saved-views"),
    path("views.csv", saved_views.saved_views_csv, name="saved-views-csv"),
    path("views/save", saved_views.save, name="save-view"),
    path("views/<int:view_id>/<slug:action>", saved_views.act, name="saved-view-act"),
    path("month", month_views.this_month, name="this-month"),
    path("month/<slug:month>", month_views.month, name="month"),
    path("month/<slug:month>.csv", month_views.month_csv, name="month-csv"),
    path("month/<slug:month>/<slug:action>", month_views.month_act, name="month-act"),
    path("variance", variance_views.variance, name="variance"),
    path("variance.csv", variance_views.variance_csv, name="variance-csv"),
    path("releases", release_views.releases, name="releases"),
    path("releases.csv", release_views.releases_csv, name="releases-csv"),
    path("limits", limit_views.limits, name="limits"),
    path("limits.csv", limit_views.limits_csv, name="limits-csv"),
    path("limits/set", limit_views.limit_put, name="limit-put"),
    path("limits/<int:limit_id>/remove", limit_views.limit_remove, name="limit-remove"),
    path("runs", run_views.runs, name="runs"),
    path("runs.csv", run_views.runs_csv, name="runs-csv"),
    path("runs/<path:run_id>.csv", run_views.run_csv, name="run-csv"),
    path("runs/<path:run_id>", run_views.run, name="run"),
    path("run.csv", run_views.run_csv, name="any-run-csv"),
    path("run", run_views.run, name="any-run"),
    path("calls/<path:event_id>", run_views.call, name="call"),
    path("call", run_views.call, name="any-call"),
    path("budgets", budget_views.budget_list, name="budgets"),
    path("budgets.csv", budget_views.budget_list_csv, name="budgets-csv"),
    path("budgets/new", budget_views.budget_new, name="budget-new"),
    path("budgets/<int:budget_id>", budget_views.budget, name="budget"),
    path("budgets/<int:budget_id>.csv", budget_views.budget_csv, name="budget-csv"),
    path("budgets/<int:budget_id>/edit", budget_views.budget_edit, name="budget-edit"),
    path("budgets/<int:budget_id>/remove", budget_views.budget_remove, name="budget-remove"),
    path("budgets/<int:budget_id>/<slug:action>", budget_views.budget_act, name="budget-act"),
    path("settings/anomalies", anomaly_views.anomaly_settings, name="anomaly-settings"),
    path("settings/anomalies.csv", anomaly_views.anomaly_csv, name="anomaly-settings-csv"),
    path("settings/anomalies/<int:expected_id>/forget", anomaly_views.anomaly_forget, name="anomaly-forget"),
    path("digests", digest_views.digest_index, name="digests"),
    path("digests/preview", digest_views.digest_preview, name="digest-preview"),
    path("digests/<slug:kind>", digest_views.digest_latest, name="digest-latest"),
    path("digests/<slug:kind>/<slug:day>", digest_views.digest, name="digest"),
    path("digests/<slug:kind>/<slug:day>.csv", digest_views.digest_csv, name="digest-csv"),
    path("digests/<slug:kind>/<slug:day>.pdf", digest_views.digest_pdf, name="digest-pdf"),
    path("settings/digests", digest_views.digest_settings, name="digest-settings"),
    path("settings/digests.csv", digest_views.digest_settings_csv, name="digest-settings-csv"),
    path("settings/digests/<int:subscription_id>/end", digest_views.digest_cancel, name="digest-cancel"),
    path("incidents", incident_views.incident_list, name="incidents"),
    path("incidents.csv", incident_views.incident_csv, name="incidents-csv"),
    path("incidents/<int:incident_id>", incident_views.incident, name="incident"),
    path("incidents/<int:incident_id>/<slug:action>", incident_views.incident_act, name="incident-act"),
    path("settings/channels", channel_views.channel_list, name="channels"),
    path("settings/channels.csv", channel_views.channel_list_csv, name="channels-csv"),
    path("settings/channels/new/<slug:kind>", channel_views.channel_new, name="channel-new"),
    path("settings/channels/<int:channel_id>", channel_views.channel, name="channel"),
    path("settings/channels/<int:channel_id>.csv", channel_views.channel_csv, name="channel-csv"),
    path("settings/channels/<int:channel_id>/delete", channel_views.channel_delete, name="channel-delete"),
    path("settings/channels/<int:channel_id>/<slug:action>", channel_views.channel_act, name="channel-act"),
    path("settings/channels/deliveries/<int:delivery_id>", channel_views.delivery, name="delivery"),
    path("settings/loops", loop_views.loop_settings, name="loop-settings"),
    path("settings/loops/change", loop_views.loop_change, name="loop-change"),
    path("stops", stops_views.stop_list, name="stops"),
    path("stops.csv", stops_views.stop_csv, name="stops-csv"),
    path("stops/place", stops_views.stop_place, name="stop-place"),
    path("stops/<int:stop_id>/lift", stops_views.stop_lift, name="stop-lift"),
    path("unpriced", unpriced_views.inbox, name="unpriced"),
    path("unpriced.csv", unpriced_views.inbox_csv, name="unpriced-csv"),
    path("unpriced/save", unpriced_views.save, name="unpriced-save"),
    path("prices", price_views.book, name="prices"),
    path("prices.csv", price_views.book_csv, name="prices-csv"),
    path("prices/model", price_views.price_of, name="price-of"),
    path("prices/model.csv", price_views.price_of_csv, name="price-of-csv"),
    path("prices/agreed", price_views.agreed, name="agreed-prices"),
    path("prices/agreed.csv", price_views.agreed_csv, name="agreed-prices-csv"),
    path("prices/agreed/add", price_views.add, name="agreed-price-add"),
    path("prices/agreed/end", price_views.end, name="agreed-price-end"),
    path("prices/agreed/list", price_views.upload, name="price-list"),
    path("prices/agreed/trust", price_views.trust, name="price-trust"),
    path("prices/reprice", reprice_views.index, name="reprice"),
    path("prices/reprice.csv", reprice_views.index_csv, name="reprice-csv"),
    path("prices/reprice/place", reprice_views.place, name="reprice-place"),
    path("prices/reprice/<int:order_id>", reprice_views.show, name="reprice-order"),
    path("prices/reprice/<int:order_id>.csv", reprice_views.show_csv, name="reprice-order-csv"),
    path("prices/reprice/<int:order_id>/confirm", reprice_views.confirm, name="reprice-confirm"),
    path("find", find.find, name="find"),
    path("sessions", session_views.sessions, name="sessions"),
    path("sessions.csv", session_views.sessions_csv, name="sessions-csv"),
    path("session-paths", session_views.paths, name="session-paths"),
    path("session-paths.csv", session_views.paths_csv, name="session-paths-csv"),
    path("resend", session_views.resend, name="resend"),
    path("resend.csv", session_views.resend_csv, name="resend-csv"),
    path("sessions/<path:session_id>.csv", session_views.session_csv, name="session-csv"),
    path("sessions/<path:session_id>", session_views.session, name="session"),
    path("session.csv", session_views.session_csv, name="any-session-csv"),
    path("session", session_views.session, name="any-session"),
    *(
        path(f"{first}/<path:value>.csv", profile_views.profile_csv, {"dimension": dimension}, name=f"{dimension}-csv")
        for dimension, first in PROFILES.items()
    ),
    path("tags/<str:tag>/<path:value>.csv", profile_views.profile_csv, name="tag-csv"),
    path("profile.csv", profile_views.any_profile_csv, name="any-profile-csv"),
    *(
        path(f"{first}/<path:value>", profile_views.profile, {"dimension": dimension}, name=f"{dimension}-profile")
        for dimension, first in PROFILES.items()
    ),
    path("tags/<str:tag>/<path:value>", profile_views.profile, name="tag-profile"),
    path("profile", profile_views.any_profile, name="any-profile"),
    path("theme", theme.set_theme, name="theme"),
]
