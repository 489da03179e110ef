"""What a cycle's page says is still missing or not right, with the labels of the fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, ngettext

from qaflow.services.cycles.page import CyclePage
from qaflow.web.language import pair


def missing(page: CyclePage) -> list[str]:
    """Return what the current stage still lacks before it can be submitted."""
    found = [lack(page, fault) for fault in page.missing]
    if page.snap.stage == page.definition.hinge and page.warnings:
        many = len(page.warnings)
        found.append(ngettext("%(num)d warning is open", "%(num)d warnings are open", many))
    if page.children:
        found.append(ngettext("%(num)d cycle below still runs", "%(num)d cycles below still run", page.children))
    return found


def lack(page: CyclePage, fault: Mapping[str, Any]) -> str:
    """Return one fault of the gate in words, with its field's label."""
    if fault["code"] == "gate.evidence":
        wanted = page.definition.by_key[page.snap.stage].evidence
        return str(gettext("Evidence: %(have)d of %(want)d files", have=page.evidence, want=wanted))
    if fault["code"] == "gate.frame":
        codes = fault["message"].rpartition(": ")[2]
        return str(gettext("Points of the frame without an answer: %(codes)s", codes=codes))
    if fault["code"] == "gate.condition":
        return str(gettext("Condition not met: %(text)s", text=fault["message"].partition(": ")[2]))
    name = label(page, fault["pointer"])
    if fault["code"] == "gate.required":
        return str(gettext("%(field)s is to be filled in", field=name))
    return str(gettext("%(field)s is not right yet", field=name))


def brief(fault: Mapping[str, Any]) -> str:
    """Return what is wrong with one field."""
    if fault["code"] == "gate.required":
        return str(gettext("to be filled in"))
    if fault["code"] == "field.unknown":
        return str(gettext("this field does not exist"))
    return str(gettext("not right yet"))


def label(page: CyclePage, pointer: str) -> str:
    """Return the label of a field of the current stage's form, with its row."""
    parts = pointer.split("/")
    fields = {f.key: f for f in page.definition.by_key[page.snap.stage].form}
    field = fields.get(parts[0])
    if field is None:
        return pointer
    if len(parts) < 3:
        return pair(field.label)
    inner = next((f for f in field.fields if f.key == parts[2]), None)
    name = pair(inner.label) if inner else parts[2]
    return str(gettext("%(list)s, row %(num)d, %(field)s", list=pair(field.label), num=int(parts[1]) + 1, field=name))
