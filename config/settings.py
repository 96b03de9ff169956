"""Every setting, from the environment alone; what a name means stands in `.env.example`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from config.beat import SCHEDULE
from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
if env.bool("READ_DOT_ENV", default=True) and (BASE_DIR / ".env").is_file():
    env.read_env(str(BASE_DIR / ".env"))

# --- the process -----------------------------------------------------------------------------
# Empty is refused by Django on first use and named by the system check postern.E001.
SECRET_KEY = env.str("SECRET_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
PUBLIC_URL = env.address("PUBLIC_URL")
_public = urlsplit(PUBLIC_URL)
# The host of PUBLIC_URL always answers: Amazon SNS comes there.
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[]) + ([_public.hostname] if _public.hostname else [])
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if _public.hostname else []
POSTERN_VAR = Path(env.str("POSTERN_VAR", default=str(BASE_DIR / "var")))
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
# Who signs in is counted by address, and behind a proxy all share the proxy's.
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
ADMIN_PATH = env.str("ADMIN_PATH", default="admin/").strip("/") + "/"
IS_SERVED_OVER_TLS = _public.scheme == "https"

# --- stores ----------------------------------------------------------------------------------
# None is refused by Django on first use and named by postern.E014: no command may write to a store that nobody named.
DATABASES = {"default": env.db("DATABASE_URL")}
_database = DATABASES["default"]
if _database.get("ENGINE") == "django.db.backends.sqlite3":
    # IMMEDIATE takes the write lock at BEGIN: a transaction that reads first can not die of SQLITE_BUSY later.
    _database.setdefault("OPTIONS", {}).update(
        {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=30000;",
        }
    )
    _database["CONN_MAX_AGE"] = None
else:
    # A server that hangs, or a line that is cut without a word, is noticed in seconds and not in hours.
    _patience = {"connect_timeout": 5, "tcp_user_timeout": 15_000, "keepalives_idle": 15, "keepalives_interval": 5}
    _database["OPTIONS"] = _patience | _database.get("OPTIONS", {})
    _database["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
    _database["CONN_HEALTH_CHECKS"] = True
DATABASE_STATEMENT_TIMEOUT = env.float("DATABASE_STATEMENT_TIMEOUT", default=30.0)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    # A cache that is silent may cost one request a second, and no request its answer.
    CACHES["default"]["BACKEND"] = "config.redis_cache.SparingRedisCache"
    _patience = {"socket_connect_timeout": 1, "socket_timeout": 1}
    CACHES["default"]["OPTIONS"] = _patience | CACHES["default"].get("OPTIONS", {})

# --- the worker ------------------------------------------------------------------------------
# Celery is a doorbell and a clock; the queue of record is the database, so a lost message only delays.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="safefs://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A worker that gave up after a hundred tries would be away when Redis is back.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 3
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
if CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "socket_timeout": 3,
        "socket_connect_timeout": 2,
        "visibility_timeout": 300,
        # A ring that fails is not rung again while somebody waits; the worker and beat reconnect by settings of theirs.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
    }
elif CELERY_BROKER_URL.startswith("safefs"):
    _broker = env.folder("POSTERN_VAR", default=POSTERN_VAR) / "broker"
    _broker.mkdir(exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker),
        "data_folder_out": str(_broker),
        "control_folder": str(_broker),
        "polling_interval": 0.2,
    }
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_ACCEPT_CONTENT = ["json"]
# In memory: two beats may run side by side, on a disk that is read-only, and share no file that one could spoil.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = SCHEDULE

# --- AWS -------------------------------------------------------------------------------------
# boto3 reads the standard AWS_* names by itself, AWS_ENDPOINT_URL included; we only need to know whether it is set.
AWS_ENDPOINT_URL = env.address("AWS_ENDPOINT_URL")
ENVIRONMENT = env.str("ENVIRONMENT", default="sandbox" if AWS_ENDPOINT_URL else "production")
SES_REGIONS: tuple[str, ...] = tuple(
    env.list("SES_REGIONS", default=[env.str("AWS_REGION", default=env.str("AWS_DEFAULT_REGION", default="us-east-1"))])
)
INSTALLATION_ID = env.str("INSTALLATION_ID", default="postern")
INBOUND_BUCKET = env.str("INBOUND_BUCKET", default="")
INBOUND_PREFIX = env.str("INBOUND_PREFIX", default="incoming/")
SNS_TOPIC_NAME = env.str("SNS_TOPIC_NAME", default="postern-inbound")
SNS_ALLOWED_TOPICS: tuple[str, ...] = tuple(env.list("SNS_ALLOWED_TOPICS", default=[]))
SNS_TRUSTED_CERTIFICATES = env.str("SNS_TRUSTED_CERTIFICATES", default="")
SES_CALLS_PER_SECOND = env.float("SES_CALLS_PER_SECOND", default=1.0)
RECEIPT_RULE_RECIPIENTS = env.int("RECEIPT_RULE_RECIPIENTS", default=100)
SWEEP_AFTER_SECONDS = env.int("SWEEP_AFTER_SECONDS", default=3600)

# --- DNS -------------------------------------------------------------------------------------
DNS_RESOLVERS: tuple[str, ...] = tuple(env.list("DNS_RESOLVERS", default=[]))
DNS_AUTHORITATIVE_PORT = env.int("DNS_AUTHORITATIVE_PORT", default=53)
# Given but empty is a wish too: none.
_special = ["test", "example"] if AWS_ENDPOINT_URL and not env.is_given("ALLOWED_SPECIAL_TLDS") else []
ALLOWED_SPECIAL_TLDS = frozenset(env.list("ALLOWED_SPECIAL_TLDS", default=_special))
CLOUDFLARE_API_URL = env.address("CLOUDFLARE_API_URL") or "https://api.cloudflare.com/client/v4"
SERVES_UNASSIGNED_ZONES = env.bool("SERVES_UNASSIGNED_ZONES", default=bool(AWS_ENDPOINT_URL))

# --- limits ----------------------------------------------------------------------------------
MAIL_RETENTION_DAYS = env.int("MAIL_RETENTION_DAYS", default=90)
MAX_PENDING_DOMAINS = env.int("MAX_PENDING_DOMAINS", default=25)
MAX_DOMAINS = env.int("MAX_DOMAINS", default=1000)
MAX_RESTARTS_PER_DAY = env.int("MAX_RESTARTS_PER_DAY", default=5)
MAX_TEST_MAILS_PER_DAY = env.int("MAX_TEST_MAILS_PER_DAY", default=200)
API_RATE_LIMIT = env.str("API_RATE_LIMIT", default="600/min")
DEFAULT_LOCAL_PART = env.str("DEFAULT_LOCAL_PART", default="support")
WEBHOOK_ALLOWED_TARGETS = env.networks("WEBHOOK_ALLOWED_TARGETS")
ENCRYPTION_KEYS: tuple[str, ...] = tuple(env.list("ENCRYPTION_KEYS", default=[]))
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- where each contract is mounted ------------------------------------------------------------
CUSTOM_EMAIL_PREFIX = env.str("CUSTOM_EMAIL_PREFIX", default="").strip("/")
EMAIL_DOMAINS_PREFIX = env.str("EMAIL_DOMAINS_PREFIX", default="").strip("/")
SES_SETUPS_PREFIX = env.str("SES_SETUPS_PREFIX", default="").strip("/")
DOMAINS_BY_NAME_PREFIX = env.str("DOMAINS_BY_NAME_PREFIX", default="").strip("/")
DOMAINS_SERVICE_PREFIX = env.str("DOMAINS_SERVICE_PREFIX", default="").strip("/")
C4_JSON_CASE = env.word("C4_JSON_CASE", among=("snake", "camel"), default="snake")

# --- mail that the product itself sends --------------------------------------------------------
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"postern@{_public.hostname or 'localhost'}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10

# --- Django ------------------------------------------------------------------------------------
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
AUTH_USER_MODEL = "accounts.User"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "template_partials",
    "csp",
    "rest_framework",
    "aws",
    "accounts",
    "webhooks",
    "domains",
    "channels",
    "inbound",
    "dashboard",
    "api",
]

MIDDLEWARE = [
    "api.request_id.RequestIdMiddleware",
    "config.head.HeadMiddleware",
    "config.doors.DoorMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

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
            ],
        },
    }
]

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

# --- who signs in ------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/app/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
# Organizations are made by staff or by `create_organization`: a stranger who could sign up would have none.
ACCOUNT_ADAPTER = "accounts.sign_in.InvitedOnlyAdapter"

# --- safety of the browser ---------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_SERVED_OVER_TLS
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if IS_SERVED_OVER_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "SAMEORIGIN"
# Our domain's other names are not ours to bind (W005, W021), the TLS proxy redirects (W008), mail has a frame (W019).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W019", "security.W021"]
CONTENT_SECURITY_POLICY = {
    # unfold's admin uses inline Alpine expressions, which a strict policy forbids.
    "EXCLUDE_URL_PREFIXES": [f"/{ADMIN_PATH}"],
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}

# --- DRF: only what is the same for every contract; each contract brings its own envelope ---------
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}

UNFOLD = {"SITE_TITLE": "Postern", "SITE_HEADER": "Postern", "SHOW_HISTORY": True, "SITE_URL": "/app/"}

LOG_LEVEL = env.word("LOG_LEVEL", among=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "api.request_id.RequestIdFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.request": {"level": "ERROR"},
        # Scanners ask by address and for other people's names, all day; the answer is 400.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "botocore": {"level": "WARNING"},
        "urllib3": {"level": "ERROR"},
    },
}
