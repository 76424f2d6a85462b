"""Logging: structured, with the correlation id on every line and no secret on any."""

from __future__ import annotations

import logging.config
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from wire import correlation
from wire.redaction import redact


def _add_correlation_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if correlation_id := correlation.current():
        event["correlation_id"] = correlation_id
    return event


def _drop_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Django hands on its request object, whose text is the whole address: a client's secret may stand in its query."""
    event.pop("request", None)
    return event


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    cleaned: EventDict = redact(dict(event))
    return cleaned


def _redact_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """After the traceback was made text: an exception's message may quote what it choked on."""
    if isinstance(event.get("exception"), str):
        event["exception"] = redact(event["exception"])
    return event


def logging_config(level: str, style: str) -> dict[str, Any]:
    """The dictionary for `logging.config`, also applied at once so that start-up messages are formatted too."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        _drop_request,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_correlation_id,
    ]
    final: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _redact_exception,
        _redact,
        structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=False),
    ]
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": final,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # At INFO they print one line per task or message; the audit trail already tells what was done.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "urllib3": {"level": "INFO"},  # at DEBUG it would print request lines
            "oauthlib": {"level": "INFO"},  # at DEBUG it prints the tokens that it issues
        },
    }
    logging.config.dictConfig(config)
    return config
