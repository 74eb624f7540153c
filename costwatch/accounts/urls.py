"""Addresses of the account pages."""

from django.urls import path

from costwatch.accounts import settings_views, views

urlpatterns = [
    path("login", views.login, name="login"),
    path("logout", views.logout, name="logout"),
    path("setup/<str:secret>", views.first_setup, name="setup"),
    path("invite/<str:secret>", views.invitation, name="invitation"),
    path("settings", settings_views.settings_index, name="settings"),
    path("settings/keys", settings_views.key_list, name="keys"),
    path("settings/keys/<int:key_id>/revoke", settings_views.key_revoke, name="key-revoke"),
    path("settings/members", settings_views.member_list, name="members"),
    path("settings/members/<int:member_id>/role", settings_views.member_role, name="member-role"),
    path("settings/members/<int:member_id>/remove", settings_views.member_remove, name="member-remove"),
    path("settings/members/<int:member_id>/password", settings_views.member_password, name="member-password"),
    path(
        "settings/invitations/<int:invitation_id>/withdraw",
        settings_views.invitation_withdraw,
        name="invitation-withdraw",
    ),
    path("settings/audit", settings_views.audit_log, name="audit"),
    path("settings/profile", settings_views.profile, name="profile"),
    path("settings/profile/password", settings_views.password, name="password"),
    path("settings/profile/sessions", settings_views.end_sessions, name="end-sessions"),
]
