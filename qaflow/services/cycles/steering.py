"""Whole rounds: what stands in each, and acts on many of their cycles with a dry run before (engine rules, 2 and 5).

The dry run is the act itself, decided by the same rules and rights and then rolled back.  An act carries a word that
was given with its dry run; it stands in the facts it leaves, so that a second confirmation finds them done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from qaflow.engine.calendar import CalendarGap
from qaflow.engine.decide.life import misfit
from qaflow.engine.snapshot import Data
from qaflow.errors import Invalid, QaflowError, Refused
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import compiled
from qaflow.services.figures.survey import Chosen, Survey
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import colleges
from qaflow.store import steering as rows
from qaflow.store.db import Driver, reading
from qaflow.store.db import driver as driver_of
from qaflow.store.steering import Reached, Round

from . import acts
from . import rounds as starting
from .acting import Acting, hold

ACTS = ("start", "suspend", "resume", "extend", "migrate")
BATCH = 500  # cycles of one request; the page goes on with the next
CHUNK = 100  # of one transaction
MOST_DAYS = 250
IN_STAGE = ("submit", "decide", "sign")
WITH_REASON = ("suspend", "extend")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An act on a round: its track, the first day of its period, whom of it, and the act's own words."""

    act: str
    layer: str
    track: str
    day: str
    unit: int = 0
    stage: str = ""
    days: int = 0
    until: str = ""
    version: int = 0
    reason: str = ""
    once: str = ""
    after: int = 0

    @property
    def request(self) -> str:
        """The word under which the act's facts stand."""
        return f"round-{self.once}-{self.act}"


class Fate(NamedTuple):
    """What an act does, or did, to one cycle: nothing where it is refused."""

    of: Reached
    cycle: int | None
    done: bool
    error: QaflowError | None = None
    due: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A batch of an act: how many it reaches in all, and what happens to each of these."""

    survey: Survey
    total: int
    fates: tuple[Fate, ...]
    following: int  # the place after which the next batch begins; 0 where this is the last

    @property
    def done(self) -> int:
        """How many of the batch were acted on before."""
        return sum(f.done for f in self.fates)

    @property
    def refused(self) -> int:
        """How many of the batch cannot be acted on."""
        return sum(f.error is not None for f in self.fates)

    @property
    def ahead(self) -> int:
        """How many of the batch a confirmation would act on."""
        return len(self.fates) - self.done - self.refused


class Rounds(NamedTuple):
    """The rounds of a term, what waits to be started, and whether the person may steer them."""

    survey: Survey
    rounds: tuple[Round, ...]
    unstarted: dict[tuple[str, str, str | None], int]
    steers: bool


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Rounds:
    """Return the rounds of a term."""
    driver = reading(session)
    try:
        survey = Survey(session, driver, origin, me, chosen)
        found = tuple(rows.rounds(driver, survey.params))
        return Rounds(survey, found, rows.unstarted(driver, survey.params), _steers(driver, survey, me))
    finally:
        session.rollback()


def _steers(driver: Driver, survey: Survey, me: SignedIn) -> bool:
    try:
        policy.require_role(driver, survey.college.id, me.person, "rounds", survey.today.isoformat())
    except QaflowError:
        return False
    return True


def versions(session: AnySession, origin: Origin, me: SignedIn, wanted: Wanted) -> list[tuple[str, int]]:
    """Return the versions that a round's cycles could go over to."""
    driver = reading(session)
    try:
        survey = _survey(session, driver, origin, me, wanted)
        return rows.versions(driver, _params(survey, wanted))
    finally:
        session.rollback()


def plan(session: AnySession, origin: Origin, me: SignedIn, wanted: Wanted) -> Plan:
    """Decide a batch of an act and take everything back: what would happen to each, or why not."""
    driver = driver_of(session)
    try:
        survey = _survey(session, driver, origin, me, wanted)
        check(wanted)
        total, found = rows.reached(driver, _params(survey, wanted), wanted.act == "start")
        more, found = len(found) > BATCH, found[:BATCH]
        fates = tuple(_one(survey, driver, _asking(origin, wanted), wanted, of) for of in found)
        fates = tuple(sorted(fates, key=lambda fate: fate.error is None))  # what is refused stands first
        return Plan(survey=survey, total=total, fates=fates, following=found[-1].place if more else 0)
    finally:
        session.rollback()


def run(session: AnySession, origin: Origin, me: SignedIn, wanted: Wanted) -> int:
    """Act on a batch, some at a time; returns on how many. What was done under the same word stays as it is."""
    driver = reading(session)
    try:
        survey = _survey(session, driver, origin, me, wanted)
        check(wanted)
        if not wanted.once:
            raise Invalid("query.unknown", "an act on a round needs the word of its dry run")
        _, found = rows.reached(driver, _params(survey, wanted), wanted.act == "start")
    finally:
        session.rollback()
    acted = 0
    for first in range(0, min(len(found), BATCH), CHUNK):
        part = found[first : min(first + CHUNK, BATCH)]
        acted += transact(session, lambda driver, part=part: _chunk(session, driver, origin, me, wanted, part))  # type: ignore[misc]
    return acted


def _chunk(session: AnySession, driver: Driver, origin: Origin, me: SignedIn, wanted: Wanted,
           part: Sequence[Reached]) -> int:  # fmt: skip
    survey = _survey(session, driver, origin, me, wanted)
    fates = [_one(survey, driver, _asking(origin, wanted), wanted, of) for of in part]
    return sum(not f.done and f.error is None for f in fates)


def check(wanted: Wanted) -> None:
    """Refuse an act whose words are missing or out of bounds, each fault by its field."""
    faults = {
        "act": wanted.act not in ACTS,
        "day": not _is_day(wanted.day),
        "reason": wanted.act in WITH_REASON and not wanted.reason.strip(),
        "days": wanted.act == "extend" and not wanted.until and not 0 < wanted.days <= MOST_DAYS,
        "until": wanted.act == "extend" and bool(wanted.until) and not _is_day(wanted.until),
        "version": wanted.act == "migrate" and wanted.version < 1,
    }
    codes = {"reason": "text.blank", "day": "date.invalid", "until": "date.invalid", "days": "value.range"}
    errors = [{"pointer": k, "code": codes.get(k, "value.unknown")} for k, wrong in faults.items() if wrong]
    if errors:
        raise Invalid("data.invalid", "the act on a round is not fully said", errors=errors)


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _asking(origin: Origin, wanted: Wanted) -> Origin:
    return replace(origin, request=wanted.request)


def _survey(session: AnySession, driver: Driver, origin: Origin, me: SignedIn, wanted: Wanted) -> Survey:
    """Open the college for an act: the quality office's right alone (engine rules, 5)."""
    chosen = Chosen(term="all", layer=wanted.layer, track=wanted.track, unit=wanted.unit)
    survey = Survey(session, driver, origin, me, chosen)
    policy.require_role(driver, survey.college.id, me.person, "rounds", survey.today.isoformat())
    survey.college.track(wanted.layer, wanted.track)
    return survey


def _params(survey: Survey, wanted: Wanted) -> Data:
    more = {"day": wanted.day, "stage": wanted.stage, "after": wanted.after, "limit": BATCH + 1}
    return survey.params | more


def _one(survey: Survey, driver: Driver, origin: Origin, wanted: Wanted, of: Reached) -> Fate:
    """Act on one cycle, or say why not; a refused one leaves nothing behind."""
    try:
        with driver.savepoint():
            if wanted.act == "start":
                return _start(survey, driver, origin, wanted, of)
            assert of.cycle is not None
            acting = hold(survey.session, driver, origin, of.cycle, Writer(driver, origin))
            if wanted.once and rows.done(driver, of.cycle, wanted.request):
                return Fate(of, of.cycle, done=True)
            due = _ACTS[wanted.act](acting, wanted)
            acts.finish(acting)
            return Fate(of, of.cycle, done=False, due=due)
    except QaflowError as error:
        return Fate(of, of.cycle, done=False, error=error)


def _start(survey: Survey, driver: Driver, origin: Origin, wanted: Wanted, of: Reached) -> Fate:
    if of.cycle is not None and wanted.once and rows.done(driver, of.cycle, wanted.request):
        return Fate(of, of.cycle, done=True)
    acting = starting.start_on_demand(survey.session, driver, origin, survey.college, of.layer, of.code, wanted.track,
                                      dt.date.fromisoformat(wanted.day))  # fmt: skip
    visit = acting.snap.visits[acting.snap.stage]
    return Fate(of, acting.snap.id, done=False, due=visit.due)


def _suspend(acting: Acting, wanted: Wanted) -> str | None:
    acts.act(acting, "suspend", acts.check_args("suspend", {"reason": wanted.reason}))
    return None


def _resume(acting: Acting, wanted: Wanted) -> str | None:
    acts.act(acting, "resume", {})
    return acting.snap.visits[acting.snap.stage].due


def _extend(acting: Acting, wanted: Wanted) -> str | None:
    """Extend every open item of the stage in which a cycle stands; returns the latest new deadline."""
    items = [i for i in acting.snap.open_items() if i.stage == acting.snap.stage and i.kind in IN_STAGE and i.due]
    if not items:
        raise Refused("item.none", "no work of the stage is open")
    for item in items:
        args = {"item": item.no, "due": wanted.until or _later(acting, item.due, wanted.days), "reason": wanted.reason}
        acts.act(acting, "extend", acts.check_args("extend", args))
    return max(str(acting.snap.items[i.no].due) for i in items)


def _later(acting: Acting, due: Any, days: int) -> str:
    try:
        calendar = acting.college.calendar
        return calendar.add_working(calendar.next_working(dt.date.fromisoformat(due)), days).isoformat()
    except CalendarGap:
        raise Invalid("calendar.not_adopted", "the calendar does not reach that day") from None


def _migrate(acting: Acting, wanted: Wanted) -> str | None:
    key = acting.compiled.definition.key
    row = colleges.newest(acting.driver, key, wanted.version)
    if row is None:
        raise Refused("definition.not_found", f"version {wanted.version} of {key} is not published")
    if acting.compiled.definition.version == wanted.version:
        raise Refused("migration.there", "the cycle follows this version already")
    person = acting.origin.person
    assert person is not None
    policy.permit(acting.driver, acting.scope, acting.snap, "migrate", {}, person, acting.today)
    target = compiled(acting.session, acting.driver, row[1]).definition
    why = misfit(acting.compiled, acting.snap, target, {})
    if why is not None:
        raise Refused("migration.unfit", why.told)
    acting.decide("migrate", {"definition": target}, acting.context())
    return None


_ACTS = {"suspend": _suspend, "resume": _resume, "extend": _extend, "migrate": _migrate}
