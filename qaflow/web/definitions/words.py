"""What a definition says, in words: roles, gates, signers, deadlines, ladder, settings, and what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from qaflow.engine.conditions import parse
from qaflow.engine.definition import Deadline, Definition, Field, Level, Move, NoticeRule, Signers, Stage
from qaflow.engine.grammar import Compare, Group, Literal, Not, Part, Term, Truth, shown
from qaflow.services.college import CollegeView
from qaflow.web.account.notice_words import HOWS
from qaflow.web.language import chosen, pair
from qaflow.web.words import day

ROLES: dict[str, Any] = {
    "responsible": _("responsible person"),
    "approver": _("approver"),
    "supervisor": _("supervisor"),
    "leader": _("leader"),
    "quality_office": _("quality office"),
    "quality_head": _("head of the quality office"),
    "diagnostician": _("diagnosing expert"),
    "quality_administrator": _("quality administrator"),
    "administrator": _("system administrator"),
    "committee": _("committee"),
}
"""The neutral kinds of role, where a college has no single post for one."""
NEUTRAL: dict[str, Any] = {
    "goal": _("Goal"),
    "standard": _("Standard"),
    "design": _("Design"),
    "organize": _("Organise"),
    "implement": _("Implement"),
    "diagnose": _("Diagnose"),
    "incentivize": _("Encourage"),
    "learn": _("Learn"),
    "innovate": _("Innovate"),
    "improve": _("Improve"),
}
TYPES: dict[str, Any] = {
    "text": _("text"),
    "number": _("number"),
    "date": _("day"),
    "choice": _("choice"),
    "flag": _("yes or no"),
    "records": _("list"),
}
SHEETS: dict[str, Any] = {
    "self": _("Self-diagnosis"),
    "improving": _("Improving diagnosis"),
    "appraisal": _("Appraisal"),
}
ACTS: dict[str, Any] = {"remind": _("is told of it"), "reassign": _("takes it over")}
SETTINGS: dict[tuple[str, str], Any] = {
    ("frame", "optional"): _("may be answered"),
    ("frame", "required"): _("every point is to be answered"),
    ("catch_up", "all"): _("every diagnosis sheet missed is issued later"),
    ("catch_up", "once"): _("of the diagnosis sheets missed one is issued later"),
    ("catch_up", "skip"): _("diagnosis sheets missed are left out"),
    ("overlap", "start"): _("the next round starts beside it"),
    ("overlap", "wait"): _("the next round waits for it"),
    ("overlap", "close"): _("the next round closes it"),
    ("on_period_end", "wait"): _("it runs on and counts as late"),
    ("on_period_end", "lapse"): _("it lapses; what is missing goes to the next round"),
}
WHAT: dict[str, Any] = {
    "": _("All of it"),
    "key": _("Technical key"),
    "name": _("Name"),
    "layer": _("Layer"),
    "source": _("Source"),
    "order": _("Order"),
    "covers": _("Covers"),
    "evidence": _("Evidence"),
    "gate": _("Gate"),
    "frame": _("Frame of diagnosis"),
    "submit": _("Submitted by"),
    "decide": _("Decided by"),
    "deadline": _("Deadline"),
    "auto_advance": _("Moves on by itself"),
    "moves": _("Ways on"),
    "acknowledge_days": _("Days to acknowledge a warning"),
    "correct_days": _("Days to correct"),
    "confirm_days": _("Days to confirm a correction"),
    "damping": _("Readings within the limits before a warning counts as over"),
    "names": _("Names of the quick loop"),
    "catch_up": _("After a standstill"),
    "overlap": _("Where the round before still runs"),
    "on_period_end": _("Where a round still runs at its end"),
    "assessor": _("Filled in by"),
    "days": _("Days to fill in"),
}
PARTS: dict[str, Any] = {
    "definition": _("The whole"),
    "stage": _("Stage"),
    "field": _("Field of stage"),
    "quick": _("Quick loop"),
    "sheet": _("Diagnosis sheet"),
    "sheet_field": _("Field of the sheet"),
    "ladder": _("Ladder, level"),
    "notice": _("Notices of"),
}
MONTH_AND_DAY = 5  # characters of a day without its year
COMMA = {"zh": "、", "en": ", "}
SIGNS = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥"}


class Speaker:
    """Says what a definition means in a college: its posts, layers and stages by their names."""

    def __init__(self, college: CollegeView | None, *definitions: Definition) -> None:
        self.college, self.definitions = college, definitions

    def role(self, key: str) -> str:
        """Return the college's name of a post, or a neutral kind in words."""
        own = self.college.config.roles_of(key) if self.college else ()
        if len(own) == 1:
            return pair(own[0].name)
        return str(ROLES.get(key, key))

    def layer(self, key: str) -> str:
        """Return the name of a layer."""
        found = {one.key: one.name for one in self.college.config.layers} if self.college else {}
        return pair(found[key]) if key in found else key

    def stage(self, key: str) -> str:
        """Return a stage's name in the newest of the definitions that has it."""
        for definition in reversed(self.definitions):
            if key in definition.by_key:
                return pair(definition.by_key[key].name)
        return key

    def date(self, instant: str) -> str:
        """Return the day of an instant by the college's clocks."""
        at = datetime.fromisoformat(instant)
        return day(self.college.calendar.local_day(at) if self.college else at.date())

    def signers(self, of: Signers | None) -> str:
        """Return who decides, how many of them and by when."""
        if of is None:
            return str(gettext("nobody: submitting is enough"))
        roles = joined([self.role(one) for one in (of.role, *of.also)])
        days = ngettext("within %(num)d working day", "within %(num)d working days", of.days)
        return f"{roles} · {_need(of)} · {days}"

    def ladder(self, of: Level) -> str:
        """Return one level of the ladder."""
        after = ngettext("%(num)d working day late", "%(num)d working days late", of.after)
        return f"{after}: {self.role(of.to)} {ACTS[of.act]}"

    def notice(self, of: NoticeRule) -> str:
        """Return how a topic is told, what may be chosen, and who is told beside."""
        also = joined([self.role(one) for one in of.also])
        allowed = joined([str(HOWS[how]) for how in of.allow])
        told = gettext("%(how)s (may be: %(allowed)s)", how=HOWS[of.how], allowed=allowed)
        return str(told) + (str(gettext("; also to %(roles)s", roles=also)) if also else "")

    def gate(self, stage: Stage) -> list[str]:
        """Return the conditions of a stage in words."""
        return [condition(text, stage.form) for text in stage.gate]

    def move(self, of: Move, form: Sequence[Field]) -> str:
        """Return one way on."""
        to = gettext("the round ends") if of.to is None else gettext("to %(stage)s", stage=self.stage(of.to))
        when = f" · {condition(of.when, form)}" if of.when else ""
        return f"{to}{when}" + (f" · {gettext('by itself')}" if of.automatic else "")

    def part(self, part: str, key: str) -> str:
        """Return of what a difference is."""
        named = {"stage": self.stage, "field": self.stage, "sheet": _sheet, "sheet_field": _sheet}.get(part, str)
        return f"{PARTS[part]} {named(key)}".strip()

    def what(self, part: str, what: str, *values: Any) -> str:
        """Return which of its values differs."""
        field = next((v for v in values if isinstance(v, Field)), None)
        return pair(field.label) if field is not None else str(WHAT.get(what, what))

    def value(self, what: str, value: Any, form: Sequence[Field] = ()) -> str:
        """Return a value that differs; empty where there is none."""
        if value is None:
            return self.signers(None) if what == "decide" else str(gettext("none")) if what == "deadline" else ""
        if isinstance(value, bool):
            return str(gettext("yes") if value else gettext("no"))
        if what in ("order", "covers", "gate", "moves", "names"):
            return self._several(what, value, form)
        return self._single(what, value)

    def _several(self, what: str, values: Sequence[Any], form: Sequence[Field]) -> str:
        ways: dict[str, Callable[[Any], str]]
        ways = {"order": self._ordered, "covers": lambda v: str(NEUTRAL[v]), "gate": lambda v: condition(v, form),
                "moves": lambda v: self.move(v, form), "names": pair}  # fmt: skip
        return joined([ways[what](v) for v in values]) or str(gettext("none"))

    def _ordered(self, key: str) -> str:
        fields = {f.key: f for d in self.definitions for s in d.stages for f in s.form}
        return self.stage(key) if self.stage(key) != key or key not in fields else pair(fields[key].label)

    def _single(self, what: str, value: Any) -> str:
        kinds: dict[Any, Callable[[Any], str]]
        kinds = {Field: field, Signers: self.signers, Deadline: deadline, Level: self.ladder, NoticeRule: self.notice}
        if type(value) in kinds:
            return str(kinds[type(value)](value))
        if what in ("submit", "assessor"):
            return self.role(value)
        if (what, value) in SETTINGS:
            return str(SETTINGS[what, value])
        if what == "layer":
            return self.layer(value)
        named = getattr(value, "name", value)
        if hasattr(named, "zh"):
            return pair(named)
        return str(named) if isinstance(named, str | int) else str(gettext("present"))


def _sheet(kind: str) -> str:
    return str(SHEETS.get(kind, kind))


def _need(of: Signers) -> str:
    if of.need == "quorum":
        return str(ngettext("%(num)d signature", "%(num)d signatures", of.quorum))
    everybody = gettext("all, one after the other") if of.order == "sequence" else gettext("all")
    return str(everybody if of.need == "all" else gettext("one of them"))


def joined(words: Sequence[str]) -> str:
    """Return words as a list in the page's language."""
    return COMMA[chosen()].join(words)


def deadline(of: Deadline | None) -> str:
    """Return when a stage is due."""
    if of is None:
        return str(gettext("none"))
    if of.share is not None:
        return str(gettext("after %(share)s %% of the period", share=f"{of.share * 100:g}"))
    if of.working_days is not None:
        return str(ngettext("%(num)d working day after it begins", "%(num)d working days after it begins",
                            of.working_days))  # fmt: skip
    text = str(of.date)
    if len(text) > MONTH_AND_DAY:
        return day(text)
    return str(gettext("on %(day)s of the period", day=day(f"2000-{text}", year=False)))


def field(of: Field) -> str:
    """Return a field: its name, type, choices and what it must hold."""
    parts = [str(TYPES[of.type])]
    if of.required:
        parts.append(gettext("required"))
    if of.min_items:
        parts.append(ngettext("at least %(num)d row", "at least %(num)d rows", of.min_items))
    if of.choices:
        parts.append(joined(of.choices))
    inner = f"; {joined([field(one) for one in of.fields])}" if of.fields else ""
    return f"{pair(of.label)} ({joined(parts)}{inner})"


def condition(text: str, form: Sequence[Field]) -> str:
    """Return a condition with its fields by their labels."""
    return _said(parse(text).root, {f.key: f for f in form})


def _said(part: Part | Literal | Term, fields: Mapping[str, Field]) -> str:
    if isinstance(part, Literal):
        return shown(part.value)
    if isinstance(part, Term):
        return _term(part, fields)
    if isinstance(part, Truth):
        return _term(part.term, fields)
    if isinstance(part, Compare):
        return f"{_said(part.left, fields)} {SIGNS.get(part.op, part.op)} {_said(part.right, fields)}"
    if isinstance(part, Not):
        return str(gettext("not: %(what)s", what=_said(part.inner, fields)))
    assert isinstance(part, Group)
    word = gettext("and") if part.word == "and" else gettext("or")
    return f" {word} ".join(_said(one, fields) for one in part.parts)


def _term(term: Term, fields: Mapping[str, Field]) -> str:
    of = fields.get(term.field)
    name = pair(of.label) if of else term.field
    inner = next((pair(one.label) for one in of.fields if one.key == term.part), term.part) if of else term.part
    said = {
        "count": _("rows of %(name)s"), "filled": _("%(name)s is filled in"), "sum": _("sum of %(part)s in %(name)s"),
        "every": _("%(part)s in every row of %(name)s"), "evidence": _("files of evidence"),
        "open_warnings": _("open warnings"), "children": _("cycles below that still run"),
    }  # fmt: skip
    return str(said[term.function]) % {"name": name, "part": inner} if term.function in said else name
