"""The office's side of the frame: take it from the library, replace it by a file, reword, add and drop its parts."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import SelectChoice

from qaflow.engine.diagnosis import POINT
from qaflow.engine.yaml_source import MAX_BYTES
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.definitions import uploading
from qaflow.services.frame import changes as frame_changes
from qaflow.services.frame import edits as frame_edits
from qaflow.services.frame.changes import Change, Checked
from qaflow.store.db import db
from qaflow.store.frame import Row
from qaflow.web.access import me, mine
from qaflow.web.carrying import packed, unpacked
from qaflow.web.forms import OK, UNFIT
from qaflow.web.language import pair
from qaflow.web.requests import note
from qaflow.web.wording import told

from . import words
from .forms import KindForm, NewPartForm, PartForm, whole

AT = {"frame.code": "code", "frame.code_taken": "code", "frame.parent": "parent", "value.unknown": "star",
      "frame.indicators": "indicators"}  # fmt: skip
MOST_CHOSEN = 500


def register(pages: Blueprint) -> None:
    """Hang these pages on the frame's blueprint."""
    pages.add_url_rule("/take", view_func=take, methods=["GET", "POST"])
    pages.add_url_rule("/replace", view_func=replace, methods=["GET", "POST"])
    pages.add_url_rule("/replace/agreed", view_func=agreed, methods=["POST"])
    pages.add_url_rule("/kind", view_func=kind, methods=["POST"])
    pages.add_url_rule("/new", view_func=new, methods=["GET", "POST"])
    pages.add_url_rule("/parts/<int:part>", view_func=edit, methods=["GET", "POST"])
    pages.add_url_rule("/parts/<int:part>/drop", view_func=drop, methods=["POST"])


def take() -> Response:
    """Choose items and elements of the library, see what taking them changes, and take them."""
    libraries = frame_changes.libraries(db.session, mine(), me())
    chosen, tasks = request.values.getlist("part")[:MOST_CHOSEN], request.values.get("tasks") == "yes"
    library, agreed_ = request.values.get("library", ""), request.form.get("digest") or None
    change, failed, status = None, "", OK
    if request.method == "POST":
        try:
            change = frame_changes.take(db.session, mine(), me(), library, chosen, tasks=tasks, agreed=agreed_)
        except (Invalid, Refused, Missing) as error:
            note(error.code)
            failed, status = told(error), error.status
        if change is not None and agreed_ is not None:
            return _done(change)
    return make_response(render_template("frame/take.html", libraries=libraries, chosen=chosen, tasks=tasks,
                                         library=library, change=change, failed=failed,
                                         words=words), status)  # fmt: skip


def replace() -> Response:
    """Check a file of ``kind: points`` and show what its frame would change; nothing of it is stored."""
    frame_changes.libraries(db.session, mine(), me())  # whoever may not is told before a file is read
    if request.method != "POST":
        return _replace_page(None, "", b"", OK)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        note("file.empty")
        return _replace_page(None, "", b"", UNFIT, _("Choose a file first."))
    with sent.stream as stream:
        name, data = uploading.shown(sent.filename), stream.read(MAX_BYTES + 1)
    checked = frame_changes.check(db.session, mine(), me(), name, data)
    return _replace_page(checked, name, data, OK if checked.change else UNFIT)


def agreed() -> Response:
    """Replace the frame by what was checked, if it still changes just that."""
    name, data = request.form.get("name", ""), unpacked(request.form.get("content", ""), MAX_BYTES)
    digest = request.form.get("digest", "")
    try:
        return _done(frame_changes.replace(db.session, mine(), me(), name, data, digest))
    except (Invalid, Refused) as error:
        note(error.code)
        checked = frame_changes.check(db.session, mine(), me(), name, data)
        return _replace_page(checked, name, data, error.status, told(error))


def kind() -> Response:
    """Set the kind of the college."""
    form = KindForm()
    frame_edits.set_kind(db.session, mine(), me(), form.kind.data or "")
    flash(_("The kind of the college is set."), "ok")
    return redirect(url_for("frame.index"), 303)


def edit(part: int) -> Response:
    """Change the words of a part."""
    row = frame_edits.part(db.session, mine(), me(), part)
    form = PartForm() if request.method == "POST" else _filled(row)
    if request.method != "POST" or not form.validate():
        return _edit_page(form, row, form.status())
    try:
        frame_edits.reword(db.session, mine(), me(), part, whole(form.version.data), form.wanted())
    except (Invalid, Refused) as error:
        return _edit_page(form, frame_edits.part(db.session, mine(), me(), part), _tell(form, error))
    flash(_("%(code)s is changed.", code=row.code), "ok")
    return redirect(url_for("frame.index") + f"#p-{row.code}", 303)


def drop(part: int) -> Response:
    """Drop a part, or take it up again."""
    dropped = request.form.get("on") != "yes"
    row = frame_edits.drop(db.session, mine(), me(), part, whole(request.form.get("version")), dropped)
    told_ = _("%(code)s is no longer asked.") if dropped else _("%(code)s is asked again.")
    flash(told_ % {"code": row.code}, "ok")
    return redirect(url_for("frame.index") + f"#p-{row.code}", 303)


def new() -> Response:
    """Add a part of the college's own."""
    found = frame_edits.editable(db.session, mine(), me())
    form = NewPartForm() if request.method == "POST" else NewPartForm(formdata=None, teaching_units=True)
    under = [row for row in found.rows if row.level != POINT]
    form.parent.choices = [SelectChoice("", _("nothing: a new item")),
                           *(SelectChoice(row.code, f"{row.code} {pair(row.name)}") for row in under)]  # fmt: skip
    if request.method != "POST" or not form.validate():
        return _edit_page(form, None, form.status())
    try:
        row = frame_edits.add(db.session, mine(), me(), form.code.data or "", form.parent.data or "", form.wanted())
    except (Invalid, Refused) as error:
        return _edit_page(form, None, _tell(form, error))
    flash(_("%(code)s is added.", code=row.code), "ok")
    return redirect(url_for("frame.index") + f"#p-{row.code}", 303)


def _filled(row: Row) -> PartForm:
    """Return the form of a part with the words that it has."""
    words_ = frame_edits.words_of(row)
    lines = (zh if zh == en else f"{zh} | {en}" for zh, en in words_.indicators)
    same = ("name_zh", "name_en", "star", "requirement_zh", "requirement_en", "teaching_units")
    return PartForm(formdata=None, version=str(row.version), indicators="\n".join(lines),
                    platform=", ".join(words_.platform), **{name: getattr(words_, name) for name in same})  # fmt: skip


def _tell(form: PartForm, error: Invalid | Refused) -> int:
    """Put a fault at the field that it names, else at the one of its code."""
    named = next((one["pointer"] for one in error.errors if isinstance(one, dict) and one.get("pointer") in form), None)
    return form.tell(error, {error.code: named} if named else {k: v for k, v in AT.items() if v in form}, "name_zh")


def _edit_page(form: PartForm, row: Row | None, status: int) -> Response:
    level = row.level if row else ""
    return make_response(render_template("frame/edit.html", form=form, row=row, level=level, words=words), status)


def _replace_page(checked: Checked | None, name: str, data: bytes, status: int, failed: str = "") -> Response:
    change = checked.change if checked else None
    content = packed(data) if change is not None else ""
    return make_response(render_template("frame/replace.html", checked=checked, change=change, name=name,
                                         content=content, failed=failed, words=words), status)  # fmt: skip


def _done(change: Change) -> Response:
    told_ = _("The frame is changed: %(new)d new, %(changed)d changed, %(dropped)d dropped, %(tasks)d tasks added.")
    flash(told_ % change.counts, "ok")
    return redirect(url_for("frame.index"), 303)
