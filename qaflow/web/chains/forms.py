"""Forms of goals and standards: texts that the service reads, each with its faults."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import HiddenField, SelectChoice, SelectField, StringField
from wtforms.validators import Optional

from qaflow.errors import QaflowError
from qaflow.services.chains.given import Choices
from qaflow.web.forms import Form
from qaflow.web.language import pair
from qaflow.web.places.forms import SYSTEM_WORDS
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS

from .words import DIRECTIONS, KINDS, ORIGINS

PARTS = 6
"""Rows of the form that parts a goal."""
INDENT = "\u3000"
LONGEST = 80


def _select(label: Any) -> SelectField:
    return SelectField(label, [Optional()], choices=[], validate_choice=False)


class EntryForm(Form):
    """What goals and standards have in common."""

    text = StringField(_("Text"))
    text_en = StringField(_("English text (may be left out)"))
    layer = _select(_("Layer"))
    indicator = StringField(_("Indicator"))
    unit = StringField(_("Unit of measure"))
    direction = _select(_("Direction"))
    weight = StringField(_("Weight"))
    starts = StringField(_("First day"))
    ends = StringField(_("Deadline"))
    owner_unit = _select(_("Unit"))
    owner = StringField(_("Person (login or name)"))
    subject = StringField(_("Subject, as LAYER/CODE"))
    origin = _select(_("Where the goal is from"))
    kind = _select(_("Kind"))
    point = _select(_("Control point"))
    version = HiddenField()

    table = ""
    above = ""
    """The field that names the goal above."""

    def offer(self, found: Choices) -> EntryForm:
        """Fill in the choices."""
        nothing = SelectChoice("", gettext("none"))
        self.layer.choices = [SelectChoice(key, pair(name)) for key, name in found.layers]
        self.owner_unit.choices = [nothing, *(SelectChoice(code, pair(name)) for code, name in found.units)]
        self.point.choices = [nothing, *(SelectChoice(key, pair(name)) for key, name in found.points)]
        self[self.above].choices = [nothing, *(SelectChoice(key, INDENT * depth + pair(name)[:LONGEST])
                                               for key, depth, name in found.goals)]  # fmt: skip
        for name, words in (("direction", DIRECTIONS), ("origin", ORIGINS), ("kind", KINDS)):
            self[name].choices = [nothing, *(SelectChoice(key, str(word)) for key, word in words.items())]
        return self

    def given(self) -> dict[str, str]:
        """Return what was entered, as the service takes it; a field that was not sent is left as it stands."""
        return {f.name: f.data or "" for f in self if f.raw_data and f.name not in ("version", "csrf_token")}

    def place(self, error: QaflowError) -> int:
        """Put each fault of the service at its field; returns the status to answer with."""
        note(error.code)
        for one in error.errors or [{"pointer": "text", "code": error.code}]:
            assert not isinstance(one, str)
            field = self[one["pointer"]] if one["pointer"] in self else self["text"]
            field.errors = [*field.errors, str(FAULTS.get(one["code"]) or FAULTS["data.invalid"])]
        return error.status


class GoalForm(EntryForm):
    """A goal."""

    parent = _select(_("Goal above"))
    target = StringField(_("Target value"))
    attained = StringField(_("Value reached"))
    degree = StringField(_("Degree reached, per cent"))
    table, above = "goal", "parent"


class StandardForm(EntryForm):
    """A standard."""

    goal = _select(_("Goal"))
    system = _select(_("System"))
    value = StringField(_("Value that meets it"))
    warn_lower = StringField(_("Lower warning value"))
    warn_upper = StringField(_("Upper warning value"))
    table, above = "standard", "goal"

    def offer(self, found: Choices) -> StandardForm:
        """Fill in the choices."""
        super().offer(found)
        words = [SelectChoice(key, str(word)) for key, word in SYSTEM_WORDS.items()]
        self.system.choices = [SelectChoice("", gettext("none")), *words]
        return self


FORMS: dict[str, type[EntryForm]] = {"goal": GoalForm, "standard": StandardForm}
PART_FIELDS = ("text", "owner_unit", "owner", "subject", "target", "weight")
"""What a part of a goal names."""
