"""Logs: JSON lines in HOME/logs for machines, short lines on standard error for people."""

import logging
import logging.config
import logging.handlers
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

from qaflow.errors import QaflowError
from qaflow.paths import make_private

FILE = "qaflow.log"
MAX_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5
SPOKEN = "qaflow.cli"  # the logger of internal errors: their traceback goes to the file alone
SECRET_WORDS = ("password", "secret", "token", "authorization")

Event = MutableMapping[str, Any]


class Screen(logging.StreamHandler[TextIO]):
    """Standard error as it is at that moment, without what the command line tells people itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, where there is somewhere to write it."""
        if record.name == SPOKEN or sys.stderr is None or sys.stderr.closed:
            return
        self.stream = sys.stderr  # not setStream: it would flush the former one, which may be closed
        super().emit(record)


def configure(home: Path | None, *, level: str = "WARNING") -> Path | None:
    """Send lines of `level` to standard error and all from INFO on to HOME/logs; return that file, if any."""
    logging.raiseExceptions = False  # a log that cannot be written spoils neither the work nor its output
    file = _file(home)
    handlers: dict[str, Any] = {"screen": {"()": Screen, "level": level, "formatter": "human"}}
    if file is not None:
        handlers["file"] = {
            "class": "logging.handlers.RotatingFileHandler",
            "filename": str(file),
            "maxBytes": MAX_BYTES,
            "backupCount": KEPT_FILES,
            "encoding": "utf-8",
            "errors": "backslashreplace",
            "delay": True,
            "formatter": "json",
        }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"human": _formatter(_person), "json": _formatter(structlog.processors.JSONRenderer())},
            "handlers": handlers,
            "root": {"level": "INFO", "handlers": list(handlers)},
            # Its INFO lines tell every wake-up; what a tick did stands in its own line.
            "loggers": {"apscheduler": {"level": "WARNING"}, "alembic": {"level": "WARNING"}},
        }
    )
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return file


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of that name; call it with an action and its facts: `log.info("tick.done", started=3)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _file(home: Path | None) -> Path | None:
    """Return the log file, None where there is no home yet or it cannot be written: no log is no reason to stop."""
    if home is None or not home.is_dir():
        return None
    try:
        return make_private(home / "logs") / FILE
    except QaflowError:
        return None


def _formatter(renderer: Any) -> dict[str, Any]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _shared(),
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    }


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _masked,
    ]


def _masked(_logger: object, _method: str, event: Event) -> Event:
    """Hide values whose key tells that they are secret."""
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = "***"
    return event


def _person(_logger: object, _method: str, event: Event) -> str:
    """Render one short line; the traceback stays in the file."""
    hidden = {"event", "level", "logger", "timestamp", "exception"}
    facts = " ".join(f"{key}={value}" for key, value in event.items() if key not in hidden)
    return f"{event.get('timestamp', '')} {event.get('level', '')} {event['event']} {facts}".rstrip()
