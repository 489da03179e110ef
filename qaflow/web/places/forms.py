"""Forms of the organisation's pages."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import DateField, HiddenField, IntegerField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from qaflow.config import ADDRESS_LENGTH
from qaflow.engine.college import SYSTEMS, UNIT_KINDS
from qaflow.services.accounts.password_rules import MOST
from qaflow.services.places.organisation import Tree
from qaflow.services.words import CODE_LENGTH, NAME_LENGTH
from qaflow.web.forms import REASON, Away, Form, required
from qaflow.web.language import pair
from qaflow.web.wording import FAULTS
from qaflow.web.words import college

UNIT_WORDS: dict[str, Any] = {
    "college": _("College"),
    "functional": _("Functional department"),
    "teaching": _("Teaching unit"),
    "section": _("Teaching section"),
    "class": _("Class"),
}
SYSTEM_WORDS: dict[str, Any] = {
    "decision_command": _("Decision and command"),
    "quality_generation": _("Quality generation"),
    "resource_building": _("Resource building"),
    "support_service": _("Support and service"),
    "supervision_control": _("Supervision and control"),
}
HOW_WORDS: dict[str, Any] = {
    "off": _("Days off"),
    "working": _("Working days"),
    "state": _("Back to what the state says"),
}
LANGUAGES = [SelectChoice("zh", "中文"), SelectChoice("en", "English")]


def optional(most: int) -> list[Any]:
    """Return the rules of a text that may be left out."""
    return [Length(max=most, message=FAULTS["text.too_long"])]


def number(value: Any) -> int:
    """Return a choice's number."""
    return int(value) if value else 0


class UnitForm(Form):
    """A unit: what it is called, what it is, under what it lies."""

    code = StringField(_("Code"), optional(CODE_LENGTH))
    name_zh = StringField(_("Chinese name"), required(NAME_LENGTH))
    name_en = StringField(_("English name"), optional(NAME_LENGTH))
    kind = SelectField(_("Kind"), choices=[])
    system = SelectField(_("System"), [Optional()], choices=[])
    parent = SelectField(_("Lies under"), [Optional()], choices=[])

    def offer(self, tree: Tree, kind: str = "") -> UnitForm:
        """Fill in the choices."""
        kinds = (kind,) if kind == "college" else UNIT_KINDS
        self.kind.choices = [SelectChoice(key, str(UNIT_WORDS[key])) for key in kinds]
        nothing = SelectChoice("", gettext("none"))
        self.system.choices = [nothing, *(SelectChoice(key, str(SYSTEM_WORDS[key])) for key in SYSTEMS)]
        self.parent.choices = [nothing, *units(tree)]
        return self


class SubjectForm(Form):
    """A subject: where it lies, who answers for it, from when to when."""

    layer = SelectField(_("Layer"), [Optional()], choices=[])
    code = StringField(_("Code"), optional(CODE_LENGTH))
    name = StringField(_("Name"), required(NAME_LENGTH))
    unit = SelectField(_("Unit"), choices=[])
    person = StringField(_("Responsible person (login or name)"), optional(NAME_LENGTH))
    tier = StringField(_("Tier (may be left out)"), optional(CODE_LENGTH))
    starts = DateField(_("First day (may be left out)"), [Optional()])
    ends = DateField(_("Last day (may be left out)"), [Optional()])
    reason = StringField(_("Reason (may be left out)"), optional(REASON))
    agreed = HiddenField(validators=optional(CODE_LENGTH))

    def offer(self, tree: Tree) -> SubjectForm:
        """Fill in the choices."""
        view = college()
        self.layer.choices = [SelectChoice(one.key, pair(one.name)) for one in view.config.layers] if view else []
        self.unit.choices = units(tree)
        return self


class PersonForm(Form):
    """A person: login, name, language, mail address."""

    login = StringField(_("Login"), optional(CODE_LENGTH))
    name = StringField(_("Name"), required(NAME_LENGTH))
    language = SelectField(_("Language"), choices=LANGUAGES)
    mail = StringField(_("Mail address"), optional(ADDRESS_LENGTH))


class ProgramForm(Form):
    """A program: login and name."""

    login = StringField(_("Account name"), required(CODE_LENGTH))
    name = StringField(_("Name"), required(NAME_LENGTH))


class GrantForm(Form):
    """A role for a scope, between two days."""

    role = SelectField(_("Role"), choices=[])
    scope = SelectField(_("For"), choices=[])
    subject = StringField(_("Or for one subject"), optional(2 * CODE_LENGTH))
    starts = DateField(_("First day (may be left out)"), [Optional()])
    ends = DateField(_("Last day (may be left out)"), [Optional()])

    def offer(self, tree: Tree) -> GrantForm:
        """Fill in the choices."""
        view = college()
        roles = view.config.role_by_key.items() if view else ()
        layers = view.config.layers if view else ()
        self.role.choices = [SelectChoice(key, pair(role.name)) for key, role in roles]
        whole = SelectChoice("college", gettext("the whole college"))
        of_layers = [SelectChoice(f"layer:{one.key}", gettext("layer: %(name)s", name=pair(one.name)))
                     for one in layers]  # fmt: skip
        of_units = [SelectChoice(f"unit:{unit.code}", _indented(depth, pair(unit.name)))
                    for depth, unit in tree.lines if not unit.closed]  # fmt: skip
        self.scope.choices = [whole, *of_layers, *of_units]
        return self


class StandInForm(Away):
    """Who stands in, from when to when, for what."""

    who = StringField(_("Login or name"), required(NAME_LENGTH))
    layer = SelectField(_("For"), [Optional()], choices=[])

    def offer(self) -> StandInForm:
        """Fill in the choices."""
        view = college()
        layers = [SelectChoice(one.key, pair(one.name)) for one in view.config.layers] if view else []
        self.layer.choices = [SelectChoice("", gettext("everything")), *layers]
        return self


class SecretForm(Form):
    """A password that the administrator types."""

    password = PasswordField(_("Password"), optional(MOST))


class ReasonForm(Form):
    """A reason."""

    reason = StringField(_("Reason (may be left out)"), optional(REASON))


class LeaveForm(Form):
    """Who takes over from somebody who leaves."""

    heir = StringField(_("Who takes over (login or name)"), optional(NAME_LENGTH))
    reason = StringField(_("Reason (may be left out)"), optional(REASON))
    agreed = HiddenField(validators=optional(CODE_LENGTH))


class DaysForm(Form):
    """Days to be taken off, worked, or given back to the state's."""

    first = DateField(_("First day"), [InputRequired(FAULTS["date.invalid"])])
    last = DateField(_("Last day (may be left out)"), [Optional()])
    how = SelectField(_("What they are"), choices=[SelectChoice(k, w) for k, w in HOW_WORDS.items()])
    name = StringField(_("Name, such as sports day (may be left out)"), optional(NAME_LENGTH))
    reason = StringField(_("Reason (may be left out)"), optional(REASON))
    agreed = HiddenField(validators=optional(CODE_LENGTH))


class TermForm(Form):
    """A term's first and last day."""

    term = HiddenField(validators=required(CODE_LENGTH))
    first = DateField(_("First day"), [InputRequired(FAULTS["date.invalid"])])
    last = DateField(_("Last day"), [InputRequired(FAULTS["date.invalid"])])
    reason = StringField(_("Reason (may be left out)"), optional(REASON))
    agreed = HiddenField(validators=optional(CODE_LENGTH))


def units(tree: Tree) -> list[SelectChoice]:
    """Return the open units as choices, each set in by its depth."""
    return [SelectChoice(str(u.id), _indented(depth, pair(u.name))) for depth, u in tree.lines if not u.closed]


def _indented(depth: int, name: str) -> str:
    return "\u3000" * depth + name


class SignInRules(Form):
    """What a college asks of who signs in."""

    second_factor = SelectField(_("One-time codes of administrators and the quality office"), [Optional()],
                                choices=[SelectChoice("", _("may be used")),
                                         SelectChoice("yes", _("must be used"))])  # fmt: skip
    minutes = IntegerField(_("Minutes after which an approval needs a fresh proof (empty: never)"), [Optional()])
