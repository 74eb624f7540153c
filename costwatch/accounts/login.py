"""Logging in: five wrong passwords for one account from one address, then a quarter of an hour of nothing.

Failures are counted before the password is looked at, so that guesses sent at once gain nothing. Answers are the same
for known and unknown e-mails.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib import auth
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from costwatch.accounts import audit
from costwatch.accounts.models import LoginThrottle, Member

BACK_OFF = timedelta(minutes=15)
PER_ACCOUNT = 5
PER_ADDRESS = 100
FORGOTTEN = timedelta(days=1)


class LockedOut(Exception):
    """Too many failures; `seconds` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed attempts. Try again in {-(-seconds // 60)} minutes.")
        self.seconds = seconds


def sign_in(request: HttpRequest, email: str, password: str) -> Member | None:
    """The member, now logged in with a new session, or None for a wrong e-mail or password. Raises LockedOut."""
    email, ip = email.strip().lower(), audit.client_ip(request)
    account = _subject(email, ip)
    _count(account, PER_ACCOUNT, timezone.now())
    _count(_subject(ip), PER_ADDRESS, timezone.now())
    member = auth.authenticate(request, username=email, password=password)
    if not isinstance(member, Member):
        _note_failure(email, ip)
        return None
    LoginThrottle.objects.filter(subject=account).update(failures=0)
    # only this attempt is taken back: one good account must not wipe out the guesses at others
    LoginThrottle.objects.filter(subject=_subject(ip), failures__gt=0).update(failures=F("failures") - 1)
    open_session(request, member)
    audit.record(member.workspace, member, "login", member, {}, ip)
    return member


def open_session(request: HttpRequest, member: Member) -> None:
    """Log a member in under a new session id, and start the clock of the session."""
    auth.login(request, member, backend="costwatch.accounts.backend.MemberBackend")
    request.session["opened_at"] = request.session["seen_at"] = timezone.now().isoformat()


def _count(subject: bytes, limit: int, now: datetime) -> None:
    """Count an attempt as failed until it proves right. Raises LockedOut without counting beyond the limit."""
    with transaction.atomic():
        LoginThrottle.objects.get_or_create(subject=subject)
        row = LoginThrottle.objects.select_for_update().get(subject=subject)
        left = row.failed_at + BACK_OFF - now
        if left <= timedelta(0):
            row.failures = 0
        if row.failures >= limit:
            raise LockedOut(int(left.total_seconds()) + 1)
        row.failures, row.failed_at = row.failures + 1, now
        row.save(update_fields=["failures", "failed_at"])


def _note_failure(email: str, ip: str | None) -> None:
    LoginThrottle.objects.filter(failed_at__lt=timezone.now() - FORGOTTEN).delete()
    known = Member.objects.select_related("workspace").filter(email=email).first()
    if known is not None:
        audit.record(known.workspace, known, "login.failed", known, {}, ip)


def _subject(*parts: str | None) -> bytes:
    return sha256("\0".join(part or "" for part in parts).encode(errors="replace")).digest()
