"""The one error tree: what went wrong, where, and what would be right.

A class gives the kind (HTTP status, exit code), the instance the stable code and the facts. The docstring is the
default message. `problem` alone turns an error into a document (RFC 9457); doors read `status` and `exit`.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

PROBLEM_TYPE = "urn:qaflow:problem:"


class QaflowError(Exception):
    """Something went wrong inside qaflow."""

    code = "internal"
    status = 500
    exit = 1

    def __init__(
        self,
        code: str | None = None,
        detail: str | None = None,
        *,
        errors: Iterable[Mapping[str, Any] | str] = (),
        **data: Any,
    ) -> None:
        """Take a stable `code`, a sentence, the single faults, and any facts worth showing (`allowed`, `at`, …)."""
        self.code = code or type(self).code
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.errors: list[Mapping[str, Any] | str] = list(errors)
        self.data: dict[str, Any] = data
        super().__init__(self.code, self.detail)

    def __str__(self) -> str:
        return self.detail

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, self.detail, self.errors, self.data)


class Invalid(QaflowError):
    """The data is not valid."""

    code = "data.invalid"
    status = 422
    exit = 3


class CorruptHistory(Invalid):
    """A stored history does not agree with itself."""

    code = "history.corrupt"
    status = 500


class Altered(QaflowError):
    """A kept file is not what was left."""

    code = "file.integrity"


class Usage(QaflowError):
    """The request cannot be understood."""

    code = "usage"
    status = 400
    exit = 2


class ConfigError(Usage):
    """A setting is missing, malformed or unsafe."""

    code = "config.invalid"
    status = 500


class Missing(QaflowError):
    """There is no such thing, or it is not yours to see."""

    code = "object.not_found"
    status = 404
    exit = 3


class Refused(QaflowError):
    """The present state does not allow this."""

    code = "transition.not_allowed"
    status = 409
    exit = 4

    @property
    def allowed(self) -> list[str]:
        """What would be allowed instead."""
        return list(self.data.get("allowed", ()))


class Stale(Refused):
    """Somebody changed it in the meantime; read it again."""

    code = "version.stale"
    status = 412


class Forbidden(QaflowError):
    """You have no right to do this."""

    code = "action.forbidden"
    status = 403
    exit = 5


class Unproven(Forbidden):
    """Who acts is not proven: set QAFLOW_TOKEN to that user's token."""

    code = "actor.unproven"
    status = 401


class Unavailable(QaflowError):
    """Something that is needed does not answer; try again later."""

    code = "service.unavailable"
    status = 503
    exit = 6


class Busy(Unavailable):
    """The database is busy; try again in a moment."""

    code = "database.busy"


def problem(error: QaflowError) -> dict[str, Any]:
    """Return the error as a problem document (RFC 9457), the same for the API and for `--json`."""
    document: dict[str, Any] = {
        "type": PROBLEM_TYPE + error.code,
        "title": _title(error),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
    }
    if error.errors:
        document["errors"] = [dict(e) if isinstance(e, Mapping) else {"detail": e} for e in error.errors]
    return document | {key: value for key, value in error.data.items() if key not in document}


def _title(error: QaflowError) -> str:
    return HTTPStatus(error.status).phrase


def _rebuild(
    kind: type[QaflowError], code: str, detail: str, errors: list[Mapping[str, Any] | str], data: dict[str, Any]
) -> QaflowError:
    return kind(code, detail, errors=errors, **data)
