"""What the pages of samples and freezes say, in words for people."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _

from qaflow.services.auditing.freeze_checks import CHANGED, MISSING, SAME
from qaflow.web.language import pair
from qaflow.web.words import clock, college, day

FACTS: dict[str, Any] = {
    "SampleDrawn": _("Sample drawn for a review"),
    "EvidenceFrozen": _("Evidence frozen for an outside review"),
    "EvidenceReleased": _("Freeze of evidence lifted"),
}
"""Kinds of fact that reviews leave in a college's stream."""
STATES: dict[str, tuple[str, Any, str]] = {
    SAME: ("passed", _("as it was frozen"), "ok"),
    CHANGED: ("late", _("changed"), "late"),
    MISSING: ("late", _("missing"), "late"),
}
"""How a file stands: shape, word and colour."""


def moment(at: str) -> str:
    """Return an instant as people write it."""
    of, view = datetime.fromisoformat(at), college()
    return f"{day(view.calendar.local_day(of) if view else date.fromisoformat(at[:10]), True)} {clock(of)}"


def layer(key: str | None) -> str:
    """Return the name of a layer; without one, all of them."""
    view = college()
    found = next((one for one in view.config.layers if one.key == key), None) if view and key else None
    return pair(found.name) if found else str(key or _("All layers"))


def track(of_layer: str, key: str) -> str:
    """Return the name of a track."""
    view = college()
    found = view.config.track_by_key.get((of_layer, key)) if view else None
    return pair(found.name) if found else key
