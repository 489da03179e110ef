"""Forms: what every one of them can do, and those of sign-in and profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from qaflow.errors import QaflowError
from qaflow.services.accounts.password_rules import MOST
from qaflow.services.words import NAME_LENGTH
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS, told

REASON, CODE = 500, 60
OK, UNFIT = 200, 422


class Form(FlaskForm):
    """A form whose faults stand at their fields, those of the service too."""

    def tell(self, error: QaflowError, at: Mapping[str, str], default: str) -> int:
        """Put a service's error at the field of its code (or at the default one); returns the status to answer with."""
        note(error.code)
        field = self[at.get(error.code, default)]
        field.errors = [*field.errors, told(error)]
        return error.status

    def fault(self, field: str, code: str) -> int:
        """Put a fault of ours at a field; returns the status to answer with."""
        note(code)
        self[field].errors = [*self[field].errors, str(FAULTS[code])]
        return UNFIT

    def status(self, of_service: int = OK) -> int:
        """Return the status of the page that shows the form: the service's, else whether anything entered is wrong."""
        return of_service if of_service != OK else UNFIT if self.errors else OK


def required(most: int) -> list[Any]:
    """Return the rules of a text that must be there."""
    return [InputRequired(FAULTS["text.blank"]), Length(max=most, message=FAULTS["text.too_long"])]


F = TypeVar("F", bound=Form)


def apart(form: F, name: str) -> F:
    """Give a form's controls ids of their own, where several forms stand on one page."""
    for field in form:
        field.id = field.label.field_id = f"{name}-{field.name}"
    return form


class SignIn(Form):
    """Login and password."""

    login = StringField(_("Login"), required(NAME_LENGTH))
    password = PasswordField(_("Password"), [InputRequired(FAULTS["text.blank"])])
    next = HiddenField()


class Code(Form):
    """A one-time or recovery code."""

    code = StringField(_("One-time code"), required(CODE))


class NewPassword(Form):
    """The present password, and the new one twice."""

    old_password = PasswordField(_("Present password"), [InputRequired(FAULTS["text.blank"])])
    password = PasswordField(_("New password"), required(MOST))
    again_password = PasswordField(_("New password once more"), [InputRequired(FAULTS["text.blank"])])


class Language(Form):
    """The language of pages and notices."""

    language = SelectField(_("Language"), choices=[SelectChoice("zh", "中文"), SelectChoice("en", "English")])


class Deputy(Form):
    """Who stands in, from when to when, for what."""

    who = StringField(_("Login or name"), required(NAME_LENGTH))
    starts = DateField(_("First day"), [InputRequired(FAULTS["date.invalid"])])
    ends = DateField(_("Last day"), [InputRequired(FAULTS["date.invalid"])])
    layer = SelectField(_("For"), [Optional()], choices=[])
    reason = StringField(_("Reason (may be left out)"), [Length(max=REASON, message=FAULTS["text.too_long"])])


class Away(Form):
    """Days on which somebody is away."""

    starts = DateField(_("First day"), [InputRequired(FAULTS["date.invalid"])])
    ends = DateField(_("Last day"), [InputRequired(FAULTS["date.invalid"])])
    reason = StringField(_("Reason (may be left out)"), [Length(max=REASON, message=FAULTS["text.too_long"])])
