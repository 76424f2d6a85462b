"""The top of the house: settings, URLs, the Celery application and what starts it all."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
