"""The API door: resources under `/api/v1`, each operation one call of a service."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_smorest import Api

from qaflow.api import (
    audit,
    calendars,
    chains,
    charts,
    compare,
    cycles,
    definitions,
    escalations,
    events,
    goals,
    imports,
    inbox,
    incidents,
    me,
    office,
    operations,
    overview,
    people,
    people_away,
    points,
    portraits,
    profile,
    programs,
    reading,
    readings,
    reviews,
    rounds,
    saved_filters,
    selftests,
    standards,
    subjects,
    tasks,
    units,
    warnings,
    watches,
    webhooks,
)
from qaflow.api.problems import PROBLEM_JSON, Problem
from qaflow.api.resource import Resource
from qaflow.api.schemas import named

RESOURCES: tuple[Resource, ...] = (
    me.resource,
    cycles.resource,
    inbox.resource,
    warnings.resource,
    audit.resource,
    calendars.resource,
    chains.resource,
    charts.resource,
    compare.resource,
    definitions.resource,
    escalations.resource,
    events.resource,
    goals.resource,
    imports.resource,
    incidents.resource,
    office.resource,
    operations.resource,
    overview.resource,
    people.resource,
    people_away.resource,
    points.resource,
    portraits.resource,
    profile.resource,
    programs.resource,
    readings.resource,
    reviews.resource,
    rounds.resource,
    saved_filters.resource,
    selftests.resource,
    standards.resource,
    subjects.resource,
    tasks.resource,
    units.resource,
    watches.resource,
    webhooks.resource,
)
"""Every resource; a new one is added here."""
PREFIX = "/api/v1"
UNUSED = ("ErrorSchema", "PaginationMetadataSchema")
"""Schemas that flask-smorest describes of its own, and that no operation here answers with."""
SPEC: dict[str, Any] = {
    "info": {"description": "Quality spirals of a college. How to begin: the page `docs` beside this document."},
    "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    "security": [{"bearer": []}],
}


def register(app: Flask) -> None:
    """Hang the resources and their description on the app."""
    app.config.update(API_TITLE="qaflow", API_VERSION="1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX=None)
    api = Described(app, spec_kwargs={**SPEC, "marshmallow_plugin": named()})
    app.extensions["qaflow.api"] = api
    api.spec.components.schema("Problem", schema=Problem)
    refusal = {"description": "Refused", "content": {PROBLEM_JSON: {"schema": Problem}}}
    api.spec.components.response("Problem", refusal)
    for resource in RESOURCES:
        api.register_blueprint(resource, url_prefix=PREFIX + (resource.url_prefix or ""))
    for name in UNUSED:
        api.spec.components.schemas.pop(name, None)
    app.register_blueprint(reading.pages, url_prefix=PREFIX)


class Described(Api):
    """flask-smorest's part that describes; errors are answered by the operations and by the web's handlers."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass
