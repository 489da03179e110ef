"""The forms of quality incidents: a report, the office's grading, and the words of the further steps."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, DateField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional

from qaflow.services.voices.incidents import TEXT, TITLE
from qaflow.services.words import NAME_LENGTH
from qaflow.web.forms import Form, required
from qaflow.web.wording import FAULTS


class Reporting(Form):
    """What somebody reports."""

    title = StringField(_("What happened, in a few words"), required(TITLE))
    account = TextAreaField(_("Account: where, who, how it came to it"), required(TEXT))
    category = SelectField(_("Category"), choices=[])
    unit = SelectField(_("Unit concerned"), choices=[], coerce=int)
    occurred_on = DateField(_("Day"), [InputRequired(FAULTS["date.invalid"])])
    complaint = BooleanField(_("This is a complaint: only the quality office learns my name"))
    cycle = HiddenField()
    warning = HiddenField()


class Graded(Form):
    """How the office grades an incident, and who handles it until when."""

    version = HiddenField()
    category = SelectField(_("Category"), choices=[])
    grade = SelectField(_("Degree"), choices=[])
    handler = StringField(_("Handler: login or name"), required(NAME_LENGTH))
    due = DateField(_("Last day (may be left out)"), [Optional()])


class Words(Form):
    """What is said in an act."""

    version = HiddenField()
    text = TextAreaField("", required(TEXT))
