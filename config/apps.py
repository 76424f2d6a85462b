from django.contrib.admin.apps import AdminConfig


class GoodwillAdminConfig(AdminConfig):
    """Django's admin, with our site in the place of the default one."""

    default_site = "config.admin_site.GoodwillAdminSite"
