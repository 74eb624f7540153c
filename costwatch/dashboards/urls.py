"""Addresses of the pages. `any-run` and `any-call` take the id as a parameter: some ids do not survive in a path."""

from django.urls import path

from costwatch.dashboards import run_views, theme, views, welcome

urlpatterns = [
    path("", views.overview, name="overview"),
    path("overview.csv", views.overview_csv, name="overview-csv"),
    path("welcome", views.first_event, name="first-event"),
    path("welcome/key", welcome.first_key, name="first-key"),
    path("runs", run_views.runs, name="runs"),
    path("runs.csv", run_views.runs_csv, name="runs-csv"),
    path("runs/<path:run_id>", run_views.run, name="run"),
    path("run", run_views.run, name="any-run"),
    path("calls/<path:event_id>", run_views.call, name="call"),
    path("call", run_views.call, name="any-call"),
    path("theme", theme.set_theme, name="theme"),
]
