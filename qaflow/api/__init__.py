"""The API door: resources under `/api/v1`, each operation one call of a service."""

from __future__ import annotations

from threading import Lock
from typing import Any

from flask import Flask
from flask_smorest import Api

from qaflow.api import (
    audit,
    calendars,
    chains,
    channels,
    charts,
    compare,
    cycle_files,
    cycle_frame,
    cycles,
    definitions,
    escalations,
    events,
    feeds,
    frame,
    frame_changes,
    frame_coverage,
    goals,
    imports,
    inbox,
    incidents,
    limiting,
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
    signin,
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
    channels.resource,
    charts.resource,
    compare.resource,
    cycle_files.resource,
    cycle_frame.resource,
    definitions.resource,
    escalations.resource,
    events.resource,
    frame.resource,
    frame_changes.resource,
    frame_coverage.resource,
    feeds.resource,
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
    signin.resource,
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
    """Hang the resources on the app, and what describes them when it is asked."""
    app.config.update(API_TITLE="qaflow", API_VERSION="1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX=None)
    api = Described(app, spec_kwargs={**SPEC, "marshmallow_plugin": named()})
    app.extensions["qaflow.api"] = api
    for resource in RESOURCES:
        api.register_blueprint(resource, url_prefix=PREFIX + (resource.url_prefix or ""))
    app.register_blueprint(reading.pages, url_prefix=PREFIX)
    limiting.register(app)


class Described(Api):
    """flask-smorest's part that describes; errors are answered by the operations and by the web's handlers.

    Describing takes longer than all else that is done at the start, and most processes are never asked for it.
    """

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask, **options: Any) -> None:
        """Begin with nothing registered and nothing described."""
        self._registered: list[Resource] = []
        self._document: dict[str, Any] | None = None
        self._describing = Lock()
        super().__init__(app, **options)

    def register_blueprint(self, blp: Resource, **options: Any) -> None:
        """Let a resource's operations be found; they are described with all others."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._registered.append(blp)

    def document(self) -> dict[str, Any]:
        """Return the description, made when it is first asked for."""
        with self._describing:
            if self._document is None:
                self._document = self._described()
            return self._document

    def _described(self) -> dict[str, Any]:
        refusal = {"description": "Refused", "content": {PROBLEM_JSON: {"schema": Problem}}}
        self.spec.components.schema("Problem", schema=Problem).response("Problem", refusal)
        for resource in self._registered:
            resource.register_views_in_doc(self, self._app, self.spec, name=resource.name, parameters=None)
            self.spec.tag({"name": resource.tag, "description": resource.description})
        for name in UNUSED:
            self.spec.components.schemas.pop(name, None)
        found: dict[str, Any] = self.spec.to_dict()
        return found

    def _register_error_handlers(self) -> None:
        pass
