"""Addresses of reading (those of keys and of sending are in costwatch/urls.py)."""

from django.urls import path, register_converter

from costwatch.api import (
    budgets,
    channels,
    compare,
    docs,
    export,
    guard,
    incidents,
    people,
    prices,
    saved,
    stops,
    variance,
    views,
)


class Anything:
    """An id as its sender made it, with slashes, line ends and all."""

    regex = r"(?s:.+)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Anything, "anything")

urlpatterns = [
    path("v1/spend", views.Spend.as_view(), name="api-spend"),
    path("v1/variance", variance.VarianceView.as_view(), name="api-variance"),
    path("v1/forecast", variance.ForecastView.as_view(), name="api-forecast"),
    path("v1/events/<anything:event_id>", views.Event.as_view(), name="api-event"),
    path("v1/runs", views.Runs.as_view(), name="api-runs"),
    path("v1/runs/<anything:run_id>", views.Run.as_view(), name="api-run"),
    path("v1/compare", compare.Compare.as_view(), name="api-compare"),
    path("v1/export/<str:content>.<str:kind>", export.Export.as_view(), name="api-export"),
    path("v1/views", saved.Views.as_view(), name="api-views"),
    path("v1/views/<int:view_id>", saved.OneView.as_view(), name="api-view"),
    path("v1/members", people.Members.as_view(), name="api-members"),
    path("v1/audit", people.Audit.as_view(), name="api-audit"),
    path("v1/prices", prices.Prices.as_view(), name="api-prices"),
    path("v1/budgets", budgets.Budgets.as_view(), name="api-budgets"),
    path("v1/budgets/<int:budget_id>", budgets.Budget.as_view(), name="api-budget"),
    path("v1/channels", channels.Channels.as_view(), name="api-channels"),
    path("v1/channels/<int:channel_id>", channels.OneChannel.as_view(), name="api-channel"),
    path("v1/channels/<int:channel_id>/test", channels.ChannelTest.as_view(), name="api-channel-test"),
    path("v1/channels/<int:channel_id>/rotate", channels.ChannelRotate.as_view(), name="api-channel-rotate"),
    path("v1/incidents", incidents.Incidents.as_view(), name="api-incidents"),
    path("v1/incidents/<int:incident_id>/<str:action>", incidents.IncidentAct.as_view(), name="api-incident-act"),
    path("v1/guard/status", guard.GuardStatus.as_view(), name="api-guard-status"),
    path("v1/guard/status/<anything:path>", guard.GuardStatus.as_view(), name="api-guard-status-of"),
    path("v1/stops", stops.Stops.as_view(), name="api-stops"),
    path("v1/stops/<int:stop_id>", stops.Stopped.as_view(), name="api-stop"),
    path("schema", docs.Schema.as_view(), name="api-schema"),
    path("docs", docs.page, name="api-docs"),
]
