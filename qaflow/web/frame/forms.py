"""The forms of the frame: a part's words, a new part, the kind of the college, an answer to a point."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, HiddenField, SelectChoice, SelectField, SelectMultipleField, StringField
from wtforms.fields import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from qaflow.engine.diagnosis import DEGREES, LEFT_OUT
from qaflow.services.frame.answering import TEXT_LENGTH, Given
from qaflow.services.frame.edits import CODE_LENGTH, Wanted
from qaflow.services.frame.edits import TEXT_LENGTH as REQUIREMENT
from qaflow.services.words import NAME_LENGTH
from qaflow.web.forms import Form, required
from qaflow.web.wording import FAULTS

from . import words as frame_words

DIGITS = 9


def text(most: int) -> list[Any]:
    """Return the rules of a text that may be left out."""
    return [Optional(), Length(max=most, message=FAULTS["text.too_long"])]


def both(line: str) -> tuple[str, str]:
    """Return an indicator's words, ``中文 | English`` or one for both."""
    zh, _, en = (part.strip() for part in line.partition("|"))
    return zh, en


class PartForm(Form):
    """The words of an item, element or point."""

    name_zh = StringField(_("Name in Chinese"), required(NAME_LENGTH))
    name_en = StringField(_("Name in English"), required(NAME_LENGTH))
    star = SelectField(_("Star"), choices=[
        SelectChoice("", _("none: asked of every college")), SelectChoice("*", _("*: not asked of new colleges")),
        SelectChoice("**", _("**: asked of demonstration colleges only"))])  # fmt: skip
    requirement_zh = TextAreaField(_("Quality requirement in Chinese"), text(REQUIREMENT))
    requirement_en = TextAreaField(_("Quality requirement in English"), text(REQUIREMENT))
    indicators = TextAreaField(_("Indicators, one a line"), text(20_000))
    platform = StringField(_("Numbers of the data platform, with commas"), text(NAME_LENGTH))
    teaching_units = BooleanField(_("Teaching units answer this item"))
    version = HiddenField()

    def wanted(self) -> Wanted:
        """Return what was entered."""
        names = ("name_zh", "name_en", "star", "requirement_zh", "requirement_en")
        numbers = map(str.strip, (self.platform.data or "").replace("，", ",").split(","))
        lines = map(str.strip, (self.indicators.data or "").splitlines())
        return Wanted(
            **{name: self[name].data or "" for name in names}, teaching_units=bool(self.teaching_units.data),
            indicators=tuple(both(line) for line in lines if line), platform=tuple(one for one in numbers if one),
        )  # fmt: skip


class NewPartForm(PartForm):
    """A new part: its code and what it lies under."""

    code = StringField(_("Code"), required(CODE_LENGTH))
    parent = SelectField(_("Under"), [Optional()], choices=[])


class KindForm(Form):
    """The kind of the college."""

    kind = SelectField(_("Kind of college"), choices=[SelectChoice(k, frame_words.KINDS[k]) for k in LEFT_OUT])


class AnswerForm(Form):
    """An answer to a point."""

    code = HiddenField()
    sheet = HiddenField()
    version = HiddenField()
    degree = RadioField(_("Degree of attainment"), [InputRequired(FAULTS["frame.degree"])],
                        choices=[SelectChoice(d, frame_words.DEGREES[d]) for d in DEGREES])  # fmt: skip
    evidence = TextAreaField(_("Evidence and achievements"), text(TEXT_LENGTH))
    problems = TextAreaField(_("Problems"), text(TEXT_LENGTH))
    causes = TextAreaField(_("Causes"), text(TEXT_LENGTH))
    files = SelectMultipleField(_("Evidence files of this cycle"), [Optional()], choices=[], validate_choice=False)

    def given(self) -> Given:
        """Return the answer that was entered."""
        words = {name: self[name].data or "" for name in ("evidence", "problems", "causes", "degree", "code")}
        return Given(sheet_no=whole(self.sheet.data), version=whole(self.version.data),
                     files=tuple(self.files.data or ()), **words)  # fmt: skip


def whole(text: str | None) -> int:
    """Return a number that a form holds; one that it cannot hold becomes -1, which nothing has."""
    found = text or ""
    return int(found) if found.isascii() and found.isdecimal() and len(found) <= DIGITS else -1
