"""The first page: what waits for whoever is signed in; for others what runs here, and where to read on."""

from flask import Blueprint, render_template

from qaflow import __version__
from qaflow.services.running import health
from qaflow.store.db import db
from qaflow.web.access import public, viewer
from qaflow.web.requests import ports

from . import inbox

pages = Blueprint("start", __name__)


@pages.get("/")
@public
def start() -> str:
    """Show what waits for me, or the installation."""
    if viewer() is not None:
        return inbox.index()
    state = health.readiness(db.session, ports())
    colleges = health.colleges(db.session) if state["ready"] else []
    return render_template("start.html", state=state, colleges=colleges, version=__version__)
