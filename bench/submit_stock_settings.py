"""The service's settings with the stock service of `bench.submit_opponents` in the place of its own."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.submit_stock_urls"
# As `django-admin startproject` gives it, and a pool, which the service has as well.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
REST_FRAMEWORK: dict[str, object] = {}
