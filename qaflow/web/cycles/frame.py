"""The frame of diagnosis in one cycle: its points with their answers, one form at a time, and the report of annex 4."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import SelectChoice

from qaflow.errors import Invalid, Refused
from qaflow.services.frame import answering as frame_answering
from qaflow.services.frame import diagnosing
from qaflow.services.frame.diagnosing import Diagnosis, Said
from qaflow.store.db import db
from qaflow.web.access import mine
from qaflow.web.forms import OK
from qaflow.web.frame import words as frame_words
from qaflow.web.frame.forms import AnswerForm, whole
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS, told

from . import words

LONGEST = 60
AT = {"frame.degree": "degree", "frame.problems": "problems", "frame.file_unknown": "files"}
"""At which field each fault of an answer stands, where it does not name one."""


def show(number: int) -> Response:
    """Show the points that concern a cycle, and the form of the one that is chosen."""
    found = diagnosing.look(db.session, mine(), number, _place())
    code = request.args.get("point", "")[:LONGEST]
    chosen = code if code in found.points else found.following("") if code == "next" and found.place.mine else ""
    return _page(found, chosen, _form(found, chosen) if chosen else None, OK)


def answer(number: int) -> Response:
    """Keep an answer and go on to the next point that has none."""
    form = AnswerForm()
    place = max(whole(form.sheet.data), 0)
    if not form.validate():
        return _again(number, place, form, form.status())
    try:
        frame_answering.answer(db.session, mine(), number, form.given())
    except (Invalid, Refused) as error:
        return _again(number, place, form, _tell(form, error))
    found = diagnosing.look(db.session, mine(), number, place)
    following = found.following(form.code.data or "")
    flash(_("The answer to %(code)s is kept.", code=form.code.data), "ok")
    if not following:
        flash(_("All points are answered here."), "ok")
    anchor = f"#p-{following}" if following else ""
    return redirect(url_for("cycles.frame", number=number, sheet=place, point=following or None) + anchor, 303)


def report(number: int) -> str:
    """Show the self-diagnosis report of annex 4 as the answers make it, for paper."""
    found = diagnosing.look(db.session, mine(), number, _place())
    return render_template("frame/report.html", of=found, snap=found.acting.snap, words=frame_words, opinion=_opinion)


def _place() -> int | None:
    text = request.args.get("sheet", "")
    return whole(text) if text else None


def _form(found: Diagnosis, code: str) -> AnswerForm:
    """Return the form of a point, filled with its newest answer here."""
    here = found.here(code)
    last = here[0] if here else None
    values = {name: getattr(last, name) for name in ("evidence", "problems", "causes", "files")} if last else {}
    degree, version = (last.answer.degree, last.answer.version) if last else (None, 0)
    form = AnswerForm(formdata=None, code=code, sheet=str(found.place.number), degree=degree, version=str(version),
                      **values)  # fmt: skip
    return _with_files(form, found)


def _with_files(form: AnswerForm, found: Diagnosis) -> AnswerForm:
    form.files.choices = [SelectChoice(one.hash, one.name) for one in found.files]
    return form


def _tell(form: AnswerForm, error: Invalid | Refused) -> int:
    """Put the faults of an answer at their fields."""
    faults = [one for one in error.errors if isinstance(one, dict) and one.get("pointer") in form]
    if not faults:
        return form.tell(error, AT, "degree")
    note(error.code)
    for one in faults:
        field = form[one["pointer"]]
        field.errors = [*field.errors, str(FAULTS.get(one["code"], told(error)))]
    return error.status


def _again(number: int, place: int, form: AnswerForm, status: int) -> Response:
    """Show what was entered once more, beside what stands now."""
    found = diagnosing.look(db.session, mine(), number, place)
    code = (form.code.data or "")[:LONGEST]
    if code not in found.points:
        return _page(found, "", None, status, str(FAULTS["frame.not_asked"]))
    here = found.here(code)
    form.version.data = str(here[0].answer.version if here else 0)
    return _page(found, code, _with_files(form, found), status)


def _page(found: Diagnosis, chosen: str, form: AnswerForm | None, status: int, failed: str = "") -> Response:
    return make_response(render_template(
        "frame/cycle.html", of=found, snap=found.acting.snap, chosen=chosen, form=form, failed=failed,
        words=frame_words, cycle_words=words,
    ), status)  # fmt: skip


def _opinion(found: Diagnosis, codes: list[str]) -> list[tuple[str, Said]]:
    """Return the newest answers to some points, wherever they were given."""
    newest = []
    for code in codes:
        every = [*found.here(code)[:1], *found.elsewhere(code)]
        if every:
            newest.append((code, max(every, key=lambda one: (one.answer.at, one.answer.id))))
    return newest
