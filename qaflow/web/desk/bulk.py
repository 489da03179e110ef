"""Many rows of the inbox at once: what would become of each, then what became of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from qaflow.errors import Invalid, QaflowError, Refused, Unproven
from qaflow.services.desk import bulk as inbox_bulk
from qaflow.services.desk.bulk import BEFORE, SAME, Bulk, Pick, Result, Told
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.cycles.forms import ACTS as WORDS
from qaflow.web.entering import proofs
from qaflow.web.forms import OK
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS, told

from .inbox import NUMBER, TITLES, TOGETHER_WORDS, cycle_url

VERSION = 9  # digits
PICK = re.compile(rf"(\d{{1,{NUMBER}}})(?:\.(\d{{1,{VERSION}}}))?", re.ASCII)
TITLE: dict[str, Any] = {
    "approve": _("Approve together"), "return": _("Return together"), "remind": _("Remind together"),
    "transfer": _("Transfer together"), "extend": _("Extend together"),
}  # fmt: skip
SALT = "qaflow-bulk"

pages = Blueprint("inbox_bulk", __name__, url_prefix="/inbox/bulk")


@pages.get("")
def preview() -> Response:
    """Show what would become of the ticked items; nothing is done."""
    return _page(_asked(request.args))


@pages.post("")
def act() -> Response:
    """Do it, or show once more what would become of the items."""
    asked = _asked(request.form)
    if "check" in request.form:
        return _page(asked)
    try:
        proofs.take()
        if proofs.ways(asked.act) is not None:
            raise Unproven("proof.needed", "prove anew who you are")
        results = inbox_bulk.carry_out(db.session, mine(), me(), asked)
    except (Invalid, Unproven, Refused) as error:
        return _page(asked, error)
    return redirect(url_for("inbox_bulk.result", done=_signed(asked.act, results), box=_box()), 303)


@pages.get("/result")
def result() -> str:
    """Show what became of each item."""
    act_, ended = _read(request.args.get("done", ""))
    rows = inbox_bulk.rows_of(db.session, mine(), me(), [item for item, _does, _code in ended])
    lines = [(rows.get(item), does, FAULTS.get(code, FAULTS["internal"]) if code else None)
             for item, does, code in ended]  # fmt: skip
    return render_template("inbox_result.html", act=act_, lines=lines, title=TITLE.get(act_, ""), words=WORDS,
                           cycle_url=cycle_url, box=_box())  # fmt: skip


def _asked(sent: MultiDict[str, str]) -> Bulk:
    """Return the act that an address or form means; one malformed number refuses it whole."""
    picks = []
    for text in sent.getlist("item"):
        found = PICK.fullmatch(text)
        if found is None:
            raise Invalid("item.malformed", f"item {text[:40]!r} is no number")
        picks.append(Pick(int(found[1]), int(found[2]) if found[2] else None))
    words = {name: sent.get(name, "").replace("\r\n", "\n").strip() for name in ("to", "who", "due", "reason",
                                                                               "comment")}  # fmt: skip
    return Bulk(act=sent.get("act", ""), picks=tuple(picks), **words)


def _box() -> str:
    found = request.values.get("box", "")
    return found if found in TITLES else "mine"


def _page(asked: Bulk, error: QaflowError | None = None) -> Response:
    faults, status = _faults(error), OK if error is None else error.status
    told_ = None
    if asked.picks:
        try:
            told_ = inbox_bulk.preview(db.session, mine(), me(), replace(asked, who="") if "who" in faults else asked)
        except Invalid as wrong:
            faults, status = faults | _faults(wrong), wrong.status
            told_ = _without_names(asked, wrong)
    page = render_template(
        "inbox_bulk.html", asked=asked, told=told_, faults=faults, title=TITLE.get(asked.act, ""), words=WORDS,
        button=TOGETHER_WORDS.get(asked.act, ""), asks=inbox_bulk.ASKED.get(asked.act, ()), why=told, same=SAME,
        before=BEFORE, cycle_url=cycle_url, box=_box(),
    )  # fmt: skip
    return make_response(page, status)


def _without_names(asked: Bulk, wrong: Invalid) -> Told:
    """Return what would become of the items while the colleague who is named is not found."""
    if not wrong.code.startswith("ref."):
        raise wrong
    return inbox_bulk.preview(db.session, mine(), me(), replace(asked, who=""))


def _faults(error: QaflowError | None) -> dict[str, str]:
    """Return the faults by their field."""
    if error is None:
        return {}
    note(error.code)
    found = {str(one["pointer"]): str(FAULTS.get(str(one["code"]), told(error))) for one in error.errors
             if isinstance(one, dict)}  # fmt: skip
    return found or {"who" if isinstance(error, Invalid) else "proof": told(error)}


def _signed(act_: str, results: Sequence[Result]) -> str:
    ended = [[one.item, one.does, one.refused.code if one.refused else ""] for one in results]
    return str(_signer().dumps([me().person, act_, ended]))


def _read(text: str) -> tuple[str, list[tuple[int, str, str]]]:
    """Return what a result's address says: ours, and of an act of this person, or nothing."""
    try:
        person, act_, ended = _signer().loads(text)
    except BadSignature:
        return "", []
    return (act_, [tuple(one) for one in ended]) if person == me().person else ("", [])


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=SALT)
