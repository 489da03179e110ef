"""The sign-in by the campus: to a provider and back, a directory's password, and what providers ask by themselves."""

from __future__ import annotations

from flask import redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from qaflow import logs
from qaflow.errors import QaflowError, Refused, Unproven
from qaflow.providers import Provider
from qaflow.services.accounts import sessions
from qaflow.services.accounts.sessions import By
from qaflow.services.ports import Identity
from qaflow.services.signin import arrivals, linking, reproof
from qaflow.services.signin.arrivals import PROVE, Arrival
from qaflow.services.work import Origin
from qaflow.store.db import db
from qaflow.web import access
from qaflow.web.access import public
from qaflow.web.forms import OK, SignIn
from qaflow.web.requests import moment, ports, reference

from . import entering
from .signin import pages, shown, unfit

ROUND = "round"
LONGEST_NEXT = 2000

log = logs.get("qaflow.web")


@pages.route("/signin/by/<key>", methods=["GET", "POST"])
@public
def by(key: str) -> Response:
    """Go to a provider, or ask for the login and password of a directory."""
    of = arrivals.provider_of(ports(), key)
    target = access.safe_next(request.values.get("next", "")[:LONGEST_NEXT])
    if key in ports().redirecting:
        return _depart(key, target)
    form, status = SignIn(next=target), OK
    if form.validate_on_submit():
        answer = _weighed(form, of, target)
        if isinstance(answer, Response):
            return answer
        status = answer
    return shown(form, form.status(status), of)


@pages.get("/signin/by/<key>/prove")
def prove(key: str) -> Response:
    """Go to a provider, which asks anew who it is."""
    return _depart(key, url_for("signin.proven"), access.me().person)


@pages.get("/signin/proven")
def proven() -> str:
    """Say that a fresh proof was given, and how to go on."""
    return render_template("proven.html")


@pages.get("/signin/waiting")
def waiting() -> str:
    """Say to a newcomer that an administrator has to give them something to do."""
    return render_template("waiting.html")


@pages.get("/signin/by/<key>/back")
@public
def arrive(key: str) -> Response:
    """Take what a provider sends back with the browser."""
    try:
        found = arrivals.arrive(db.session, ports(), key, _back(key), session.pop(ROUND, ""), request.args.to_dict())
        return _proven(found) if found.purpose == PROVE else _entered(found.identity, found.next)
    except QaflowError as error:
        _refused(key, error)
        raise


@pages.post("/signin/by/<key>/back")
@public
def ended(key: str) -> tuple[str, int]:
    """Take a provider's own word that a session is over (single logout, back-channel logout)."""
    try:
        what = arrivals.redirecting(ports(), key).ended(request.form.to_dict(), ports().clock.now())
    except QaflowError as error:
        _refused(key, error)
        raise
    count = sessions.ended_by(db.session, ports(), key, what)
    log.info("signin.ended", provider=key, sessions=count)
    return "", OK


@pages.get("/signin/by/<key>/leave")
@public
def leave(key: str) -> Response:
    """Go to a provider's own sign-out, after one's own here."""
    kept, home = entering.leaving(), url_for("signin.sign_in")
    if kept is None or kept["provider"] != key:
        return redirect(home, 303)
    there = arrivals.redirecting(ports(), key).leave(_whole(home), kept["proof"], ports().clock.now())
    return redirect(there or home, 303)


def _depart(key: str, target: str, person: int = 0) -> Response:
    departure = arrivals.depart(db.session, ports(), key, _back(key), target, person)
    session[ROUND] = departure.state
    return redirect(departure.url, 303)


def _weighed(form: SignIn, of: Provider, target: str) -> Response | int:
    """Let in whom a directory knows, or say at the password what is wrong."""
    tried = entering.tried(form.login.data or "", form.password.data or "", of.key)
    try:
        identity = arrivals.weighed(db.session, ports(), tried)
    except (Unproven, Refused) as error:
        return unfit(form, "password", error, tried)
    try:
        found = linking.admitted(db.session, _system(), of, identity)
    except QaflowError as error:
        _refused(of.key, error)
        return form.tell(error, {}, "login")
    home = url_for("signin.waiting") if found.waits else target
    return entering.by_password(found.person, found.login, home, By(of.key, login=tried.login))


def _entered(identity: Identity, target: str) -> Response:
    of = arrivals.provider_of(ports(), identity.provider)
    found = linking.admitted(db.session, _system(), of, identity)
    home = url_for("signin.waiting") if found.waits else target
    return entering.enter(found.person, home, By(of.key, identity.session, identity.proof))


def _proven(found: Arrival) -> Response:
    me = access.me()
    reproof.returned(db.session, ports(), me, found)
    log.info("signin.proven", person=me.person, provider=found.identity.provider)
    return redirect(found.next, 303)


def _refused(key: str, error: QaflowError) -> None:
    log.warning("signin.refused", provider=key, code=error.code, why=error.data.get("why"),
                address=request.remote_addr)  # fmt: skip


def _system() -> Origin:
    """Return the origin of what follows from a provider's word: nobody's act."""
    present = moment()
    return Origin(now=present.now, recorded=present.recorded, door="web", request=reference())


def _back(key: str) -> str:
    return _whole(url_for("signin.arrive", key=key))


def _whole(path: str) -> str:
    return ports().settings.base_url + path
