from django.contrib.admin.apps import AdminConfig

from config.celery import app as celery_app

__all__ = ["GoodwillAdminConfig", "celery_app"]


class GoodwillAdminConfig(AdminConfig):
    """Django's admin, with our site in the place of the default one; and the Celery application, made known."""

    default_site = "config.admin_site.GoodwillAdminSite"
