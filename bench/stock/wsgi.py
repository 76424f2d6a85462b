from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from bench.stock.celery import app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.stock.settings")
application = get_wsgi_application()
__all__ = ["app", "application"]
