"""What a migration says of a cycle, in words: where it stands, where it lands, why it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from qaflow.web.wording import FAULTS

from .words import Speaker

WHY: dict[str, Any] = {
    "ended": _("It has ended meanwhile."),
    "stage_gone": _("It stands in “%(stage)s”, which the new version does not have. Say above which it is now."),
    "state_gone": _("It stands in a state of “%(stage)s” that the new version does not have."),
    "decision_pending": _("A decision on “%(stage)s” is pending, and the new version decides nothing there."),
    "merged": _("Two stages that were walked would become one."),
    "walked_gone": _("It has walked “%(stage)s”, which the new version does not have."),
    "order": _("It has walked the stages in another order than the new version's."),
    "not_walked": _("The new version has “%(stage)s” before, which was not walked."),
}


def why(item: Mapping[str, Any], say: Speaker) -> str:
    """Return why a cycle cannot move."""
    code = str(item["code"])
    if code in WHY:
        return str(WHY[code]) % {"stage": say.stage(item["stage"])}
    return str(FAULTS.get(code) or gettext("This cannot be said in words; the command line gives the details."))
