"""The description of the API: for programs as OpenAPI 3.1, for people as a page made of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

pages = Blueprint("api_docs", __name__)
VERBS = ("get", "post", "put", "patch", "delete")


@pages.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Answer with the description as OpenAPI 3.1."""
    return jsonify(described())


@pages.get("/docs")
def docs() -> str:
    """Show the description as a page."""
    told = described()
    return render_template("api_docs.html", told=told, operations=list(_operations(told)))


for view in (openapi, docs):
    view.qaflow_public = True  # type: ignore[attr-defined] - what stands here, stands in the manual


def described() -> dict[str, Any]:
    """Return the description."""
    found: dict[str, Any] = current_app.extensions["qaflow.api"].spec.to_dict()
    return found


def _operations(told: dict[str, Any]) -> Any:
    for path, verbs in told["paths"].items():
        for verb in VERBS:
            if verb in verbs:
                yield verb.upper(), path, verbs[verb], verbs.get("parameters", [])
