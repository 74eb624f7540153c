"""Addresses of the pages."""

from django.urls import path

from costwatch.dashboards import theme, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("runs", views.runs, name="runs"),
    path("theme", theme.set_theme, name="theme"),
]
