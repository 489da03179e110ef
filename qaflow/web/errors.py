"""Refusals over HTTP: a problem document (RFC 9457), or a page for people; both name the request's number."""

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from qaflow import logs
from qaflow.errors import QaflowError, Unproven, Usage, problem
from qaflow.store.db import db
from qaflow.web.access import for_people
from qaflow.web.requests import SAFE, note, reference
from qaflow.web.wording import title, told

PROBLEM_JSON = "application/problem+json"
SECRET = ("password", "token")
KEPT_SIGNS = 200_000  # of a text that is shown again

log = logs.get("qaflow.web")


def register(app: Flask) -> None:
    """Answer every error of the app in one form."""
    app.register_error_handler(QaflowError, refused)
    app.register_error_handler(CSRFError, unproven_form)
    app.register_error_handler(HTTPException, misdirected)
    app.register_error_handler(Exception, broken)


def refused(error: QaflowError) -> Response:
    """Answer with the error's own status."""
    return _answer(error, resend=isinstance(error, Unproven) and request.method not in SAFE)


def unproven_form(error: CSRFError) -> Response:
    """Answer a form that does not prove where it comes from: nothing was done, and no text is lost."""
    return _answer(Usage("csrf", error.description), resend=True)


def misdirected(error: HTTPException) -> Response:
    """Answer what the framework refuses (no such page, method, host) in our form, its headers kept."""
    told_ = QaflowError(f"http.{error.code}", error.description)
    told_.status = error.code or 500
    response = _answer(told_)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def broken(error: Exception) -> Response:
    """Log the traceback and tell nothing of it."""
    log.error("web.internal", exc_info=error, path=request.path)
    return _answer(QaflowError())


def _answer(error: QaflowError, resend: bool = False) -> Response:
    db.session.rollback()
    note(error.code)
    document = problem(error) | {"request_id": reference()}
    if for_people():
        kept = _kept() if resend else None
        page = render_template("error.html", problem=document, title=title(error.status), told=told(error), kept=kept)
        response = make_response(page)
    else:
        response = jsonify(document)
        response.mimetype = PROBLEM_JSON
    response.status_code = error.status
    return response


def _kept() -> list[tuple[str, str]] | None:
    """Return what was entered, secrets left out, to be sent again; None where there is nothing to keep."""
    found = [(name, value[:KEPT_SIGNS]) for name, value in request.form.items(multi=True) if not _secret(name)]
    return found or None


def _secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET)
