"""Self-tests: what one is asked, one question a screen; what it came to; and who took part, for whoever looks after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response
from wtforms import DateField, SelectChoice, SelectField
from wtforms.validators import InputRequired

from qaflow.engine.charts import Chart, radar
from qaflow.engine.definition import Label
from qaflow.engine.selftest import FEWEST, HIGHEST, LOWEST, by_dimension
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.voices import answering, selftest_cycle, selftests
from qaflow.services.voices.answering import Answering, Result
from qaflow.services.voices.selftests import Asked, Listed, Overview
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.figures.charting import charted, words
from qaflow.web.forms import OK, UNFIT, Form
from qaflow.web.language import pair
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS

pages = Blueprint("selftest", __name__, url_prefix="/selftest")

STATES: dict[str, tuple[str, Any]] = {
    "ahead": ("ahead", _("not open yet")), "open": ("current", _("takes answers")), "closed": ("closed", _("closed")),
}  # fmt: skip
"""Shape and word of each state."""
HIDDEN: dict[str | None, Any] = {
    "few": _("fewer than five handed in"),
    "kept": _("not shown, so that smaller groups stay hidden"),
    "open": _("shown after the last day"),
}
"""Why a mean is not told."""
FLAWS = {"selftest.unknown": "key", "selftest.dates": "closes", "selftest.exists": "term", "value.unknown": "term"}


class Opening(Form):
    """Which self-test is opened for which term, from when to when."""

    key = SelectField(_("Self-test"), choices=[])
    term = SelectField(_("Term"), choices=[])
    opens = DateField(_("First day"), [InputRequired(FAULTS["date.invalid"])])
    closes = DateField(_("Last day"), [InputRequired(FAULTS["date.invalid"])])


@pages.get("")
def index() -> Response:
    """Show what I am asked, and how many of those I look after took part."""
    found = selftests.listed(db.session, mine(), me())
    return _index(found, _opening(found), OK)


@pages.post("")
def put() -> Response:
    """Open a self-test for a term."""
    found = selftests.listed(db.session, mine(), me())
    form = _opening(found)
    if found.may_open and not form.validate():
        return _index(found, form, form.status())
    try:
        asked = Asked(form.key.data, form.term.data, form.opens.data, form.closes.data)
        number = selftests.put(db.session, mine(), me(), asked)
    except (Invalid, Refused) as error:
        return _index(found, form, form.tell(error, FLAWS, "key"))
    flash(_("The self-test is open to those it asks from its first day."), "ok")
    return redirect(url_for("selftest.overview", number=number), 303)


def _opening(found: Listed) -> Opening:
    form = Opening(term=found.term)
    form.key.choices = [SelectChoice(one.key, pair(one.name)) for one in found.forms]
    form.term.choices = [SelectChoice(t.key, pair({"zh": t.name_zh, "en": t.name_en})) for t in reversed(found.terms)]
    return form


def _index(found: Listed, form: Opening, status: int) -> Response:
    return make_response(render_template("selftest/index.html", found=found, form=form, STATES=STATES), status)


@pages.get("/<int:number>")
def overview(number: int) -> Response | str:
    """Show who took part, and after the last day what groups answered on the average."""
    found = selftests.overview(db.session, mine(), me(), number)
    unit = request.args.get("unit", "")
    chosen = next((row for row in found.groups.rows if str(row.unit) == unit and row.means), None)
    first = chosen or next((row for row in found.groups.rows if row.means), None)
    chart = _of_group(found, first.name, first.means or {}) if first else None
    return charted("selftest/overview.html", [chart] if chart else [], found=found, STATES=STATES, HIDDEN=HIDDEN,
                   chosen=first, FEWEST=FEWEST, by_dimension=by_dimension, chart=chart)  # fmt: skip


@pages.get("/<int:number>/of/<int:subject>")
def show(number: int, subject: int) -> Response | str:
    """Show what my self-test came to; before it is handed in, the first question that is open."""
    found = _look(number, subject)
    if found.handed_in_at is None:
        if not found.writable:
            return make_response(render_template("selftest/shut.html", found=found, STATES=STATES))
        return redirect(_at(found, found.missing[0] if found.missing else 0), 303)
    result = answering.result(db.session, mine(), me(), number, subject)
    chart = _compared(result)
    return charted("selftest/result.html", [chart], result=result, found=found, HIDDEN=HIDDEN, HIGHEST=HIGHEST,
                   chart=chart)  # fmt: skip


def _compared(result: Result) -> Chart:
    """Return the radar of me, my last self-test and my class's mean, those that there are."""
    lines: list[tuple[str, Sequence[float | None]]] = [(str(_("Me")), [one.mine for one in result.elements])]
    if result.before:
        lines.append((str(_("My last")), [one.before for one in result.elements]))
    if result.why is None:
        lines.append((str(_("Class mean")), [one.group for one in result.elements]))
    return _radar(str(_("My self-test")), [one.name for one in result.elements], lines)


def _of_group(found: Overview, name: Label, means: dict[str, float]) -> Chart:
    axes = [(one.name, means.get(one.key)) for one in found.form.elements]
    return _radar(pair(name), [axis for axis, mean in axes], [(str(_("Mean")), [mean for axis, mean in axes])])


def _radar(title: str, axes: Sequence[Label], lines: Sequence[tuple[str, Sequence[float | None]]]) -> Chart:
    return radar(title, [pair(axis) for axis in axes], lines, HIGHEST, words=words())


@pages.get("/<int:number>/of/<int:subject>/<int:place>")
def question(number: int, subject: int, place: int) -> Response:
    """Show one question."""
    return _question(_look(number, subject), place, None)


@pages.post("/<int:number>/of/<int:subject>/<int:place>")
def answer(number: int, subject: int, place: int) -> Response:
    """Keep the answer to a question and go on to the next."""
    found = _look(number, subject)
    asked, text = _place(found, place), request.form.get("grade", "")
    if text not in {str(grade) for grade in range(LOWEST, HIGHEST + 1)}:
        return _question(found, place, "answer.missing")
    answering.save(db.session, mine(), me(), number, subject, {asked.question.key: int(text)})
    return redirect(_at(found, place + 1), 303)


@pages.get("/<int:number>/of/<int:subject>/check")
def check(number: int, subject: int) -> Response:
    """Show what is answered, before it is handed in."""
    return make_response(render_template("selftest/check.html", found=_look(number, subject), STATES=STATES))


@pages.post("/<int:number>/of/<int:subject>/hand-in")
def hand_in(number: int, subject: int) -> Response:
    """Hand my self-test in."""
    try:
        answering.hand_in(db.session, mine(), me(), number, subject)
    except Invalid as error:
        note(error.code)
        found = _look(number, subject)
        return make_response(render_template("selftest/check.html", found=found, STATES=STATES, faulty=True),
                             error.status)  # fmt: skip
    flash(_("Your self-test is handed in."), "ok")
    return redirect(url_for("selftest.show", number=number, subject=subject), 303)


@pages.post("/<int:number>/of/<int:subject>/take")
def take(number: int, subject: int) -> Response:
    """Take what my self-test says into the form of my running diagnosis, as a draft."""
    try:
        cycle = selftest_cycle.take(db.session, mine(), me(), number, subject)
    except Refused as error:
        note(error.code)
        flash(FAULTS[error.code], "warn")
        return redirect(url_for("selftest.show", number=number, subject=subject), 303)
    flash(_("It stands in the form as a draft. Change it as you like, then submit."), "ok")
    return redirect(url_for("cycles.show", number=cycle) + "#record", 303)


def _look(number: int, subject: int) -> Answering:
    return answering.look(db.session, mine(), me(), number, subject)


def _at(found: Answering, place: int) -> str:
    """Return the address of a question; of the check where there is none of that number."""
    number, subject = found.opened.id, found.subject.id
    if 1 <= place <= len(found.places):
        return url_for("selftest.question", number=number, subject=subject, place=place)
    return url_for("selftest.check", number=number, subject=subject)


def _place(found: Answering, place: int) -> Any:
    if not 1 <= place <= len(found.places):
        raise Missing("selftest.not_found", f"no question {place}")
    return found.places[place - 1]


def _question(found: Answering, place: int, fault: str | None) -> Response:
    asked = _place(found, place)
    if not found.writable:
        return redirect(url_for("selftest.show", number=found.opened.id, subject=found.subject.id), 303)
    if fault:
        note(fault)
    return make_response(render_template("selftest/question.html", found=found, asked=asked, place=place,
                                         fault=fault and FAULTS[fault], grade=found.answers.get(asked.question.key),
                                         grades=range(HIGHEST, LOWEST - 1, -1)), UNFIT if fault else OK)  # fmt: skip
