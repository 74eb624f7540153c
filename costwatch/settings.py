"""Settings, all from the environment (docs/settings.md lists them; a test keeps the two equal)."""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from costwatch import env

PACKAGE = Path(__file__).resolve().parent
BASE_DIR = PACKAGE.parent


def _shipped(name: str) -> Path:
    """A folder of the checkout or, in an installed wheel, its copy inside the package."""
    packed = PACKAGE / f"_{name}"
    return packed if packed.is_dir() else BASE_DIR / name


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "costwatch",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATA_DIR = env.default_data_dir()
DEBUG = env.flag("COSTWATCH_DEBUG", False)
SECRET_KEY = env.text("COSTWATCH_SECRET_KEY") or "only-for-tests-and-checks-a-started-installation-makes-its-own-key"
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
    "costwatch.dashboards",
    "costwatch.api",
    "ingest",
]

MIDDLEWARE = [
    "costwatch.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
DATABASES = {"default": _database(DATABASE_URL)}
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
SECURE_HSTS_SECONDS = env.integer("COSTWATCH_HSTS_SECONDS", 0)
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
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

BROKER_URL = env.text("BROKER_URL")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["costwatch.accounts.drf.KeyOrMemberAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["costwatch.accounts.drf.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "costwatch.api.errors.error_answer",
}
