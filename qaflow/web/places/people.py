"""People and their roles, one page each; what is done to an account stands in that person's own history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import Field

from qaflow.errors import Invalid, Missing, QaflowError, Refused
from qaflow.services.accounts import absences, directory, staffing
from qaflow.services.accounts.directory import Chosen
from qaflow.services.accounts.staffing import Term
from qaflow.services.places import organisation
from qaflow.services.policy import ADMINISTRATORS
from qaflow.services.signin import desk as signin_desk
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK, Away, Form, apart
from qaflow.web.language import pair
from qaflow.web.requests import note, ports
from qaflow.web.wording import told
from qaflow.web.words import college

from .forms import GrantForm, PersonForm, SecretForm, StandInForm
from .units import pages, shown, text, whole, whole_tree

AT_GRANT = {"ref.unknown_role": "role", "grant.self": "role", "ref.unknown_subject": "subject", "date.order": "ends"}
AT_DAYS = {"deputy.dates": "ends", "absence.dates": "ends", "absence.overlap": "starts"}
AT_PERSON = {"login.taken": "login", "code.blank_inside": "login", "number.invalid": "login",
             "mail.address": "mail"}  # fmt: skip


@pages.get("/people")
def people() -> Response:
    """List the college's people."""
    state, after = text("state"), text("after")
    chosen = Chosen(text=text("q"), unit=whole("unit"), role=text("role"), after=(after,) if after else None,
                    state=state if state in directory.STATES else "active")  # fmt: skip
    found = directory.people(db.session, mine(), me(), chosen)
    return shown("people", page=found, tree=whole_tree(), roles=_roles())


@pages.route("/people/new", methods=["GET", "POST"])
def new_person() -> Response:
    """Add a person."""
    organisation.require(db.session, mine(), me())
    form = PersonForm(language="zh")
    role = GrantForm(formdata=None).offer(whole_tree())
    status = OK
    if form.validate_on_submit():
        try:
            made = staffing.add(db.session, mine(), me(), form.login.data or "", form.name.data or "",
                                form.language.data, mail=form.mail.data or "")  # fmt: skip
        except (Invalid, Refused) as error:
            status = form.tell(error, AT_PERSON, "login")
        else:
            flash(_("The account is made. Give it a role and a first password."), "ok")
            return redirect(url_for("organisation.person", number=made), 303)
    return shown("person_form", form.status(status), form=form, role=role)


@pages.get("/people/<int:number>")
def person(number: int) -> Response:
    """Show one person."""
    return _page(number)


@pages.get("/people/<int:number>/work")
def work(number: int) -> Response:
    """List the live work that somebody holds."""
    last = request.args.get("by", type=as_day)
    found = directory.work(db.session, mine(), me(), number, whole("after"), last.isoformat() if last else None)
    return shown("work", work=found)


@pages.post("/people/<int:number>/name")
def rename(number: int) -> Response:
    """Give somebody another name, language or mail address."""
    form = PersonForm()

    def act() -> None:
        staffing.rename(db.session, mine(), me(), number, form.name.data or "", form.language.data, form.mail.data)

    return _done(number, form, "person_form", act, AT_PERSON, "name", _("The account is changed."))


@pages.post("/people/<int:number>/roles")
def grant(number: int) -> Response:
    """Let somebody hold a role."""
    form = GrantForm().offer(whole_tree())

    def act() -> None:
        subject = (form.subject.data or "").strip()
        scope = f"subject:{subject}" if subject else form.scope.data
        term = Term(form.role.data, scope, as_text(form.starts), as_text(form.ends))
        staffing.grant(db.session, mine(), me(), number, term)

    at = AT_GRANT | {"scope.invalid": "scope"}
    return _done(number, form, "grant_form", act, at, "scope", _("The role is given. Their sessions have ended."))


@pages.post("/people/<int:number>/roles/<int:grant>/revoke")
def revoke(number: int, grant: int) -> Response:
    """Take a role away."""
    try:
        staffing.revoke(db.session, mine(), me(), number, grant)
        flash(_("The role is taken away. Their sessions have ended."), "ok")
    except Refused as error:
        refuse(error)
    return redirect(url_for("organisation.person", number=number) + "#roles", 303)


@pages.post("/people/<int:number>/password")
def password(number: int) -> Response:
    """Set somebody's password: typed, or made and shown this once."""
    form = SecretForm()
    typed = form.password.data or ""
    secret = typed or staffing.generated()
    try:
        listed = ports().settings.breached_passwords
        staffing.password(db.session, mine(), me(), number, secret, listed)
    except Invalid as error:
        return _page(number, form.tell(error, {}, "password"), secret_form=form)
    except Refused as error:
        refuse(error)
        return redirect(url_for("organisation.person", number=number), 303)
    if typed:
        flash(_("The password is set. Their sessions have ended."), "ok")
        return redirect(url_for("organisation.person", number=number), 303)
    return shown("secret", secret=secret, person=directory.one(db.session, mine(), me(), number))


@pages.post("/people/<int:number>/deputies")
def appoint_for(number: int) -> Response:
    """Let somebody stand in for a person."""
    form = StandInForm().offer()

    def act() -> None:
        days = as_text(form.starts), as_text(form.ends)
        staffing.appoint(db.session, mine(), me(), number, form.who.data or "", *days, None, form.layer.data or None,
                         form.reason.data or "")  # fmt: skip

    at = AT_DAYS | {"ref.unknown_layer": "layer"}
    return _done(number, form, "deputy_form", act, at, "who", _("The deputy is appointed."))


@pages.post("/people/<int:number>/deputies/<int:deputy>/end")
def end_deputy(number: int, deputy: int) -> Response:
    """End an appointment before its last day."""
    staffing.end_deputy(db.session, mine(), me(), number, deputy)
    flash(_("The deputy's time has ended."), "ok")
    return redirect(url_for("organisation.person", number=number) + "#deputies", 303)


@pages.post("/people/<int:number>/absences")
def absent(number: int) -> Response:
    """Note that somebody will be away."""
    form = Away()

    def act() -> None:
        days = as_text(form.starts), as_text(form.ends)
        absences.note(db.session, mine(), me(), number, *days, form.reason.data or "")

    return _done(number, form, "absence_form", act, AT_DAYS, "starts", _("The absence is noted."))


@pages.post("/absences/<int:number>/end")
def end_absence(number: int) -> Response:
    """End an absence: it was a mistake, or the person is back."""
    person = absences.end(db.session, mine(), me(), number)
    flash(_("The absence has ended."), "ok")
    target = url_for("profile.show") if person == me().person else url_for("organisation.person", number=person)
    return redirect(target + "#absences", 303)


def refuse(error: QaflowError) -> None:
    """Say on the next page why a button did nothing."""
    note(error.code)
    flash(told(error), "warn")


def _done(number: int, form: Form, name: str, act: Callable[[], Any], at: Mapping[str, str], default: str,
          words: str) -> Response:  # fmt: skip
    """Do what a form asks for and show the person again, with its faults where it cannot be done."""
    status = OK
    if form.validate():
        try:
            act()
        except Missing as error:
            if error.code == "person.not_found":
                raise
            status = form.tell(error, at, default)
        except (Invalid, Refused) as error:
            status = form.tell(error, at, default)
        else:
            flash(words, "ok")
            return redirect(url_for("organisation.person", number=number), 303)
    return _page(number, form.status(status), **{name: form})


def _page(number: int, status: int = OK, **forms: Form) -> Response:
    found = directory.one(db.session, mine(), me(), number)
    account = found.account
    days = {"starts": request.args.get("starts", type=as_day), "ends": request.args.get("ends", type=as_day)}
    fresh: dict[str, Form] = {
        "person_form": PersonForm(formdata=None, name=account.name, language=account.language, mail=account.mail),
        "grant_form": GrantForm(formdata=None).offer(whole_tree()),
        "deputy_form": StandInForm(formdata=None, prefix="", **days).offer(),
        "absence_form": Away(formdata=None),
        "secret_form": SecretForm(formdata=None),
    }
    layers = {one.key: one.name for one in view.config.layers} if (view := college()) else {}
    several = {name: apart(form, name) for name, form in (fresh | forms).items()}
    signing = signin_desk.of_person(db.session, mine(), me(), number) if ADMINISTRATORS & me().kinds else None
    providers = {one.key: one for one in ports().settings.providers}
    return shown("person", status, person=found, layers=layers, open=set(forms), signing=signing, providers=providers,
                 **several)  # fmt: skip


def as_day(value: str) -> date:
    """Return a day of the address."""
    return date.fromisoformat(value)


def as_text(field: Field) -> str:
    """Return the day of a field as services take it."""
    return field.data.isoformat() if field.data else ""


def _roles() -> list[tuple[str, str]]:
    view = college()
    return [(key, pair(role.name)) for key, role in view.config.role_by_key.items()] if view else []
