"""The forms of a cycle's page: the stage's, made from its definition, and the small ones of each act."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from qaflow.engine.definition import Field

Data = dict[str, Any]
MOST_ROWS = 1000
TRUE = "yes"
PARTED = re.compile("[,;\n、，；]+")


@dataclass(frozen=True)
class Asked:
    """One entry of an act: its name, label, kind of control, and whether it may be left out."""

    name: str
    label: Any
    kind: str = "text"  # text, day, stage, scope, category, hidden, login, people, point
    needed: bool = True


@dataclass(frozen=True)
class Act:
    """One act as the page offers it: its words, and what it asks."""

    label: Any
    asks: tuple[Asked, ...] = ()
    done: Any = ""
    danger: bool = False


REASON = Asked("reason", _("Reason"))
WARNING = Asked("warning", "", "hidden")
ITEM = Asked("item", "", "hidden")

ACTS: dict[str, Act] = {
    "submit": Act(_("Submit"), (), _("Submitted.")),
    "withdraw": Act(_("Withdraw the submission"), (), _("The submission is withdrawn; its text is kept.")),
    "approve": Act(_("Approve"), (WARNING, Asked("comment", _("Comment (may be left out)"), needed=False)),
                   _("Approved.")),
    "reject": Act(_("Reject"), (WARNING, REASON), _("Rejected: it lies with the responsible person again."), True),
    "return": Act(_("Return to an earlier stage"), (Asked("to", _("Back to"), "stage"), REASON),
                  _("Returned to the earlier stage."), True),
    "comment": Act(_("Comment"), (
        Asked("text", _("Comment")),
        Asked("mention", _("Tell whom: logins or names (may be left out)"), "people", needed=False),
    ), _("The comment is noted.")),
    "copy": Act(_("Send a copy"), (Asked("to", _("To whom: logins or names"), "people"),), _("The copy is sent.")),
    "add_signer": Act(_("Add a signer"), (Asked("person", _("Login or name of the colleague"), "login"),),
                      _("The signer is added.")),
    "warn": Act(_("Open a warning"), (Asked("point", _("Control point (may be left out)"), "point", needed=False),
                                      REASON), _("The warning is open.")),
    "suspend": Act(_("Suspend"), (REASON,), _("The cycle is suspended; its deadlines stand still."), True),
    "resume": Act(_("Resume"), (), _("The cycle runs again.")),
    "cancel": Act(_("Cancel the cycle"), (REASON,), _("The cycle is cancelled."), True),
    "reopen": Act(_("Reopen a decided stage"), (Asked("stage", _("Stage"), "stage"), REASON),
                  _("The stage is open again."), True),
    "acknowledge": Act(_("Acknowledge"), (
        WARNING, Asked("cause", _("Cause")),
        Asked("category", _("Kind of cause (may be left out)"), "category", needed=False),
    ), _("The warning is acknowledged.")),
    "correct": Act(_("Correct"), (WARNING, Asked("scope", _("Scope"), "scope"), Asked("measure", _("Measure"))),
                   _("The correction is handed in.")),
    "confirm": Act(_("Confirm the correction"), (WARNING,), _("The correction is confirmed.")),
    "dismiss": Act(_("Dismiss as a false alarm"), (WARNING, REASON), _("The warning is dismissed."), True),
    "extend": Act(_("Extend"), (ITEM, Asked("due", _("New day"), "day"), REASON), _("The deadline is extended.")),
    "transfer": Act(_("Transfer"), (ITEM, Asked("to", _("Login or name of the colleague"), "login"), REASON),
                    _("The work lies with somebody else now.")),
    "take_over": Act(_("Take over"), (ITEM, REASON), _("The work lies with you now.")),
    "remind": Act(_("Remind"), (ITEM,), _("The reminder is sent.")),
}  # fmt: skip
"""What the page offers; who may do it is told by the service."""


def named(text: str) -> list[str]:
    """Return the logins or names that a text lists; a full name may hold blanks, so marks part them."""
    return [one for one in (part.strip().removeprefix("@") for part in PARTED.split(text)) if one]


def args_of(action: str, sent: Mapping[str, str]) -> Data:
    """Return an act's data from what the form sent; what was left empty is left out."""
    found = {one.name: sent.get(one.name, "").strip() for one in ACTS[action].asks}
    return {name: value.replace("\r\n", "\n") for name, value in found.items() if value}


@dataclass
class Entry:
    """One control of the stage form: its field, name, what stands in it, and its faults."""

    field: Field
    name: str
    value: Any
    faults: list[str] = made(default_factory=list)
    rows: list[list[Entry]] = made(default_factory=list)


@dataclass
class StageForm:
    """A stage's form: its controls, by pointer, with values from the record or as they were entered."""

    entries: list[Entry]
    values: Data = made(default_factory=dict)
    by_pointer: dict[str, Entry] = made(default_factory=dict)

    def fault(self, pointer: str, told: str) -> bool:
        """Put a fault at its control; False where the form has none of that name."""
        entry = self.by_pointer.get(pointer)
        if entry is not None and told not in entry.faults:
            entry.faults.append(told)
        return entry is not None


def shown(fields: Sequence[Field], values: Mapping[str, Any]) -> StageForm:
    """Return the form with a record's values; lists of rows end with an empty one."""
    form = StageForm([], dict(values))
    form.entries = [_entry(form, one, one.key, values.get(one.key)) for one in fields]
    return form


def _entry(form: StageForm, one: Field, pointer: str, value: Any) -> Entry:
    entry = Entry(one, "f/" + pointer, value)
    form.by_pointer[pointer] = entry
    if one.type == "records":
        rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
        entry.rows = [[_entry(form, inner, f"{pointer}/{n}/{inner.key}", row.get(inner.key)) for inner in one.fields]
                      for n, row in enumerate([*rows, {}])]  # fmt: skip
    return entry


def entered(fields: Sequence[Field], sent: MultiDict[str, str]) -> StageForm:
    """Return the form as it was entered; ``values`` is its content, text that is no number or day stays as text."""
    values = {one.key: _read(one, one.key, sent) for one in fields}
    return shown(fields, {key: value for key, value in values.items() if value is not None})


def _read(one: Field, pointer: str, sent: MultiDict[str, str]) -> Any:
    if one.type == "records":
        numbers = sorted({int(n) for n in _numbers(pointer, sent)})[:MOST_ROWS]
        rows = [_row(one, f"{pointer}/{n}", sent) for n in numbers]
        return [row for row in rows if any(value is not False for value in row.values())] or None
    text = sent.get("f/" + pointer, "").replace("\r\n", "\n").strip()
    if one.type == "flag":
        return text == TRUE
    return _number(text) if one.type == "number" and text else text or None


def _row(one: Field, pointer: str, sent: MultiDict[str, str]) -> Data:
    found = {inner.key: _read(inner, f"{pointer}/{inner.key}", sent) for inner in one.fields}
    return {key: value for key, value in found.items() if value is not None}


def _numbers(pointer: str, sent: MultiDict[str, str]) -> list[str]:
    start = f"f/{pointer}/"
    parts = (name.removeprefix(start).partition("/")[0] for name in sent if name.startswith(start))
    return [part for part in parts if part.isascii() and part.isdigit() and len(part) < 7]


def _number(text: str) -> float | int | str:
    """Return the number that a text is, or the text itself for the engine to refuse."""
    try:
        found = float(text)
    except ValueError:
        return text
    if not math.isfinite(found):
        return text
    return int(found) if found.is_integer() and abs(found) < 2**53 else found
