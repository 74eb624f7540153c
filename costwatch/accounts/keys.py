"""API keys: `cw_<kind>_<32 base62><6 base62 checksum>`, made once, stored as SHA-256, checked on every request.

A known key costs one look into a dict. The dict forgets after CACHE_SECONDS, so that a key revoked anywhere is
refused everywhere within a second; a key in use is looked up again before that, beside the requests.
"""

import re
import secrets
import string
import zlib
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from logging import getLogger
from time import monotonic

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.database.ahead import ahead
from costwatch.lib.periods import LATEST

SCOPES = ("ingest", "read", "admin")  # from narrow to wide; none includes another
CACHE_SECONDS = 0.8
LOOK_AGAIN = 0.4  # seconds before its end
CACHE_SIZE = 10_000
USED_EVERY = timedelta(minutes=1)
LONGEST_HEADER = 1_000
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY = re.compile(r"(cw_(?:ingest|read|admin)_[0-9A-Za-z]{32})([0-9A-Za-z]{6})")

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """Who sends: the key, its workspace (never taken from anywhere else) and what the key may do."""

    key_id: int
    workspace_id: int
    lane: int
    time_zone: str
    scopes: frozenset[str]
    name: str = ""


class KeyRefused(Exception):
    """No entry: 401 without a valid key, 403 without the scope, 503 while keys cannot be looked up."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after


class KeyInvalid(ValueError):
    """A key that cannot be made as asked for; `field` is name, scopes or expires_at."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


_cache: dict[str, tuple[float, KeyIdentity]] = {}


def authenticate(authorization_header: str | None, scope: str) -> KeyIdentity:
    """The identity behind an `Authorization` header (Bearer, or Basic with the key as password), if it has `scope`.

    Raises KeyRefused for anything else, whatever the header holds.
    """
    header = authorization_header or ""
    cached, now = _cache.get(header), monotonic()
    if cached is None or cached[0] < now:
        cached = _look_up(header)
    elif cached[0] - now < LOOK_AGAIN:
        ahead.read(("key", header), lambda: _look_again(header))
    identity = cached[1]
    if scope not in identity.scopes:
        has = ", ".join(s for s in SCOPES if s in identity.scopes)
        raise KeyRefused(403, "scope_missing", f"This key lacks the scope {scope}; it has: {has}.")
    return identity


def could_be_genuine(authorization_header: str) -> bool:
    """Whether the header holds a key whose checksum is right: what can be told without the database."""
    try:
        return authorization_header in _cache or bool(_key_in(authorization_header))
    except KeyRefused:
        return False


def create_key(
    workspace: Workspace,
    name: str,
    scopes: Iterable[str],
    *,
    created_by: Member | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, which is not kept and cannot be shown again.

    Raises KeyInvalid for a blank or long name, unknown or no scopes, or an expiry that is not in the future.
    """
    name = _checked_name(name)
    chosen = _checked_scopes(scopes)
    if expires_at is not None and (timezone.is_naive(expires_at) or not timezone.now() < expires_at < LATEST):
        raise KeyInvalid("expires_at", "expires_at must be a time in the future, before 2200, with its offset.")
    prefix = f"cw_{chosen[-1]}_"
    body = prefix + "".join(secrets.choice(BASE62) for _ in range(32))
    text = body + checksum(body)
    key = ApiKey.objects.create(
        workspace=workspace,
        name=name,
        prefix=prefix,
        last4=text[-4:],
        digest=_digest(text),
        scopes=chosen,
        created_by=created_by,
        expires_at=expires_at,
    )
    return key, text


def revoke(key: ApiKey) -> bool:
    """Refuse this key from now on (on every process within a second). False if it was revoked before."""
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    _cache.clear()
    return bool(revoked)


def of(workspace: Workspace) -> QuerySet[ApiKey]:
    """The keys of a workspace: those that were not revoked, the newest first, then the others."""
    return ApiKey.objects.filter(workspace=workspace).order_by(F("revoked_at").desc(nulls_first=True), "-id")


def checksum(body: str) -> str:
    """Six base62 digits of the CRC32: a mistyped or cut key is told from an unknown one without the database."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return digits


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _look_up(header: str) -> tuple[float, KeyIdentity]:
    text = _key_in(header)
    now = timezone.now()
    key = _stored(_digest(text))
    if key is None:
        raise KeyRefused(401, "key_unknown", "This API key is not known here; create one under Settings, API keys.")
    if key.revoked_at is not None:
        raise KeyRefused(401, "key_revoked", f"The API key {key.name} was revoked; use another one.")
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyRefused(401, "key_expired", f"The API key {key.name} expired on {key.expires_at:%Y-%m-%d}.")
    _note_use(key, now)
    return _remember(header, key, now)


def _look_again(header: str) -> None:
    """Refused by now, it is known no more; the next request is told why."""
    try:
        _look_up(header)
    except KeyRefused as refused:
        if refused.status == 401:
            _cache.pop(header, None)


def _remember(header: str, key: ApiKey, now: datetime) -> tuple[float, KeyIdentity]:
    workspace = key.workspace
    scopes = frozenset(key.scopes)
    identity = KeyIdentity(key.pk, workspace.pk, workspace.lane, workspace.time_zone, scopes, key.name)
    left = (key.expires_at - now).total_seconds() if key.expires_at else CACHE_SECONDS
    if len(_cache) >= CACHE_SIZE:
        _cache.clear()
    entry = _cache[header] = (monotonic() + min(CACHE_SECONDS, left), identity)
    return entry


def _key_in(header: str) -> str:
    """The key in a header, its checksum verified. `Bearer%20…` is what some OTLP exporters send as they were given."""
    if not header.strip():
        raise KeyRefused(401, "key_missing", "Send an API key: Authorization: Bearer cw_…")
    if len(header) > LONGEST_HEADER:
        raise KeyRefused(401, "key_malformed", "The Authorization header is far longer than an API key.")
    kind, _, rest = header.strip().replace("%20", " ", 1).partition(" ")
    if kind.lower() not in ("bearer", "basic"):
        raise KeyRefused(401, "key_malformed", "Authorization must be: Bearer cw_… (or Basic, the key as password).")
    text = rest.strip() if kind.lower() == "bearer" else _basic_password(rest.strip())
    match = KEY.fullmatch(text)
    if match is None or not compare_digest(checksum(match[1]), match[2]):
        raise KeyRefused(
            401, "key_malformed", "The API key is incomplete or mistyped: it starts with cw_ and has a checksum."
        )
    return text


def _basic_password(encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode("ascii").partition(":")[2]
    except ValueError:
        raise KeyRefused(401, "key_malformed", "The Basic credentials are not base64 of name:key.") from None


def _stored(digest: bytes) -> ApiKey | None:
    try:
        return ApiKey.objects.select_related("workspace").filter(digest=digest).first()
    except (DatabaseError, InterfaceError) as trouble:
        log.warning("keys cannot be looked up: %s", trouble)
        if not connection.in_atomic_block:
            connection.close()  # a dead connection must not outlive the trouble
        raise KeyRefused(503, "unavailable", "Keys cannot be checked at the moment; try again.", 2) from trouble


def _note_use(key: ApiKey, now: datetime) -> None:
    """Write last_used_at once a minute; whether that works must not decide whether the key does."""
    if key.last_used_at is not None and key.last_used_at > now - USED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_EVERY)
    try:
        with transaction.atomic():
            ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    except (DatabaseError, InterfaceError) as trouble:
        log.warning("the last use of key %s was not noted: %s", key.pk, trouble)


def _checked_name(name: str) -> str:
    name = name.strip() if isinstance(name, str) else ""
    if not name or len(name) > 200 or not name.isprintable():
        raise KeyInvalid("name", "The name must be 1 to 200 printable characters.")
    return name


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    asked = list(scopes) if isinstance(scopes, list | tuple | set | frozenset) else [scopes]
    unknown = [s for s in asked if s not in SCOPES]
    if unknown or not asked:
        raise KeyInvalid("scopes", "scopes must be one or more of ingest, read, admin.")
    return [s for s in SCOPES if s in asked]
