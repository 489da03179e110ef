"""Probes for whoever watches the server."""

from flask import Blueprint, Response, current_app, jsonify

from qaflow.services.ports import Ports
from qaflow.services.running import health
from qaflow.store.db import db
from qaflow.web.access import public

probes = Blueprint("probes", __name__)


@probes.get("/healthz")
@public
def alive() -> Response:
    """Tell that the process answers; nothing else is asked."""
    return jsonify(status="ok")


@probes.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """Tell whether work can be done: database, schema, last tick, disk."""
    ports: Ports = current_app.extensions["qaflow"]
    state = health.readiness(db.session, ports)
    return jsonify(state), 200 if state["ready"] else 503
