"""Help: one page for each role, short."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Blueprint, abort, render_template
from flask_babel import lazy_gettext as _

from qaflow.web.access import public, viewer

pages = Blueprint("help", __name__, url_prefix="/help")


class Topic(NamedTuple):
    """One page of help, and the kinds of role it is for."""

    key: str
    title: Any
    kinds: frozenset[str]


TOPICS = (
    Topic("responsible", _("Responsible persons"), frozenset({"responsible"})),
    Topic("approver", _("Approvers"), frozenset({"approver"})),
    Topic("supervisor", _("Supervisors and leaders"), frozenset({"supervisor", "leader"})),
    Topic("office", _("Quality office"), frozenset({"quality_office", "quality_head", "quality_administrator"})),
    Topic("diagnostician", _("Quality diagnosticians"), frozenset({"diagnostician"})),
    Topic("committee", _("Committee"), frozenset({"committee"})),
    Topic("administrator", _("Administrators"), frozenset({"administrator"})),
)


@pages.get("")
@public
def index() -> str:
    """List the pages, one's own first."""
    me = viewer()
    kinds = me.kinds if me else frozenset()
    own = [topic for topic in TOPICS if topic.kinds & kinds]
    return render_template("help/index.html", own=own, others=[topic for topic in TOPICS if topic not in own])


@pages.get("/<key>")
@public
def topic(key: str) -> str:
    """Show one page."""
    found = next((topic for topic in TOPICS if topic.key == key), None)
    if found is None:
        abort(404)
    return render_template(f"help/{found.key}.html", topic=found, topics=TOPICS)
