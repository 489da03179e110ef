"""Forms of the tasks' pages."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import DateField, HiddenField, SelectChoice, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from qaflow.services.tasks.desk import KINDS, ORIGINS
from qaflow.services.tasks.fields import MOST_RESULT, Offer, Wanted, cost_text
from qaflow.services.words import CODE_LENGTH, NAME_LENGTH
from qaflow.store.tasks import Task
from qaflow.web.forms import Form, required
from qaflow.web.language import pair
from qaflow.web.places.forms import number, optional
from qaflow.web.places.people import as_text
from qaflow.web.wording import FAULTS

ORIGIN_WORDS: dict[str, Any] = {
    "plan": _("School plan"), "superior": _("Superior's order"), "school": _("Added by the school"),
}  # fmt: skip
KIND_WORDS: dict[str, Any] = {"key": _("Key work"), "routine": _("Routine work"), "ad_hoc": _("Ad hoc work")}
STATE_WORDS: dict[str, Any] = {
    "done": _("completed"), "going": _("going on"), "late": _("late"), "planned": _("planned"), "dropped": _("dropped"),
}  # fmt: skip


class TaskForm(Form):
    """A task: what, who, when, at what cost, for which goal."""

    title_zh = StringField(_("Task"), required(NAME_LENGTH))
    title_en = StringField(_("English name (may be left out)"), optional(NAME_LENGTH))
    lead = SelectField(_("Lead unit"), choices=[])
    assisting = SelectMultipleField(_("Assisting units (may be left out)"), choices=[])
    owner = StringField(_("Owner (login or name)"), optional(NAME_LENGTH))
    kind = SelectField(_("Kind of work"), choices=[])
    origin = SelectField(_("Task source"), choices=[])
    goal = SelectField(_("Goal that it serves (may be left out)"), [Optional()], choices=[])
    starts = DateField(_("Start (may be left out)"), [Optional()])
    due = DateField(_("Planned finish"), [Optional()])
    cost = StringField(_("Cost in yuan (may be left out)"), optional(CODE_LENGTH))
    version = HiddenField(validators=optional(CODE_LENGTH))

    def offer(self, given: Offer) -> TaskForm:
        """Fill in the choices."""
        nothing = SelectChoice("", gettext("none"))
        self.lead.choices = [SelectChoice(str(u.id), pair(u.name)) for u in given.leads]
        if given.anywhere:
            self.lead.choices.insert(0, nothing)
        self.assisting.choices = [SelectChoice(str(u.id), pair(u.name)) for u in given.units]
        self.kind.choices = [SelectChoice(key, str(KIND_WORDS[key])) for key in KINDS]
        self.origin.choices = [SelectChoice(key, str(ORIGIN_WORDS[key])) for key in ORIGINS]
        goals = (SelectChoice(str(i), pair({"zh": zh, "en": en})) for i, _key, zh, en in given.goals)
        self.goal.choices = [nothing, *goals]
        return self

    def wanted(self) -> Wanted:
        """Return what was entered."""
        return Wanted(
            title_zh=self.title_zh.data or "", title_en=self.title_en.data or "", lead=number(self.lead.data),
            assisting=tuple(map(number, self.assisting.data or ())), owner=self.owner.data or "",
            kind=self.kind.data or "", origin=self.origin.data or "", goal=number(self.goal.data),
            starts=as_text(self.starts), due=as_text(self.due), cost=self.cost.data or "",
        )  # fmt: skip


class SayForm(Form):
    """A result or a reason in words, on the version of the task that was read."""

    text = TextAreaField(_("In words"), [InputRequired(FAULTS["text.blank"]),
                                         Length(max=MOST_RESULT, message=FAULTS["text.too_long"])])  # fmt: skip
    version = HiddenField(validators=optional(CODE_LENGTH))


class MonthForm(Form):
    """How the task stands in a month."""

    month = SelectField(_("Month"), validate_choice=False, choices=[])
    state = SelectField(_("State"), validate_choice=False, choices=[])
    version = HiddenField(validators=optional(CODE_LENGTH))


def values(task: Task, given: Offer) -> dict[str, Any]:
    """Return what the form of a standing task holds."""
    by_code = {unit.code: str(unit.id) for unit in given.units}
    units = [by_code[code] for code in given.codes if code in by_code]
    lead = str(task.lead or "")
    return {"title_zh": task.title_zh, "title_en": task.title_en, "lead": lead,
            "assisting": [one for one in units if one != lead], "owner": task.owner_login or "", "kind": task.kind,
            "origin": task.origin, "goal": str(task.goal or ""), "cost": cost_text(task.cost),
            "version": str(task.version)}  # fmt: skip
