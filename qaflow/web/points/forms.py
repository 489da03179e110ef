"""Forms of control points: limits from a day on, a reading, a correction."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import DateField, DateTimeLocalField, FloatField, HiddenField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from qaflow.errors import Invalid
from qaflow.services.files.cells import Column, cell_value
from qaflow.services.words import CODE_LENGTH
from qaflow.web.forms import REASON, Form, required
from qaflow.web.wording import FAULTS

DIRECTIONS = (("higher", _("higher is better")), ("lower", _("lower is better")), ("band", _("within a band")))
VALUE = Column(key="value", zh="数值", what="number")


class NumberField(FloatField):
    """A number in Western digits with a point, as files of readings have it."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was entered; a fault says how numbers are written."""
        self.data = None
        if not valuelist:
            return
        try:
            self.data = cell_value(VALUE, valuelist[0])
        except Invalid as error:
            raise ValueError(FAULTS.get(error.code, FAULTS["number.invalid"])) from error


def number(form: Form, field: NumberField) -> None:
    """Require a number."""
    if field.data is None and not field.errors:
        raise ValidationError(FAULTS["number.invalid"])


class Limit(Form):
    """Limits from a day on, for all subjects or for one."""

    valid_from = DateField(_("Valid from"), [InputRequired(FAULTS["date.invalid"])])
    direction = SelectField(_("Direction"), choices=[SelectChoice(key, label) for key, label in DIRECTIONS])
    target = NumberField(_("Target"), [number])
    warn_lower = NumberField(_("Warning below"), [Optional()])
    warn_upper = NumberField(_("Warning above"), [Optional()])
    alarm_lower = NumberField(_("Alarm below"), [Optional()])
    alarm_upper = NumberField(_("Alarm above"), [Optional()])
    subject = StringField(_("Only for the subject with this code"), [Length(max=CODE_LENGTH)])
    reason = StringField(_("Reason"), required(REASON))
    version = HiddenField()


class Reading(Form):
    """One reading by hand."""

    when = DateTimeLocalField(_("Time"), [InputRequired(FAULTS["date.invalid"])], format="%Y-%m-%dT%H:%M")
    value = NumberField(_("Value"), [number])


class Correction(Form):
    """The right value of a reading, and why."""

    value = NumberField(_("Right value"), [number])
    reason = StringField(_("Reason"), required(REASON))
