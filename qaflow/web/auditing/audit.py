"""Audit: any history of the college, one entry with its place in the chain, the proofs, checkpoints and packs.

The address narrows the history: ``person`` (login or name, ``system``), ``unit`` (a number), ``what`` (a group of
facts), ``first`` and ``last`` (days), ``q`` (part of a subject's name or code), ``of`` (``cycle``, ``person``,
``college``), ``door``, ``after``.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from qaflow import logs
from qaflow.errors import Invalid
from qaflow.services.auditing import packs, proving, trail
from qaflow.services.auditing.trail import BEYOND, STREAMS, Asked
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.attachments import attached
from qaflow.web.requests import note, ports

from . import audit_words as words

JSON = "application/json"
LONGEST, DIGITS = 80, 18

log = logs.get("qaflow.web")
pages = Blueprint("audit", __name__, url_prefix="/audit")


@pages.get("")
def index() -> str:
    """Show the college's history as the address narrows it, and what it rests on."""
    asked, given = _asked()
    found = trail.search(db.session, mine(), me().college, asked)
    standing = proving.standing(db.session, mine(), me().college)
    following = url_for("audit.index", **given, after=found.following) if found.following else None
    lines = [(one, words.told(one)) for one in found.lines]
    return render_template("audit/index.html", found=found, lines=lines, standing=standing, given=given, words=words,
                           streams=STREAMS, following=following)  # fmt: skip


@pages.get("/entries/<stream>/<int:seq>")
def entry(stream: str, seq: int) -> str:
    """Show one entry whole."""
    found = trail.one(db.session, mine(), me().college, stream[:LONGEST], seq if seq < 10**DIGITS else 0)
    return render_template("audit/entry.html", found=found, told=words.told(found.line), entry=found.line.entry)


@pages.get("/proofs")
def proofs() -> str:
    """Show the verifications and the last checkpoint."""
    standing = proving.standing(db.session, mine(), me().college)
    return render_template("audit/proofs.html", standing=standing, words=words)


@pages.post("/proofs")
def prove() -> Response:
    """Begin to verify the history, beside the pages; a checkpoint that is sent along is held against it."""
    sent = request.files.get("checkpoint")
    data = sent.stream.read(proving.MOST_BYTES + 1) if sent and sent.filename else None
    try:
        proving.start(db.session, ports(), mine(), me().college, data)
    except Invalid as error:
        note(error.code)
        standing = proving.standing(db.session, mine(), me().college)
        told = words.CHECKPOINT_FAULTS.get(error.code)
        return make_response(render_template("audit/proofs.html", standing=standing, words=words, fault=told), 422)
    return redirect(url_for("audit.proofs"), 303)


@pages.post("/checkpoints")
def checkpoint() -> Response:
    """Make a checkpoint, to be kept outside this machine."""
    made = proving.seal(db.session, mine(), ports(), me().college)
    name = f"checkpoint-{made['at'][:10]}.json"
    return attached(json.dumps(made, ensure_ascii=False, indent=1) + "\n", JSON, name)


@pages.get("/cycles/<int:number>/pack")
def pack(number: int) -> Response:
    """Give one cycle's whole history as a file that proves itself."""
    made = proving.pack(db.session, mine(), me().college, number)
    log.info("web.pack_taken", cycle=number, person=me().person, head=made["head"])
    return attached(packs.as_text(made), JSON, f"cycle-{number}.json")


@pages.post("/cycles/<int:number>/proof")
def prove_cycle(number: int) -> Response:
    """Hash and replay one cycle now."""
    found = proving.cycle(db.session, mine(), me().college, number)
    if found["consistent"]:
        text = _("Verified: %(num)d entries hash and replay; the newest digest is %(head)s.", num=found["entries"],
                 head=str(found["head"])[: words.SHORT])  # fmt: skip
        flash(text, "ok")
    else:
        first = found["findings"][0]
        flash(_("Not verified: entry %(seq)s cannot stand.", seq=first["seq"] or "?"), "warn")
    return redirect(url_for("cycles.show", number=number) + "#history", 303)


def _asked() -> tuple[Asked, dict[str, Any]]:
    """Return what is searched for, and the same as the address writes it."""
    what, of = _text("what"), _text("of")
    group = words.GROUPS.get(what)
    asked = Asked(
        person=_text("person").strip(), unit=_number("unit"), kinds=group[1] if group else (), first=_day("first"),
        last=_day("last"), subject=_text("q").strip(), stream=of if of in STREAMS else "", door=_text("door"),
        after=_number("after") or BEYOND,
    )  # fmt: skip
    given = {"person": asked.person, "unit": asked.unit, "what": what if group else "", "first": asked.first,
             "last": asked.last, "q": asked.subject, "of": asked.stream, "door": asked.door}  # fmt: skip
    return asked, {key: str(value) for key, value in given.items() if value}


def _text(name: str) -> str:
    found = request.args.get(name, "")
    return found if len(found) <= LONGEST and found.isprintable() else ""


def _number(name: str) -> int:
    text = _text(name)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else 0


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(_text(name))
    except ValueError:
        return None
