"""The words of the chains: findings with what they mean, kinds, origins, directions, systems."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from qaflow.services.chains.findings import MOST_KEY, QUICKER
from qaflow.web.places.forms import SYSTEM_WORDS

FINDINGS: dict[str, tuple[Any, Any]] = {
    "childless": (_("Goals with nothing under them"), _("A plan's goal that no other goal carries.")),
    "rootless": (_("Goals that serve none"), _("Below the first layer, and linked to no goal above.")),
    "standardless": (_("Goals without a standard"), _("Each goal needs at least one yardstick.")),
    "unmeasured": (_("Standards without an indicator"), _("What is not measured cannot be diagnosed.")),
    "conflict": (_("Goals against the one above"),
                 _("On the same indicator they aim the other way than the goal above, or at less.")),
    "overload": (_("Key goals of an overloaded owner"),
                 _("One person or unit carries more than %(most)d key goals at once.", most=MOST_KEY)),
    "no_indicator": (_("Goals without an indicator"), _("Nobody can tell by what they are measured.")),
    "no_target": (_("Goals without a target value"), _("Nobody can tell when they are reached.")),
    "no_deadline": (_("Goals without a deadline"), _("Nobody can tell by when.")),
    "no_owner": (_("Goals without an owner"), _("Neither a unit nor a person answers for them.")),
    "no_weight": (_("Goals without a weight"), _("In the sum of the goal above they count as much as the mean.")),
    "unreachable": (_("Targets out of reach"),
                    _("The deadline is over, or even %(times)d times the pace so far would not do.",
                      times=int(QUICKER))),
}  # fmt: skip
"""The kinds of finding: what they are called, and what they mean."""
GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (_("Links"), ("childless", "rootless", "conflict", "overload")),
    (_("Standards"), ("standardless", "unmeasured")),
    (_("SMART"), ("no_indicator", "no_target", "no_deadline", "no_owner", "no_weight", "unreachable")),
)
KINDS: dict[str, Any] = {"key": _("Key"), "routine": _("Routine"), "ad_hoc": _("Ad hoc")}
ORIGINS: dict[str, Any] = {
    "plan": _("Plan"), "superior": _("Order from above"), "school": _("Added by the school"),
}  # fmt: skip
DIRECTIONS: dict[str, Any] = {
    "higher": _("More is better"), "lower": _("Less is better"), "band": _("As near as may be to the target"),
}  # fmt: skip
SOURCES: dict[str, Any] = {
    "plan": _("the college's files"), "cycle": _("fixed in a cycle"), "entered": _("entered here"),
    "imported": _("imported"),
}  # fmt: skip
WHY: dict[str, Any] = {"direction": _("aims the other way"), "target": _("aims at less")}
SYSTEMS: dict[str, Any] = {**SYSTEM_WORDS, "none": _("No system")}
TASK_STATES: dict[str, tuple[str, Any]] = {
    "planned": ("ahead", _("planned")), "going": ("half", _("under way")), "done": ("passed", _("done")),
}  # fmt: skip
GAPS: dict[str, Any] = {"all": _("nothing"), "goals": _("no goal"), "standards": _("no standard")}
