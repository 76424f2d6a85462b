"""E5; with and without a trailing slash, never a redirect."""

from django.urls import re_path

from goodwill.api.views import GoodwillHistoryViewSet

urlpatterns = [
    re_path(
        r"^v2/customers/goodwillRequest/?$", GoodwillHistoryViewSet.as_view({"get": "list"}), name="goodwill-history"
    ),
    re_path(
        r"^v2/customers/(?P<customer_id>[^/]+)/goodwillRequest/?$",
        GoodwillHistoryViewSet.as_view({"get": "of_customer"}),
        name="goodwill-history-of-customer",
    ),
]
