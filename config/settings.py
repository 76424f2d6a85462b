"""Django's settings, made from the environment alone: the same program in development and in production."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from celery.schedules import crontab
from csp.constants import NONE, SELF

from config import environment, mail
from config.logs import logging_config

env = environment.read()
BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.SECRET_KEY
DEBUG = False
ALLOWED_HOSTS = env.ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = env.CSRF_TRUSTED_ORIGINS

INSTALLED_APPS = [
    "config.apps.GoodwillAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "oauth2_provider",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "accounts",
    "workflows",
    "goodwill",
]

MIDDLEWARE = [
    "wire.correlation.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "wire.desk.CSPMiddleware",
    "wire.desk.SessionMiddleware",
    "wire.language.DeskLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "wire.desk.AuthenticationMiddleware",
    "wire.desk.OTPMiddleware",
    "wire.desk.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# One pool per process; a request or task borrows a connection, so that none is opened in steady state.
DATABASES: dict[str, Any] = {
    "default": {
        **dj_database_url.parse(env.DATABASE_URL, engine="wire.postgresql"),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,  # wire.postgresql looks at each connection that is borrowed
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {
            "pool": {
                "min_size": 1,
                "max_size": env.DATABASE_POOL_SIZE,
                "timeout": 5,
                # Its pauses between two tries double until this is over: with the default of 300 s, a database that
                # was away for a minute would be missed for up to another one.
                "reconnect_timeout": 3,
                "max_lifetime": 3600,
            },
            "application_name": "goodwill",
            "connect_timeout": 5,
            # Compiling a query that sums what waits took longer than running it. What is read lies in memory or on a
            # disk without a moving head: at the default of 4, a page of a list read all that waits, past its index.
            "options": "-c jit=off -c random_page_cost=1.1",
        },
    }
}
PREPARED_STATEMENTS = env.DATABASE_PREPARED_STATEMENTS  # those of wire.prepared; Django itself prepares nothing
if env.DATABASE_REPLICA_URL:
    # Lists and exports only, and never a write (accounts.replica).
    DATABASES["replica"] = {
        **DATABASES["default"],
        **dj_database_url.parse(env.DATABASE_REPLICA_URL, engine="wire.postgresql"),
        "OPTIONS": {
            **DATABASES["default"]["OPTIONS"],
            "options": f"{DATABASES['default']['OPTIONS']['options']} -c default_transaction_read_only=on",
        },
        "CONN_MAX_AGE": DATABASES["default"]["CONN_MAX_AGE"],
        "CONN_HEALTH_CHECKS": DATABASES["default"]["CONN_HEALTH_CHECKS"],
        "TEST": {"MIRROR": "default"},
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Its own database: clearing a cache must never empty the queue.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.CACHE_URL or f"{env.CELERY_BROKER_URL.rpartition('/')[0]}/15",
        "KEY_PREFIX": "goodwill",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}
TRUSTED_PROXIES = env.TRUSTED_PROXIES

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PeopleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "accounts.hashers.GeneratedSecretHasher",
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

OTP_TOTP_ISSUER = "Goodwill"
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": env.OAUTH_TOKEN_TTL_SECONDS,
    "CLIENT_SECRET_HASHER": "sha256_generated",
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,  # only checksums of tokens are stored
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "SCOPES": {"gateway": "The request-workflow gateway"},
    "DEFAULT_SCOPES": ["gateway"],
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
}
OAUTH_TOKEN_TTL_SECONDS = env.OAUTH_TOKEN_TTL_SECONDS
UI_TOKEN_KEYS = env.UI_TOKEN_KEYS
UI_TOKEN_ALGORITHM = env.UI_TOKEN_ALGORITHM
UI_TOKEN_TTL_SECONDS = env.UI_TOKEN_TTL_SECONDS
UI_TOKEN_ISSUER = env.UI_TOKEN_ISSUER
UI_TOKEN_AUDIENCE = env.UI_TOKEN_AUDIENCE
FIELD_ENCRYPTION_KEYS = env.FIELD_ENCRYPTION_KEYS

DECISION_WAIT_SECONDS = env.DECISION_WAIT_SECONDS
DECISION_WAITERS = env.DECISION_WAITERS
INTOUCH_CONNECT_SECONDS = env.INTOUCH_CONNECT_SECONDS
INTOUCH_READ_SECONDS = env.INTOUCH_READ_SECONDS
INTOUCH_TOTAL_SECONDS = env.INTOUCH_TOTAL_SECONDS
INTOUCH_LEASE_SECONDS = env.INTOUCH_LEASE_SECONDS
INTOUCH_MAX_TRIES = env.INTOUCH_MAX_TRIES
INTOUCH_MAX_AGE_HOURS = env.INTOUCH_MAX_AGE_HOURS
INTOUCH_BACKOFF_SECONDS = env.INTOUCH_BACKOFF_SECONDS
INTOUCH_BACKOFF_MOST_SECONDS = env.INTOUCH_BACKOFF_MOST_SECONDS
INTOUCH_SETTLE_SECONDS = env.INTOUCH_SETTLE_SECONDS
INTOUCH_BREAKER_FAILURES = env.INTOUCH_BREAKER_FAILURES
INTOUCH_BREAKER_SECONDS = env.INTOUCH_BREAKER_SECONDS
INTOUCH_ALLOW_LOOPBACK = env.INTOUCH_ALLOW_LOOPBACK
METRICS_TOKEN = env.METRICS_TOKEN
SWEEP_SECONDS = env.SWEEP_SECONDS

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.GatewayAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["wire.rest.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["wire.rest.GatewayJSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "wire.handler.exception_handler",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "wire.rest.AlwaysJSON",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static-collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

# Without EMAIL_URL nobody is told anything by mail, and nothing is kept to be sent.
MAIL_ON = bool(env.EMAIL_URL)
PUBLIC_URL = env.PUBLIC_URL
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.EMAIL_FROM
EMAIL_TIMEOUT = 10
_MAIL_SERVER = mail.read(env.EMAIL_URL)
EMAIL_BACKEND = _MAIL_SERVER.backend
EMAIL_HOST = _MAIL_SERVER.host
EMAIL_PORT = _MAIL_SERVER.port
EMAIL_HOST_USER = _MAIL_SERVER.user
EMAIL_HOST_PASSWORD = _MAIL_SERVER.password
EMAIL_USE_TLS = _MAIL_SERVER.starts_tls
EMAIL_USE_SSL = _MAIL_SERVER.is_tls

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if env.HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.HTTPS_ONLY
SECURE_HSTS_PRELOAD = env.HTTPS_ONLY
SESSION_COOKIE_SECURE = env.HTTPS_ONLY
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_SECURE = env.HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = True
if env.PROXY_SENDS_FORWARDED_PROTO:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# The database row is the truth: a message is a hint that carries an id, and losing or repeating it is harmless.
# What each value was measured to do stands in docs/adr/0006-the-row-is-the-queue.md.
CELERY_BROKER_URL = env.CELERY_BROKER_URL
CELERY_BROKER_TRANSPORT = "config.worker:TolerantTransport"
CELERY_WORKER_CONSUMER = "config.worker:TolerantConsumer"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.INTOUCH_TOTAL_SECONDS
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": max(120, int(3 * env.INTOUCH_LEASE_SECONDS)),
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 25,
}
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "workflows.sweep",
        "schedule": env.SWEEP_SECONDS,
        # A sweep that nobody took before the next one is due is worth nothing.
        "options": {"expires": env.SWEEP_SECONDS},
    },
    "sweep-bulk": {
        "task": "workflows.sweep_bulk",
        "schedule": env.SWEEP_SECONDS,
        "options": {"expires": env.SWEEP_SECONDS},
    },
    "be-patient": {
        "task": "workflows.be_patient",
        "schedule": env.PATIENCE_SECONDS,
        "options": {"expires": env.PATIENCE_SECONDS},
    },
    "check-people": {"task": "workflows.check_people", "schedule": crontab(hour=env.NIGHTLY_HOUR, minute=0)},
    "close-days": {"task": "workflows.close_days", "schedule": 900.0, "options": {"expires": 900.0}},
}
if MAIL_ON:
    CELERY_BEAT_SCHEDULE["mail"] = {"task": "workflows.deliver_mail", "schedule": 30.0, "options": {"expires": 30.0}}

LOGGING_CONFIG = None
LOGGING = logging_config(env.LOG_LEVEL, env.LOG_FORMAT)
SILENCED_SYSTEM_CHECKS: list[str] = []

SPECTACULAR_SETTINGS = {
    "TITLE": "Goodwill: maker-checker service for loyalty programmes",
    "VERSION": "2.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "PREPROCESSING_HOOKS": ["config.openapi.clean_paths"],
    "POSTPROCESSING_HOOKS": ["config.openapi.introduce", "config.openapi.drop_titles"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "COMPONENT_SPLIT_REQUEST": False,
    "SCHEMA_PATH_PREFIX": "",
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}
