"""One cycle: the 8, its records and history, the stage's form, and the acts that this person may do there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow.errors import Busy, Forbidden, Invalid, Missing, QaflowError, Refused
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import drafting, saying
from qaflow.services.cycles import page as cycle_page
from qaflow.services.cycles.beside import SheetLine
from qaflow.services.cycles.drafting import Draft
from qaflow.services.cycles.page import CyclePage
from qaflow.services.desk import overdue
from qaflow.services.voices import selftest_cycle
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.entering import proofs
from qaflow.web.forms import OK
from qaflow.web.language import pair
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS, told

from . import changes, drafts, eight, files, frame, lacks, listing
from . import words as cycle_words
from .forms import ACTS, StageForm, args_of, entered, named, shown

RECENT = 8  # so many facts stand open, those before them behind a line
NOT_SENT = -1
"""A revision that no visit has: a form without one was made by nobody's page."""
TRANSFER = "transfer"
AT_FIELD = {"field.required": "text.blank"}

pages = Blueprint("cycles", __name__, url_prefix="/cycles")
pages.add_url_rule("", view_func=listing.index)
pages.add_url_rule("/<int:number>/files/<int:file>", view_func=files.download)
pages.add_url_rule("/<int:number>/frame", "frame", frame.show)
pages.add_url_rule("/<int:number>/frame", "answer", frame.answer, methods=["POST"])
pages.add_url_rule("/<int:number>/frame/report", "report", frame.report)
pages.add_url_rule("/<int:number>/drafts/<int:draft>/discard", view_func=drafts.discard, methods=["POST"])


@dataclass
class Failed:
    """An act that could not be done, with what was entered."""

    action: str
    args: dict[str, Any]
    told: str
    faults: dict[str, str] = field(default_factory=dict)
    form: StageForm | None = None

    def at(self, action: str, hidden: dict[str, Any]) -> bool:
        """Tell whether this is about the act of this form."""
        return action == self.action and all(str(self.args.get(k)) == str(v) for k, v in hidden.items())


@pages.get("/<int:number>")
def show(number: int) -> Response:
    """Show a cycle."""
    return _page(_look(number), None, OK)


@pages.get("/<int:number>/print")
def printed(number: int) -> str:
    """Show a cycle whole, for paper: every record, signature and fact."""
    page = _look(number)
    wide, _phone = eight.drawings(page)
    return render_template("cycle_print.html", page=page, snap=page.snap, wide=wide, words=cycle_words,
                           timeline=cycle_words.timeline(page), stage=page.definition.by_key.get(page.snap.stage),
                           due_day=eight.deadline(page))  # fmt: skip


@pages.post("/<int:number>/files")
def attach(number: int) -> Response:
    """Keep files as evidence of the current visit."""
    try:
        return files.keep(number)
    except (Invalid, Refused, Forbidden) as error:
        return _page(_look(number), _failed("attach", {}, None, error), error.status)


@pages.post("/<int:number>/draft")
def draft(number: int) -> Response:
    """Keep a form as it stands."""
    return drafts.keep(number, _look(number))


@pages.get("/<int:number>/sheets/<int:no>")
def sheet(number: int, no: int) -> Response:
    """Show an open diagnosis sheet."""
    page = _look(number)
    line = _sheet(page, no)
    kept = next((one for one in page.older if one.form.stage == f"sheet:{no}"), None)
    return _sheet_page(page, line, shown(line.form.form, kept.values if kept else {}), kept, None, OK)


@pages.post("/<int:number>/sheets/<int:no>")
def record(number: int, no: int) -> Response:
    """Record a diagnosis sheet."""
    page = _look(number)
    line = _sheet(page, no)
    form = entered(line.form.form, request.form)
    args = {"sheet": no, "content": form.values}
    try:
        drafting.submit(db.session, mine(), number, "record", args, _revision(), drafts.sent_form())
    except (Invalid, Refused, Forbidden, Busy) as error:
        return _sheet_page(_look(number), line, form, None, _failed("record", args, form, error), error.status)
    flash(_("The diagnosis sheet is recorded."), "ok")
    return redirect(url_for("cycles.show", number=number) + "#sheets", 303)


def _sheet(page: CyclePage, no: int) -> SheetLine:
    found = next((one for one in page.beside.sheets if one.no == no), None)
    if found is None:
        raise Missing("sheet.not_found", f"no open sheet {no}")
    return found


def _sheet_page(page: CyclePage, line: SheetLine, form: StageForm, kept: Draft | None, failed: Failed | None,
                status: int) -> Response:  # fmt: skip
    return make_response(render_template("cycle_sheet.html", page=page, snap=page.snap, line=line, form=form,
                                         failed=failed, kept=kept, words=cycle_words), status)  # fmt: skip


@pages.post("/<int:number>/<action>")
def act(number: int, action: str) -> Response:
    """Let whoever is signed in act; what cannot be done comes back with everything that was entered."""
    if action not in ACTS:
        raise Missing("action.unknown", f"action {action!r} is unknown")
    args, form = args_of(action, request.form), None
    if action == "submit":
        form = _form_sent(_look(number))
        args = {"content": form.values} if form.entries else {}

    def again(failed: Failed, status: int) -> Response:
        return _page(_look(number), failed, status)

    return tried(number, action, args, form, again, url_for("cycles.show", number=number))


def tried(number: int, action: str, args: dict[str, Any], form: StageForm | None,
          again: Callable[[Failed, int], Response], home: str) -> Response:  # fmt: skip
    """Do an act and go home; with a fault the page comes again, and after somebody else's act both versions stand."""
    try:
        proofs.take()
        SENT.get(action, _fire)(number, action, args)
    except Invalid as error:
        return again(_failed(action, args, form, error), error.status)
    except (Refused, Forbidden, Busy) as error:
        return _conflict(number, action, args, form, error)
    flash(str(ACTS[action].done), "ok")
    return redirect(home, 303)


def _fire(number: int, action: str, args: dict[str, Any]) -> None:
    cycles.fire(db.session, mine(), number, action, args, _revision())


def _comment(number: int, action: str, args: dict[str, Any]) -> None:
    marks = "".join(f" @{one}" for one in named(args.pop("mention", "")))
    args["text"] = args.get("text", "") + marks if args.get("text") else ""
    found = saying.comment(db.session, mine(), number, args["text"], _revision())
    for words in cycle_words.mentioned(found):
        flash(words, "warn")


def _copy(number: int, action: str, args: dict[str, Any]) -> None:
    saying.copy(db.session, mine(), number, named(args.get("to", "")), _revision())


def _submit(number: int, action: str, args: dict[str, Any]) -> None:
    drafting.submit(db.session, mine(), number, action, args, _revision(), drafts.sent_form())


def _take_over(number: int, action: str, args: dict[str, Any]) -> None:
    _fire(number, TRANSFER, args | {"to": me().login})


def _remind(number: int, action: str, args: dict[str, Any]) -> None:
    if not overdue.remind(db.session, mine(), number, args, _revision()):
        flash(_("You reminded of this a moment ago; nobody was told twice."), "warn")


SENT: dict[str, Callable[[int, str, dict[str, Any]], None]] = {
    "comment": _comment, "copy": _copy, "submit": _submit, "take_over": _take_over, "remind": _remind,
}  # fmt: skip
"""Acts that people send in another form than the command has."""


def _look(number: int) -> CyclePage:
    return cycle_page.look(db.session, mine(), number)


def _revision() -> int:
    text = request.form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else NOT_SENT


def _form_sent(page: CyclePage) -> StageForm:
    """Return the form as entered: that of the stage for which it was made, wherever the cycle stands by now."""
    by_key = page.definition.by_key
    stage = by_key.get(request.form.get("stage", "")) or by_key.get(page.snap.stage)
    return entered(stage.form if stage else (), request.form)


def _failed(action: str, args: dict[str, Any], form: StageForm | None, error: QaflowError) -> Failed:
    note(error.code)
    failed = Failed(action, args, told(error), form=form)
    for fault in error.errors:
        if not isinstance(fault, dict):
            continue
        pointer, code = str(fault.get("pointer", "")), str(fault.get("code", ""))
        if form is not None:
            form.fault(pointer, lacks.brief(fault))
        failed.faults[pointer] = str(FAULTS.get(AT_FIELD.get(code, code), failed.told))
    return failed


def _page(page: CyclePage, failed: Failed | None, status: int) -> Response:
    key = request.args.get("stage", "") if failed is None else page.snap.stage
    chosen = page.definition.by_key.get(key) or page.definition.by_key.get(page.snap.stage)
    form = failed.form if failed and failed.form else _stage_form(page)
    wide, phone = eight.drawings(page)
    came = changes.came_back(page) if "approve" in page.acts or "reject" in page.acts else None
    return make_response(render_template(
        "cycle.html", page=page, snap=page.snap, stage=page.definition.by_key.get(page.snap.stage), chosen=chosen,
        form=form, failed=failed, wide=wide, phone=phone, words=cycle_words, ACTS=ACTS, due_day=eight.deadline(page),
        missing=lacks.missing(page), timeline=cycle_words.timeline(page), RECENT=RECENT, came=came,
        changed=came and changes.changes(page.definition.by_key[page.snap.stage].form, came.before.values,
                                               came.after.values),
        selftest=selftest_cycle.beside(db.session, mine(), me(), page),
        watches="inbox.watch" in current_app.view_functions, only=request.args.get("only", ""),
    ), status)  # fmt: skip


def _stage_form(page: CyclePage) -> StageForm | None:
    stage = page.definition.by_key.get(page.snap.stage)
    values = page.draft.values if page.draft else page.records.get(page.snap.stage, {})
    return shown(stage.form, values) if stage and "submit" in page.acts else None


def _conflict(number: int, action: str, args: dict[str, Any], form: StageForm | None, error: QaflowError) -> Response:
    """Show what was sent beside what stands now, with the way to send it again where that is still possible."""
    note(error.code)
    page = _look(number)
    key = request.form.get("stage", "")
    sent = page.definition.by_key.get(key)
    now, opened = page.records.get(key, {}), changes.opened_at(page, key, _revision())
    changed = changes.changes(sent.form, now, form.values, opened) if form and sent else None
    page_html = render_template(
        "cycle_stale.html", page=page, snap=page.snap, action=action, act=ACTS[action], args=args, form=form,
        told=told(error), words=cycle_words, ACTS=ACTS, again=_again(page, action, args),
        stage=page.definition.by_key.get(page.snap.stage), failed=Failed(action, args, ""), pair=pair,
        sent_stage=sent, changed=changed, opened=opened, latest=cycle_words.timeline(page)[:3],
    )  # fmt: skip
    return make_response(page_html, error.status)


def _again(page: CyclePage, action: str, args: dict[str, Any]) -> bool:
    """Tell whether the act can still be done as things stand now."""
    action = TRANSFER if action == "take_over" else action
    if "warning" in args:
        return any(action in one.acts for one in page.warnings if one.life.id == args["warning"])
    if "item" in args:
        return any(action in one.acts for one in page.owed if str(one.no) == args["item"])
    same_stage = action != "submit" or request.form.get("stage") == page.snap.stage
    return action in page.acts and same_stage
