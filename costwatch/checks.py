"""System checks: settings that would let an installation run badly or unsafely. Each has an id, and says what to do."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from costwatch import env
from costwatch.lib import mail

BROKERS = ("redis", "rediss", "redis+socket", "valkey", "amqp", "amqps")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@register()
def database_url(**_: Any) -> list[CheckMessage]:
    """E001: costwatch keeps its books in PostgreSQL and nowhere else."""
    if urlsplit(settings.DATABASE_URL).scheme in ("postgres", "postgresql"):
        return []
    hint = "Write postgresql://user:password@host:5432/name, or leave it out for the embedded server."
    return [Error("DATABASE_URL does not name a PostgreSQL database.", hint=hint, id="costwatch.E001")]


@register()
def broker_url(**_: Any) -> list[CheckMessage]:
    """E002: brokers that lose nothing we need and wake workers at once; not SQLAlchemy's, not the file system's."""
    if not settings.BROKER_URL or urlsplit(settings.BROKER_URL).scheme in BROKERS:
        return []
    hint = "Write redis://host:6379/0 (Valkey or Redis), or leave it out."
    return [Error("BROKER_URL names a broker that costwatch does not work with.", hint=hint, id="costwatch.E002")]


@register()
def numbers(**_: Any) -> list[CheckMessage]:
    """E003: counts and seconds below zero."""
    names = ("DATABASE_TIMEOUT", "RATE_LIMIT", "TRUSTED_PROXIES", "SECURE_HSTS_SECONDS")
    return [
        Error(f"{name} is {getattr(settings, name)}.", hint="Write 0 or a greater number.", id="costwatch.E003")
        for name in names
        if getattr(settings, name) < 0
    ]


@register()
def logging_words(**_: Any) -> list[CheckMessage]:
    """E004: a log format or level that does not exist."""
    found: list[CheckMessage] = []
    if env.text("COSTWATCH_LOG") not in ("", "text", "json"):
        found.append(Error("COSTWATCH_LOG is unknown.", hint="Write text or json.", id="costwatch.E004"))
    if env.text("COSTWATCH_LOG_LEVEL", "INFO").upper() not in LEVELS:
        hint = f"Write one of {', '.join(LEVELS)}."
        found.append(Error("COSTWATCH_LOG_LEVEL is unknown.", hint=hint, id="costwatch.E004"))
    return found


@register()
def public_url(**_: Any) -> list[CheckMessage]:
    """E005: the address in links and messages must be one a browser can open."""
    parts = urlsplit(settings.PUBLIC_URL)
    if not settings.PUBLIC_URL or (parts.scheme in ("http", "https") and parts.netloc):
        return []
    hint = "Write https://costwatch.example.org, without a path."
    return [Error("COSTWATCH_URL is not an address.", hint=hint, id="costwatch.E005")]


@register()
def mail_server(**_: Any) -> list[CheckMessage]:
    """E006: an address of the mail server that cannot be understood."""
    if not settings.SMTP_URL:
        return []
    try:
        mail.server(settings.SMTP_URL)
    except ValueError as problem:
        return [Error("COSTWATCH_SMTP_URL cannot be used.", hint=f"{problem}".capitalize(), id="costwatch.E006")]
    return []


@register(Tags.security, deploy=True)
def secret_key(**_: Any) -> list[CheckMessage]:
    """W001: without a key that lasts, every restart and every process logs everybody out."""
    if env.text("COSTWATCH_SECRET_KEY") or (settings.DATA_DIR / "secret_key").exists():
        return []
    hint = "Set COSTWATCH_SECRET_KEY to 50 random characters; `costwatch up` makes and keeps one by itself."
    return [Warning("There is no lasting secret key.", hint=hint, id="costwatch.W001")]


@register(Tags.security, deploy=True)
def allowed_hosts(**_: Any) -> list[CheckMessage]:
    """W002: behind HTTPS the host names are known, and others should not be answered."""
    if not settings.HTTPS or "*" not in settings.ALLOWED_HOSTS:
        return []
    hint = "Set COSTWATCH_ALLOWED_HOSTS=costwatch.example.org."
    return [Warning("Every Host header is answered.", hint=hint, id="costwatch.W002")]
