"""What DRF needs to speak the wire: the parser, the renderer, and no negotiation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from wire import strict_json
from wire.errors import MalformedBody


class StrictJSONParser(BaseParser):
    """`application/json` in UTF-8, read by `strict_json.parse`; nothing else is taken."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        charset = declared_charset(media_type)
        if charset not in ("", "utf-8", "utf8"):
            raise MalformedBody("The body must be UTF-8.", reference="Content-Type")
        try:
            # One byte more than allowed is enough to know; the rest of a huge body is never read.
            return strict_json.parse(stream.read(strict_json.MAX_BYTES + 1))
        except RequestDataTooBig:
            raise MalformedBody(f"The body cannot be read: it is longer than {strict_json.MAX_BYTES} bytes.") from None
        except strict_json.InvalidJSON as error:
            raise MalformedBody(f"The body cannot be read: {error}.") from None


def declared_charset(media_type: str | None) -> str:
    """The charset parameter of a content type, lower case, or an empty text."""
    for parameter in (media_type or "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


class GatewayJSONRenderer(BaseRenderer):
    """Compact JSON; a `Decimal` is a number and keeps its digits."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else strict_json.dumps(data).encode()


class AlwaysJSON(BaseContentNegotiation):
    """The gateway speaks JSON whatever `Accept` says: an error must never become an HTML page."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next((parser for parser in parsers if _matches(parser, request.content_type)), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or "application/json"


def _matches(parser: BaseParser, content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == parser.media_type
