"""Definitions: the published versions, one of them whole, what differs, check and publish, migrate with a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from qaflow.engine import loader
from qaflow.engine.definition import Definition
from qaflow.engine.differences import renamed
from qaflow.engine.drawing import bpmn as drawing_bpmn
from qaflow.engine.drawing import mermaid as drawing_mermaid
from qaflow.engine.drawing import svg as drawing_svg
from qaflow.engine.yaml_source import MAX_BYTES
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.cycles import migrating
from qaflow.services.cycles.migrating import Page
from qaflow.services.definitions import published, uploading
from qaflow.services.definitions.published import PAGE, STATUSES, Shown
from qaflow.services.definitions.uploading import Checked
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.attachments import attached
from qaflow.web.carrying import packed, unpacked
from qaflow.web.cycles.words import LEAVES, STATUS
from qaflow.web.forms import OK, UNFIT
from qaflow.web.language import chosen
from qaflow.web.requests import note
from qaflow.web.wording import told
from qaflow.web.words import college

from . import words
from .migration_words import why
from .words import Speaker

DRAWINGS = {
    "svg": (drawing_svg.draw, "image/svg+xml", "svg"),
    "mermaid": (drawing_mermaid.draw, "text/plain", "mmd"),
    "bpmn": (drawing_bpmn.draw, "application/xml", "bpmn"),
    "yaml": (lambda found, _language: loader.dump(found), "application/yaml", "yaml"),
}
"""What can be taken away: how it is made, its media type, the end of its name."""
LONGEST = 80  # of a value in the address
DIGITS = 18
HIGHEST = 2**31 - 1  # of a version

pages = Blueprint("definitions", __name__, url_prefix="/definitions")


@pages.get("")
def index() -> str:
    """Show the versions that my college runs."""
    versions, seen, may = published.overview(db.session, mine(), me())
    return render_template("definitions/index.html", versions=versions, say=Speaker(seen), may=may)


@pages.get("/<spiral>/<int:version>")
def show(spiral: str, version: int) -> str:
    """Show one version."""
    found = _look(spiral, version)
    wide, phone = (
        Markup(drawing_svg.draw(found.definition, chosen(), phone=small, standalone=False,  # noqa: S704 - it escapes
                                ident="q8p" if small else "q8"))
        for small in (False, True)
    )  # fmt: skip
    row = found.published.row
    return render_template("definitions/show.html", shown=found, of=found.definition, row=row, wide=wide, phone=phone,
                           say=Speaker(found.college, found.definition), words=words)  # fmt: skip


@pages.get("/<spiral>/<int:version>/drawing.<form>")
def drawing(spiral: str, version: int, form: str) -> Response:
    """Give a drawing or the file of a version to keep."""
    found = _look(spiral, version)
    if form not in DRAWINGS:
        raise Missing("object.not_found", f"no drawing of the form {form!r}")
    make, media, end = DRAWINGS[form]
    return attached(make(found.definition, chosen()), media, f"{spiral}-{version}.{end}")


@pages.get("/<spiral>/<int:version>/cycles")
def cycles(spiral: str, version: int) -> str:
    """Show the cycles that stand on a version."""
    status = request.args.get("status", "")
    status = status if status in STATUSES else "running"
    after = _number("after") or 0
    of, definition, lines = published.cycles(db.session, mine(), me(), spiral, _sane(version), status, after)
    return render_template("definitions/cycles.html", of=of, lines=lines, status=status, STATUS=STATUS, PAGE=PAGE,
                           say=Speaker(college(), definition))  # fmt: skip


@pages.get("/<spiral>/difference")
def difference(spiral: str) -> str:
    """Show what differs between two versions."""
    old, new = _number("old") or 0, _number("new") or 0
    found = published.difference(db.session, mine(), me(), spiral, _sane(old), _sane(new))
    say = Speaker(college(), found.old, found.new)
    return render_template("definitions/difference.html", found=found, say=say, forms=_forms(found.old, found.new))


@pages.route("/check", methods=["GET", "POST"])
def check() -> Response:
    """Check a file that is sent; nothing of it is stored."""
    uploading.require(db.session, mine(), me())
    if request.method != "POST":
        return _check_page(None, "", b"", OK)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        note("file.empty")
        return _check_page(None, "", b"", UNFIT, _("Choose a file first."))
    with sent.stream as stream:
        name, data = uploading.shown(sent.filename), stream.read(MAX_BYTES + 1)
    checked = uploading.check(db.session, mine(), me(), name, data)
    return _check_page(checked, name, data, OK if checked.definition else UNFIT)


@pages.post("/publish")
def publish() -> Response:
    """Publish what was checked, if it is that very content."""
    name, data = request.form.get("name", ""), unpacked(request.form.get("content", ""), MAX_BYTES)
    try:
        found = uploading.publish(db.session, mine(), me(), name, data, request.form.get("digest", ""))
    except (Invalid, Refused) as error:
        note(error.code)
        return _check_page(uploading.check(db.session, mine(), me(), name, data), uploading.shown(name), data,
                           error.status, told(error))  # fmt: skip
    flash(_("Version %(num)d is published. Running cycles keep the version they began with.", num=found.version), "ok")
    return redirect(url_for("definitions.show", spiral=found.key, version=found.version), 303)


@pages.get("/<spiral>/<int:version>/migrate")
def migrate(spiral: str, version: int) -> Response:
    """Show where each cycle would land on a version, or why it cannot."""
    return _migration(spiral, version, request.args, OK)


@pages.post("/<spiral>/<int:version>/migrate")
def move(spiral: str, version: int) -> Response:
    """Move the cycles that were shown and fit."""
    since, after = published.mark(db.session), _number("after") or 0
    renames = _renames(request.form)
    _look(spiral, version)  # another college's is not there
    try:
        found = migrating.migrate(db.session, mine(), spiral, _sane(version), False, renames, Page(after, PAGE))
    except Invalid as error:
        note(error.code)
        return _migration(spiral, version, request.form, error.status, told(error))
    moved, left = found["moved"], len(found["items"]) - found["moved"]
    flash(ngettext("%(num)d cycle was moved.", "%(num)d cycles were moved.", moved) + " "
          + ngettext("%(num)d was not.", "%(num)d were not.", left), "ok" if moved else "warn")  # fmt: skip
    named: dict[str, Any] = {f"from-{old}": new for old, new in renames.items()}
    return redirect(url_for("definitions.migrate", spiral=spiral, version=version, since=since, **named), 303)


def _look(spiral: str, version: int) -> Shown:
    return published.one(db.session, mine(), me(), spiral, _sane(version))


def _sane(version: int) -> int:
    """Return a version as a database can hold it: a higher one is none."""
    return version if version <= HIGHEST else 0


def _number(name: str) -> int | None:
    text = request.values.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def _renames(sent: Mapping[str, str]) -> dict[str, str]:
    """Return which old stage is which new one, as it was entered."""
    named = {name.removeprefix("from-"): new for name, new in sent.items() if name.startswith("from-") and new}
    return {old: new for old, new in named.items() if max(len(old), len(new)) <= LONGEST}


def _migration(spiral: str, version: int, sent: Mapping[str, str], status: int, failed: str = "") -> Response:
    found = _look(spiral, version)
    olds = [published.one(db.session, mine(), me(), spiral, one.row.version).definition for one in found.others
            if one.counts["running"] or one.counts["suspended"]]  # fmt: skip
    likely = {old: new for one in olds for old, new in renamed(one, found.definition).items()}
    gone = {s.key: s for one in olds for s in one.stages if s.key not in found.definition.by_key}
    renames = {k: v for k, v in (_renames(sent) or ({} if "previewed" in sent else likely)).items() if k in gone}
    document = migrating.migrate(db.session, mine(), spiral, version, True, {} if failed else renames,
                                 Page(_number("after") or 0, PAGE))  # fmt: skip
    since = _number("since")
    moved = [] if since is None else published.moved(db.session, mine(), me(), spiral, version, since)
    page = render_template(
        "definitions/migrate.html", shown=found, of=found.definition, document=document, gone=gone, renames=renames,
        moved=moved, say=Speaker(found.college, *olds, found.definition), why=why, LEAVES=LEAVES, failed=failed,
        PAGE=PAGE, after=_number("after") or 0, named={f"from-{old}": new for old, new in renames.items()},
    )  # fmt: skip
    return make_response(page, status)


def _forms(*definitions: Definition) -> dict[str, tuple[object, ...]]:
    """Return the fields of each stage in either version, by which conditions are worded."""
    return {s.key: s.form for one in definitions for s in one.stages}


def _check_page(checked: Checked | None, name: str, data: bytes, status: int, failed: str = "") -> Response:
    of = checked.definition if checked else None
    content = packed(data) if of is not None else ""
    page = render_template("definitions/check.html", checked=checked, of=of, name=name, content=content, failed=failed,
                           say=Speaker(college(), *([of] if of else [])), words=words)  # fmt: skip
    return make_response(page, status)
