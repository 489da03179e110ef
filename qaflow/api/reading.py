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
    return render_template("api_docs.html", told=told, groups=_groups(told))


for view in (openapi, docs):
    vars(view)["qaflow_public"] = True  # what stands here, stands in the manual


def described() -> dict[str, Any]:
    """Return the description."""
    found: dict[str, Any] = current_app.extensions["qaflow.api"].document()
    return found


def _groups(told: dict[str, Any]) -> list[tuple[str, str, list[tuple[str, str, Any, Any]]]]:
    """Return (name, title, operations) of each part; an operation is (method, path, itself, what its path asks)."""
    found: dict[str, list[tuple[str, str, Any, Any]]] = {}
    for path, verbs in told["paths"].items():
        for verb in VERBS:
            if verb in verbs:
                operation = verb.upper(), path, verbs[verb], verbs.get("parameters", [])
                found.setdefault(verbs[verb]["tags"][0], []).append(operation)
    titles = {one["name"]: one["description"] for one in told["tags"]}
    return [(name, titles[name], operations) for name, operations in found.items()]
