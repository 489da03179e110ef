"""The description of the API: for programs as OpenAPI 3.1, for people as a page made of it."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Blueprint, abort, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

pages = Blueprint("api_docs", __name__)
REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')
VERBS = ("get", "post", "put", "patch", "delete")


@pages.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Answer with the description as OpenAPI 3.1."""
    return jsonify(described())


@pages.get("/docs")
def docs() -> str:
    """Show what can be asked, part by part."""
    return render_template("api_docs.html", groups=_groups(described()))


@pages.get("/docs/<group>")
def part(group: str) -> str:
    """Show the operations of one part, and the shapes of what they take and give."""
    told = described()
    found = [one for one in _groups(told) if one[0] == group]
    if not found:
        abort(404)
    _, title, operations = found[0]
    shapes = _named([one for _, _, one, _ in operations], told["components"]["schemas"])
    return render_template("api_docs_part.html", title=title, operations=operations, schemas=shapes)


for view in (openapi, docs, part):
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


def _named(told: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas that a description names, and those that they name."""
    found: dict[str, Any] = {}
    waiting = [told]
    while waiting:
        for name in REFERENCE.findall(json.dumps(waiting.pop())):
            if name not in found:
                found[name] = schemas[name]
                waiting.append(schemas[name])
    return found
