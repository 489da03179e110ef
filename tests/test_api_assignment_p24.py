"""P24 over the API: no field that is not described is taken, at any depth, and the refusal names each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import EXCLUDE, Schema
from processes import tell
from rights.world import Rights
from test_assignment_p24 import ODD, columns

from qaflow.api import limiting

WRITES = ("post", "put", "patch")
TAG = '"1.1"'
LEAST = 60
AT_ONCE = 20
"""Fields a request: a refusal names a hundred faults at most."""
JSON = "application/json"
Document = dict[str, Any]


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Yield each operation that takes an object: method, address with numbers, schema."""
    for path, item in document["paths"].items():
        for method in WRITES:
            content = item.get(method, {}).get("requestBody", {}).get("content", {})
            if JSON in content:
                yield method.upper(), re.sub(r"{[^}]*}", "1", path), content[JSON]["schema"]


def resolved(document: Document, schema: Document) -> Document:
    """Return a schema without references and without the choice of nothing."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(name, ()):
            if resolved(document, one).get("properties"):
                return resolved(document, one)
    return schema


def filled(document: Document, schema: Document, names: list[str], at: str = "") -> tuple[Any, set[str]]:
    """Return an object that holds every foreign name at every depth, and the pointers at which they stand."""
    known = resolved(document, schema).get("properties", {})
    body: Document = {name: "1" for name in names if name not in known}
    pointers = {f"{at}/{name}" for name in body}
    for name, part in known.items():
        inner = resolved(document, part)
        several = resolved(document, inner.get("items", {})) if inner.get("type") == "array" else {}
        if inner.get("properties"):
            body[name], more = filled(document, inner, names, f"{at}/{name}")
            pointers |= more
        elif several.get("properties"):
            item, more = filled(document, several, names, f"{at}/{name}/0")
            body[name] = [item]
            pointers |= more
    return body, pointers


def taken(rights: Rights, names: list[str]) -> tuple[int, list[str]]:
    """Return how many operations were asked, and those that took a foreign field or changed anything."""
    document = rights.app.test_client().get("/api/v1/openapi.json").get_json()
    found, asked = [], 0
    for method, path, schema in operations(document):
        at = path if path.startswith("/api/") else "/api/v1" + path
        body, pointers = filled(document, schema, names)
        answer = rights.call("admin", method, at, body, TAG)
        told = answer.get_json(silent=True) or {}
        said = {one.get("pointer"): one.get("code") for one in told.get("errors", ())}
        asked += 1
        missing = sorted(p for p in pointers if said.get(p) not in ("field.unknown", "field.read_only"))
        if answer.status_code != 422 or missing or rights.changed():
            found.append(f"{method} {at}: {answer.status_code} {told.get('code')} {missing[:3]} {rights.changed()}")
        rights.restore()
    return asked, found


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one token ask as often as there are operations."""
    monkeypatch.setattr(limiting, "count", lambda *_: None)


def test_no_operation_takes_a_field_that_it_does_not_describe(rights: Rights, unhurried: None) -> None:
    names = [*columns(), *ODD]
    parts = [taken(rights, names[n : n + AT_ONCE]) for n in range(0, len(names), AT_ONCE)]
    asked, found = parts[0][0], [one for _, several in parts for one in several]

    tell(f"P24: {asked} operations x {len(names)} foreign fields, at every depth of what they take")
    assert found == []
    assert asked >= LEAST


def test_an_operation_that_passes_over_what_it_does_not_know_is_caught(
    rights: Rights, unhurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: unknown fields are dropped instead of refused."""
    plain = Schema.load
    monkeypatch.setattr(Schema, "load", lambda self, data, **more: plain(self, data, **more | {"unknown": EXCLUDE}))

    assert taken(rights, ["state", "created_by"])[1]
