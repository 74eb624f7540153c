"""Addresses of the pages."""

from django.urls import path

from costwatch.dashboards import theme, views, welcome

urlpatterns = [
    path("", views.overview, name="overview"),
    path("overview.csv", views.overview_csv, name="overview-csv"),
    path("welcome", views.first_event, name="first-event"),
    path("welcome/key", welcome.first_key, name="first-key"),
    path("runs", views.overview, name="runs"),
    path("theme", theme.set_theme, name="theme"),
]
