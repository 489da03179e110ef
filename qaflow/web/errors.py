"""Refusals over HTTP: a problem document (RFC 9457), or a page for people."""

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from qaflow import logs
from qaflow.errors import QaflowError, problem

PROBLEM_JSON = "application/problem+json"

log = logs.get("qaflow.web")


def register(app: Flask) -> None:
    """Answer every error of the app in one form."""
    app.register_error_handler(QaflowError, refused)
    app.register_error_handler(HTTPException, misdirected)
    app.register_error_handler(Exception, broken)


def refused(error: QaflowError) -> Response:
    """Answer with the error's own status."""
    return _answer(error)


def misdirected(error: HTTPException) -> Response:
    """Answer what the framework refuses (no such page, method, host) in our form, its headers kept."""
    told = QaflowError(f"http.{error.code}", error.description)
    told.status = error.code or 500
    response = _answer(told)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def broken(error: Exception) -> Response:
    """Log the traceback and tell nothing of it."""
    log.error("web.internal", exc_info=error, path=request.path)
    return _answer(QaflowError())


def _answer(error: QaflowError) -> Response:
    document = problem(error)
    if request.accept_mimetypes.best_match(["application/json", PROBLEM_JSON, "text/html"]) == "text/html":
        response = Response(render_template("error.html", problem=document), mimetype="text/html")
    else:
        response = jsonify(document)
        response.mimetype = PROBLEM_JSON
    response.status_code = error.status
    return response
