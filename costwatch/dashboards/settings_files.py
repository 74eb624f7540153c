"""Lists of the settings as files. Not in accounts, which knows no pages: what a file looks like is said here once."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from costwatch.accounts import audit, keys, members
from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.models import ApiKey, AuditEntry
from costwatch.dashboards.csv import csv_answer, first_of, name_of

KEY_HEAD = ("name", "state", "key", "may", "last_used_at", "created_at", "created_by", "expires_at", "revoked_at")
MEMBER_HEAD = ("email", "name", "role", "state", "last_login", "since", "link_until")
AUDIT_HEAD = ("at", "who", "what", "action", "on", "details", "from")
MOST_ENTRIES = 10_000  # of the audit log: whoever asks for it as a file wants it whole


@member_page("admin")
def keys_csv(request: MemberRequest) -> HttpResponse:
    """The keys as the page shows them: what is left of a key is its beginning and its last four letters."""
    (found, more), now = first_of(keys.of(request.workspace).select_related("created_by")), timezone.now()
    return csv_answer([KEY_HEAD, *(_key(key, now) for key in found)], name_of("api-keys", more=more))


@member_page("admin")
def members_csv(request: MemberRequest) -> HttpResponse:
    """The members, and to whom a link is open."""
    people = [(one.email, one.name, one.role, "member" if one.is_active else "inactive", one.last_login,
               one.created_at, None) for one in members.of(request.workspace)]  # fmt: skip
    links = [(one.email, None, one.role, "new password" if one.member_id else "invited", None, one.created_at,
              one.expires_at) for one in members.open_links(request.workspace)]  # fmt: skip
    return csv_answer([MEMBER_HEAD, *people, *links], name_of("members"))


@member_page("admin")
def audit_csv(request: MemberRequest) -> HttpResponse:
    """The audit log with all details, newest first; at most MOST_ENTRIES, as the file's name then says."""
    found, more = first_of(audit.entries(request.workspace), MOST_ENTRIES)
    return csv_answer([AUDIT_HEAD, *map(_entry, found)], name_of("audit-log", more=more, most=MOST_ENTRIES))


def _key(key: ApiKey, now: datetime) -> tuple[Any, ...]:
    is_over = key.expires_at is not None and key.expires_at <= now
    state = "revoked" if key.revoked_at else "expired" if is_over else "works"
    return (key.name, state, f"{key.prefix}…{key.last4}", ", ".join(key.scopes), key.last_used_at, key.created_at,
            key.created_by, key.expires_at, key.revoked_at)  # fmt: skip


def _entry(entry: AuditEntry) -> tuple[Any, ...]:
    details = json.dumps(entry.facts, ensure_ascii=False, sort_keys=True) if entry.facts else None
    return entry.at, entry.actor, entry.told, entry.action, entry.subject, details, entry.ip
