"""The start page: what runs, and where to read on."""

from flask import Blueprint, current_app, render_template

from qaflow import __version__
from qaflow.services import health
from qaflow.services.ports import Ports
from qaflow.store.db import db

pages = Blueprint("start", __name__)

COMMANDS = ("cycle list", "workflow list", "tick", "audit verify", "doctor", "backup FILE")


@pages.get("/")
def start() -> str:
    """Show the installation."""
    ports: Ports = current_app.extensions["qaflow"]
    state = health.readiness(db.session, ports)
    colleges = health.colleges(db.session) if state["ready"] else []
    return render_template("start.html", state=state, colleges=colleges, version=__version__, commands=COMMANDS)
