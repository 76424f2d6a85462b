"""E1 to E4, and the preview of E1; with and without a trailing slash, never a redirect."""

from django.urls import re_path

from workflows.api.views import RequestWorkflowViewSet

_PREFIX = r"^api_gateway/v2/request-workflow"

urlpatterns = [
    re_path(_PREFIX + r"/requests/?$", RequestWorkflowViewSet.as_view({"get": "list"}), name="request-list"),
    re_path(
        _PREFIX + r"/requests/(?P<request_id>[^/]+)/?$",
        RequestWorkflowViewSet.as_view({"get": "retrieve"}),
        name="request-detail",
    ),
    re_path(
        _PREFIX + r"/(?P<request_type>[^/]+)/preview/?$",
        RequestWorkflowViewSet.as_view({"post": "preview"}),
        name="request-preview",
    ),
    re_path(
        _PREFIX + r"/(?P<request_type>[^/]+)/?$",
        RequestWorkflowViewSet.as_view({"post": "create", "put": "update"}),
        name="request-workflow",
    ),
]
