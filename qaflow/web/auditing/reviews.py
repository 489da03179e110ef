"""What an outside review rests on: random samples, and the evidence kept still from a day on."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, DateField, HiddenField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from qaflow.errors import Invalid, Refused, Stale
from qaflow.services.auditing import freeze_checks, freezing, sampling
from qaflow.services.auditing.freezing import Preview
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.attachments import attached
from qaflow.web.cycles import words as cycle_words
from qaflow.web.cycles.files import keeper
from qaflow.web.forms import OK, REASON, Form, required
from qaflow.web.language import pair
from qaflow.web.requests import note
from qaflow.web.wording import FAULTS, told
from qaflow.web.words import college, today

from . import review_words

WORD_BYTES = 8
WORD = 64
DIGITS = 9
AT_SAMPLE = {"ref.unknown_layer": "layer", "text.control_character": "seed", "text.too_long": "seed"}
AT_FREEZE = {"ref.unknown_layer": "layer", "text.blank": "reason", "text.too_long": "reason",
             "text.control_character": "reason"}  # fmt: skip

pages = Blueprint("reviews", __name__, url_prefix="/audit")


class SampleForm(Form):
    """How a sample is drawn."""

    n = IntegerField(
        _("How many cycles"),
        [InputRequired(FAULTS["text.blank"]), NumberRange(1, sampling.MOST, FAULTS["value.range"])],
    )
    seed = StringField(_("Seed (may be left out)"), [Length(max=sampling.SEED, message=FAULTS["text.too_long"])])
    layer = SelectField(_("Layer"), [Optional()], choices=[])
    strata = BooleanField(_("So many of each layer"))
    once = HiddenField(validators=[Length(max=WORD)])


class FreezeForm(Form):
    """What is frozen; `agreed` is what the preview covered."""

    day = DateField(_("Periods that began by"), [InputRequired(FAULTS["date.invalid"])])
    layer = SelectField(_("Layer"), [Optional()], choices=[])
    reason = StringField(_("Reason"), required(REASON))
    agreed = HiddenField(validators=[Length(max=WORD)])
    once = HiddenField(validators=[Length(max=WORD)])


class LiftForm(Form):
    """Why a freeze is lifted."""

    reason = StringField(_("Reason"), required(REASON))


@pages.get("/samples")
def samples() -> Response:
    """List the samples, and ask for another."""
    return _samples(SampleForm(n=10, once=_word()))


@pages.post("/samples")
def draw() -> AnyResponse:
    """Draw a sample; a second click finds it drawn."""
    form = SampleForm()
    if not _offered(form).validate():
        return _samples(form)
    wanted = sampling.Wanted(n=form.n.data or 0, seed=form.seed.data or "", layer=form.layer.data or "",
                             strata=bool(form.strata.data), once=form.once.data or "")  # fmt: skip
    try:
        seq = sampling.draw(db.session, mine(), me(), wanted)
    except (Invalid, Refused) as error:
        return _samples(form, form.tell(error, AT_SAMPLE, "n"))
    return redirect(url_for("reviews.sample", seq=seq), 303)


@pages.get("/samples/<int:seq>")
def sample(seq: int) -> Response:
    """Show a sample and what drawing it again gives."""
    return _shown("sample", of=sampling.show(db.session, mine(), me(), seq))


@pages.get("/freezes")
def freezes() -> Response:
    """List the freezes, and ask for another."""
    return _freezes(FreezeForm(day=today(), once=_word()))


@pages.post("/freezes")
def freeze() -> AnyResponse:
    """Show what a freeze would cover; with the proof of what was shown, freeze it."""
    form = FreezeForm()
    if not _offered(form).validate():
        return _freezes(form)
    try:
        if not form.agreed.data:
            return _freezes(form, OK, freezing.preview(db.session, mine(), me(), _wanted(form)))
        number = freezing.freeze(db.session, mine(), me(), _wanted(form))
    except Stale as error:
        note(error.code)
        flash(told(error), "warn")
        return _freezes(form, error.status, freezing.preview(db.session, mine(), me(), _wanted(form)))
    except (Invalid, Refused) as error:
        return _freezes(form, form.tell(error, AT_FREEZE, "day"))
    return redirect(url_for("reviews.frozen", number=number), 303)


@pages.get("/freezes/<int:number>")
def frozen(number: int) -> Response:
    """Show a freeze, held against the present."""
    return _frozen(number, LiftForm())


@pages.post("/freezes/<int:number>/lift")
def lift(number: int) -> AnyResponse:
    """Lift a freeze."""
    form = LiftForm()
    if not form.validate():
        return _frozen(number, form)
    freezing.lift(db.session, mine(), me(), number, form.reason.data or "")
    flash(gettext("The freeze is lifted. Evidence can be left again."), "ok")
    return redirect(url_for("reviews.frozen", number=number), 303)


@pages.get("/freezes/<int:number>/manifest")
def manifest(number: int) -> Response:
    """Hand out the manifest as it was frozen."""
    row, text = freezing.manifest(db.session, mine(), me(), number)
    return attached(text, "application/json", f"freeze-{row.id}-{row.day}.json")


def _samples(form: SampleForm, status: int = OK) -> Response:
    found = sampling.listed(db.session, mine(), me())
    return _shown("samples", form.status(status), form=_offered(form), samples=found)


def _freezes(form: FreezeForm, status: int = OK, preview: Preview | None = None) -> Response:
    found = freezing.listed(db.session, mine(), me())
    return _shown("freezes", form.status(status), form=_offered(form), freezes=found, preview=preview)


def _frozen(number: int, form: LiftForm) -> Response:
    after = request.args.get("after", "")
    place = int(after) if after.isascii() and after.isdecimal() and len(after) <= DIGITS else 0
    found = freeze_checks.check(db.session, mine(), me(), keeper(), number, place, request.args.get("all") == "1")
    return _shown("freeze", form.status(), form=form, of=found, after=place, whole=request.args.get("all") == "1")


def _shown(template: str, status: int = OK, **values: Any) -> Response:
    words = {"say": review_words, "statuses": cycle_words.STATUS, "size": cycle_words.size}
    return make_response(render_template(f"reviews/{template}.html", **words, **values), status)


def _offered(form: Any) -> Any:
    """Fill in the college's layers."""
    view = college()
    layers = [(one.key, pair(one.name)) for one in view.config.layers] if view else []
    form.layer.choices = [("", gettext("All layers")), *layers]
    return form


def _wanted(form: FreezeForm) -> freezing.Wanted:
    return freezing.Wanted(day=form.day.data.isoformat(), layer=form.layer.data or "", reason=form.reason.data or "",
                           agreed=form.agreed.data or "", once=form.once.data or "")  # fmt: skip


def _word() -> str:
    return secrets.token_hex(WORD_BYTES)
