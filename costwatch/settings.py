"""Settings, all from the environment (docs/settings.md lists them; a test keeps the two equal)."""

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from costwatch import env

PACKAGE = Path(__file__).resolve().parent
BASE_DIR = PACKAGE.parent


def _shipped(name: str) -> Path:
    """A folder of the checkout or, in an installed wheel, its copy inside the package."""
    packed = PACKAGE / f"_{name}"
    return packed if packed.is_dir() else BASE_DIR / name


def _database(url: str, timeout: int) -> dict[str, object]:
    """Django's form of a database URL; timeout in seconds limits each answer (0: none)."""
    parts = urlsplit(url)
    options: dict[str, object] = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if timeout:
        options |= {"connect_timeout": 3, "answer_timeout": timeout}
        options["options"] = f"{options.get('options', '')} -c statement_timeout={timeout * 1000 - 500}".strip()
    return {
        "ENGINE": "costwatch.database",
        "NAME": unquote(parts.path.lstrip("/")) or "costwatch",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _kept(setting: str, name: str, otherwise: str) -> str:
    """A secret as given, or the installation's own from its data dir."""
    file = DATA_DIR / name
    return env.text(setting) or (file.read_text().strip() if os.access(file, os.R_OK) else otherwise)


DATA_DIR = env.default_data_dir()
DEBUG = env.flag("COSTWATCH_DEBUG", False)
# without one: a key that lasts as long as this process, which the checks complain about
SECRET_KEY = _kept("COSTWATCH_SECRET_KEY", "secret_key", secrets.token_urlsafe(50))
# older ones that still open what was sealed and signed with them; everything is sealed anew within the hour
SECRET_KEY_FALLBACKS = env.words("COSTWATCH_OLD_SECRET_KEYS")
ALLOWED_HOSTS = env.words("COSTWATCH_ALLOWED_HOSTS", "*")
HTTPS = env.flag("COSTWATCH_HTTPS", False)

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
    "costwatch",
    "costwatch.accounts",
    "costwatch.pricing",
    "costwatch.ledger",
    "costwatch.spend",
    "costwatch.alerts",
    "costwatch.budgets",
    "costwatch.loops",
    "costwatch.limits",
    "costwatch.anomalies",
    "costwatch.digests",
    "costwatch.forecasts",
    "costwatch.saved",
    "costwatch.dashboards",
    "costwatch.api",
    "ingest",
]

MIDDLEWARE = [
    "costwatch.metrics.count_requests",
    "costwatch.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "costwatch.errors.forms_only",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "costwatch.urls"
WSGI_APPLICATION = "costwatch.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_shipped("templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASE_URL = env.text("DATABASE_URL") or "postgresql:///costwatch"
DATABASE_PREPARE = env.flag("COSTWATCH_DATABASE_PREPARE", True)
DATABASE_TIMEOUT = env.integer("COSTWATCH_DATABASE_TIMEOUT", 0)
DATABASES = {"default": _database(DATABASE_URL, DATABASE_TIMEOUT)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Member"
AUTHENTICATION_BACKENDS = ["costwatch.accounts.backend.MemberBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
CSRF_FAILURE_VIEW = "costwatch.errors.csrf_failure"

# idle 8 h here; at most 7 days in all in accounts/access.py
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_NAME = "costwatch_session"
CSRF_COOKIE_NAME = "costwatch_csrf"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.integer("COSTWATCH_HSTS_SECONDS", 30 * 86400 if HTTPS else 0)
# how many proxies of the operator's own stand in front: so many last entries of X-Forwarded-For are believed
TRUSTED_PROXIES = env.integer("COSTWATCH_TRUSTED_PROXIES", 0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [_shipped("static")]
STATIC_ROOT = Path(env.text("COSTWATCH_STATIC_ROOT") or DATA_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "costwatch.statics.HashedStaticFiles"},
}

# a doorbell for the worker; without one the scheduler does the periodic work itself
BROKER_URL = env.text("BROKER_URL")
CELERY_BROKER_URL = BROKER_URL or "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_throttle": 1,
    "unacked_restore_interval": 2,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0.2,
}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "costwatch"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BEAT_SCHEDULE = {
    "watch": {"task": "costwatch.watch", "schedule": 0.5, "options": {"expires": 5}},
    "budgets-turn": {"task": "budgets.turn", "schedule": 60.0, "options": {"expires": 60}},
    "budgets-forecast": {"task": "budgets.forecast", "schedule": 60.0, "options": {"expires": 60}},
    "loops-neighbours": {"task": "loops.neighbours", "schedule": 30.0, "options": {"expires": 30}},
    "loops-weeks": {"task": "loops.weeks", "schedule": 86400.0, "options": {"expires": 3600}},
    "loops-settle": {"task": "loops.settle", "schedule": 300.0, "options": {"expires": 300}},
    "digests": {"task": "digests.send", "schedule": 60.0, "options": {"expires": 60}},
    "anomalies": {"task": "anomalies.watch", "schedule": 60.0, "options": {"expires": 60}},
    "incidents": {"task": "alerts.wake", "schedule": 60.0, "options": {"expires": 60}},
    "deliver": {"task": "alerts.deliver", "schedule": 2.0, "options": {"expires": 5}},
    "remind": {"task": "alerts.remind", "schedule": 10.0, "options": {"expires": 10}},
    "channels": {"task": "alerts.tidy", "schedule": 3600.0, "options": {"expires": 600}},
    "partitions": {"task": "ledger.partitions", "schedule": 3600.0, "options": {"expires": 600}},
    "sheets": {"task": "ledger.sheets", "schedule": 120.0, "options": {"expires": 120}},
    "reprice": {"task": "ledger.reprice", "schedule": 2.0, "options": {"expires": 10}},
    "forecasts": {"task": "forecasts.issue", "schedule": 600.0, "options": {"expires": 600}},
}

# hosts and networks that outgoing calls may reach although they are not public
WEBHOOK_ALLOW = env.words("COSTWATCH_WEBHOOK_ALLOW")
# the mail server and the sender of alerts; without a server e-mail channels wait
SMTP_URL = env.text("COSTWATCH_SMTP_URL")
MAIL_FROM = env.text("COSTWATCH_MAIL_FROM", "costwatch@localhost")
# a price catalogue to take once a day; without one prices change only with the package or by hand
PRICES_URL = env.text("COSTWATCH_PRICES_URL")
if PRICES_URL:
    CELERY_BEAT_SCHEDULE["prices"] = {"task": "pricing.fetch", "schedule": 86400.0, "options": {"expires": 3600}}

BODY_LIMIT = 4 * 1024 * 1024  # bytes of a request as sent; the events it unpacks to have their own limits
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT
RATE_LIMIT = env.integer("COSTWATCH_RATE_LIMIT", 2000)  # requests a second and key; 0: none
WEB_PROCESSES = env.integer("COSTWATCH_WEB_PROCESSES", 2)  # each counts its share of that limit
# how people and messages reach this installation; up's own address where it is not given
PUBLIC_URL = env.text("COSTWATCH_URL")
# who may read /metrics and the details of /readyz from another machine
METRICS_TOKEN = _kept("COSTWATCH_METRICS_TOKEN", "metrics_token", "")
WHITENOISE_MAX_AGE = 3600  # seconds; names with a hash are kept for ever whatever this says
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # asked by probes inside, without a proxy
# what else runs under the operator's domain is not ours to bind to HTTPS
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(levelname)s %(name)s: %(message)s"},
        "json": {"()": "costwatch.logs.JsonFormatter"},
    },
    "filters": {"refusals": {"()": "costwatch.logs.Refusals"}},
    "handlers": {
        "out": {
            "class": "logging.StreamHandler",
            "formatter": "json" if env.text("COSTWATCH_LOG") == "json" else "text",
        }
    },
    "root": {"handlers": ["out"], "level": env.text("COSTWATCH_LOG_LEVEL", "WARNING").upper()},
    "loggers": {
        "costwatch": {"level": env.text("COSTWATCH_LOG_LEVEL", "INFO").upper()},
        "django.request": {"filters": ["refusals"]},
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["costwatch.accounts.drf.KeyOrMemberAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["costwatch.accounts.drf.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "costwatch.api.errors.error_answer",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "costwatch API",
    "VERSION": "1",
    "DESCRIPTION": "Send and read what LLM agents cost. Authorization: Bearer cw_…; the workspace comes from the key."
    " Lists answer items and next_cursor; every error has the shape of Refusal.",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["costwatch.api.openapi.add_reading_of_events"],
    "POSTPROCESSING_HOOKS": ["costwatch.api.openapi.add_ingest", "costwatch.api.openapi.in_order"],
    "SORT_OPERATION_PARAMETERS": False,
}
