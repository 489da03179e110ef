"""One college's simulated year: who acts on which day, what is measured, what happens besides."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Sequence
from typing import Any

from qaflow.engine.diagnosis import FRAMED
from qaflow.engine.snapshot import Data
from qaflow.services.chains import plan_goals
from qaflow.services.cycles import bulk
from qaflow.services.cycles.bulk import Act, Outcome
from qaflow.services.desk import inbox
from qaflow.services.desk.inbox import Work
from qaflow.services.places import structure
from qaflow.services.points import monitoring
from qaflow.store.db import Driver

from ..college import CollegeView, compiled
from ..work import AnySession, Origin, transact
from . import conduct, habits
from .cast import Cast
from .chain_work import ChainWork
from .forms import Library
from .framing import Framing
from .gauges import Gauges
from .occasions import Occasions
from .plan_work import PlanWork
from .values import Origins, Plan, chance
from .voices import Voices

OPENING = dt.time(8, 30)
OFFICE_SECONDS = 9 * 3600
EVENING = dt.time(18, 0)
READINGS_A_BATCH = 10_000
TRIES = 12  # how often somebody comes back to a work item that could not be done yet
WAIT = 5  # working days until they come back
PATIENCE = 2  # working days until they look again whether the warnings are closed
TAKEN_BACK = 0.015  # share of submissions that are withdrawn and handed in again
CHILDREN_WAIT = 15


class CollegeYear:
    """The acts, readings and happenings of one college, day by day."""

    def __init__(self, session: AnySession, college: CollegeView, cast: Cast, plan: Plan, origins: Origins) -> None:
        """Set out with nobody owing anything."""
        self.session, self.college, self.cast, self.plan, self.origins = session, college, cast, plan, origins
        self.rng = chance(plan.seed, college.key, "people")
        self.library = Library(plan.seed, plan.start, self.ask(lambda d: plan_goals.texts(d, college.id)))
        self.calendar = college.calendar
        points = self.ask(lambda d: structure.measured(d, college.id))
        self.gauges = Gauges(points, cast.subjects, self.calendar, chance(plan.seed, college.key, "gauges"))
        self.agenda: list[tuple[int, int, int, int, int]] = []  # day, cycle, number, item, tries
        self.extra: dict[int, list[tuple[int, int, str, Data]]] = {}  # day -> (person, cycle, action, data)
        self.away: dict[int, tuple[int, dt.date]] = {}  # absent person -> deputy, last day
        self.last_item = 0
        self.refused: dict[str, int] = {}
        self.occasions = Occasions(self)
        self.framing = Framing(session, college, chance(plan.seed, college.key, "frame"))
        self.framing.settle(self.origin(self.at(plan.start, OPENING)), cast.office[0])
        self.plan_work = PlanWork(self)
        self.chain_work = ChainWork(self)
        self.voices = Voices(self)

    def ask(self, question: Any) -> Any:
        """Read in a transaction of its own."""
        return transact(self.session, question)

    def at(self, day: dt.date, time: dt.time, seconds: float = 0) -> dt.datetime:
        """Return an instant of a local day."""
        local = dt.datetime.combine(day, time, self.calendar.tz) + dt.timedelta(seconds=int(seconds))
        return local.astimezone(dt.UTC)

    def origin(self, moment: dt.datetime, person: int | None = None, account: str = "operator") -> Origin:
        """Return who acts and when."""
        return self.origins.at(moment, person, account)

    def work(self, day: dt.date) -> int:
        """Let people act on a working day; returns how many acts were done."""
        self.occasions.happen(day)
        self.plan_work.happen(day)
        self.chain_work.happen(day)
        self.voices.speak(day)
        self._look_in(day)
        due = self._due(day)
        acts = self._acts(day, due)
        if not acts:
            return 0
        self._diagnose(acts)
        done = bulk.fire_many(self.session, [act for act, _, _ in acts])
        for outcome, (_, work, tries) in zip(done, acts, strict=True):
            self._after(day, outcome, work, tries)
        return sum(1 for o in done if o.refused is None)

    def _diagnose(self, acts: Sequence[tuple[Act, Work | None, int]]) -> None:
        """Let those who hand in a diagnosis answer points of the frame before."""
        for act, work, _ in acts:
            if work is not None and self.framing.frames and work.layer in FRAMED:
                definition = self.ask(lambda d, digest=work.definition: self._definition(d, digest))
                self.framing.answer(act.origin, work, definition)

    def _look_in(self, day: dt.date) -> None:
        """Take note of what has come into the inboxes, and plan when it is done."""
        found: list[Work] = self.ask(lambda d: list(inbox.open_work(d, self.college.id, self.last_item)))
        for one in sorted(found, key=lambda w: (w.cycle, w.no)):
            self.occasions.seen(one, day)
            self._plan(one, habits.when(one, day - dt.timedelta(days=1), self.calendar, self.rng), 0)
        self.last_item = max((w.id for w in found), default=self.last_item)

    def _plan(self, one: Work, day: dt.date, tries: int) -> None:
        if day <= self.plan.end and tries <= TRIES:
            heapq.heappush(self.agenda, (day.toordinal(), one.cycle, one.no, one.id, tries))

    def _due(self, day: dt.date) -> list[tuple[Work, int]]:
        """Return today's items as they stand now, with the tries so far."""
        tries: dict[int, int] = {}
        while self.agenda and self.agenda[0][0] <= day.toordinal():
            entry = heapq.heappop(self.agenda)
            tries[entry[3]] = entry[4]
        if not tries:
            return []
        found: list[Work] = self.ask(lambda d: inbox.look(d, list(tries)))
        return [(one, tries[one.id]) for one in found]

    def _acts(self, day: dt.date, due: Sequence[tuple[Work, int]]) -> list[tuple[Act, Work | None, int]]:
        wanted: list[tuple[int, int, str, Data, Work | None, int]] = [
            (person, cycle, action, data, None, 0)
            for person, cycle, action, data in self.extra.pop(day.toordinal(), ())
        ]
        definitions = self.ask(lambda d: {w.definition: self._definition(d, w.definition) for w, _ in due})
        for one, tries in due:
            if one.state == "stopped" or (one.state == "open" and one.status != "running"):
                self._plan(one, habits.later(day, self.calendar, WAIT), tries)
            elif one.state == "open" and one.holder is not None:
                if self._must_wait(one, definitions[one.definition]):
                    self._plan(one, habits.later(day, self.calendar, PATIENCE), tries)
                    continue
                action, data = conduct.move(one, definitions[one.definition], self.library, self.rng)
                wanted.append((self._hands(one.holder, day), one.cycle, action, data, one, tries))
        step = OFFICE_SECONDS / (len(wanted) + 1)
        return [
            (
                Act(origin=self.origin(self.at(day, OPENING, n * step), person), cycle=cycle, action=action, args=data),
                work,
                tries,
            )
            for n, (person, cycle, action, data, work, tries) in enumerate(wanted)
        ]

    def _definition(self, driver: Driver, digest: str) -> Any:
        return compiled(self.session, driver, digest).definition

    def _must_wait(self, one: Work, definition: Any) -> bool:
        """Tell whether a stage cannot be handed in or decided, because its warnings are still open."""
        held = one.kind in ("submit", "decide", "sign") and one.ref is None
        return held and one.open_warnings > 0 and one.at_stage == definition.hinge == one.stage

    def _hands(self, holder: int, day: dt.date) -> int:
        """Return who acts for the holder of an item: themselves, or while they are away their deputy."""
        deputy, last = self.away.get(holder, (holder, day))
        return deputy if day <= last else holder

    def _after(self, day: dt.date, outcome: Outcome, work: Work | None, tries: int) -> None:
        if outcome.refused is not None:
            code = f"{outcome.act.action}:{outcome.refused.code}"
            self.refused[code] = self.refused.get(code, 0) + 1
            if work is not None:
                days = CHILDREN_WAIT if outcome.act.action == "submit" else WAIT
                self._plan(work, habits.later(day, self.calendar, days), tries + 1)
            return
        if work is None:
            return
        if work.kind == "confirm" and outcome.act.action == "confirm" and work.point is not None:
            self.gauges.follow(work.point, work.subject, day)
        if (
            outcome.act.action == "submit"
            and outcome.state == f"{work.stage}.review"
            and self.rng.random() < TAKEN_BACK
        ):
            self.later(self.calendar.add_working(day, 1), outcome.act.origin.person or 0, work.cycle, "withdraw", {})

    def later(self, day: dt.date, person: int, cycle: int, action: str, data: Data) -> None:
        """Plan an act that answers no work item."""
        self.extra.setdefault(day.toordinal(), []).append((person, cycle, action, data))

    def measure(self, day: dt.date) -> int:
        """Hand in what the business systems measured on a day; returns how many readings."""
        moment = self.at(day, EVENING)
        found = list(self.gauges.readings(day, moment))
        for first in range(0, len(found), READINGS_A_BATCH):
            batch = found[first : first + READINGS_A_BATCH]
            monitoring.accept(self.session, self.origin(moment, account="system"), self.college.id, batch)
        return len(found)
