"""Token endpoints; with and without a trailing slash, never a redirect."""

from django.urls import re_path

from accounts.api.standard_oauth import StandardRevoke, StandardToken
from accounts.api.views import GenerateOAuthToken, IssueUIToken, RevokeUITokens

urlpatterns = [
    re_path(r"^v3/oauth/token/generate/?$", GenerateOAuthToken.as_view(), name="oauth-token-generate"),
    re_path(r"^auth/ui-token/?$", IssueUIToken.as_view(), name="ui-token"),
    re_path(r"^auth/ui-token/revoke/?$", RevokeUITokens.as_view(), name="ui-token-revoke"),
    re_path(r"^oauth2/token/?$", StandardToken.as_view(), name="oauth2-token"),
    re_path(r"^oauth2/revoke_token/?$", StandardRevoke.as_view(), name="oauth2-revoke-token"),
]
