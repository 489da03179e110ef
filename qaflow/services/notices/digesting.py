"""Sorting what is to be told: urgent notices into a message at once, all others into one digest a person and day.

Who is told is reckoned now, not when the fact was written: deputies of today, holders of the roles that a definition
names beside, what each person chose.  Overdue work stays in the digest until it is done.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from qaflow.engine import notices as topics
from qaflow.engine.definition import NoticeRule
from qaflow.engine.quiet import USUAL_HOUR, digest_at, next_digest, next_open, open_day, quiet
from qaflow.services.college import compiled, view
from qaflow.services.desk.inbox import bounds
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import channels, colleges, messages, outbox, people, telling, ticks
from qaflow.store.db import Driver, utc
from qaflow.store.messages import New
from qaflow.store.telling import Choice, Fresh
from qaflow.store.waiting import appointed

MAIL = "mail"
INCIDENT = "tick.mail"
UNCHOSEN = Choice(mail=True, address=None, hour=USUAL_HOUR)
CYCLE = "cycle:"
Bins = defaultdict[int, list[int]]
as_text = json.JSONEncoder(ensure_ascii=False).encode


def sort(session: AnySession, origin: Origin) -> None:
    """Put what may be told now into messages, and let the rest wait for its hour; one transaction a college."""
    for row in transact(session, colleges.everyone):
        transact(session, lambda d, college=row.id: _Desk(session, d, origin, college).sort())  # type: ignore[misc]


def cycle_of(stream: str) -> int | None:
    """Return the cycle of a stream, None for a college's."""
    return int(stream.removeprefix(CYCLE)) if stream.startswith(CYCLE) else None


class _Desk:
    """The desk of one college at one instant."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, college: int) -> None:
        self.session, self.driver, self.college = session, driver, college
        self.calendar = view(session, driver, college).calendar
        self.now, self.at = origin.now, utc(origin.now)
        self.day = self.calendar.local_day(self.now)
        self.today = self.day.isoformat()

    def sort(self) -> None:
        """Sort the fresh notices, and make the digests whose hour has come."""
        slots = self._slots()
        due = {hour for hour, at in slots.items() if at <= self.at}
        fresh = telling.fresh(self.driver, self.college, self.at)
        if not fresh and not due:
            return
        if quiet(self.calendar, self.now):
            telling.later(self.driver, [one.id for one in fresh], utc(next_open(self.calendar, self.now)))
        else:
            self._make(_Copying(self).all(fresh), slots, due)
        for hour in due:
            self._next(hour)

    def _slots(self) -> dict[int, str]:
        """Return when digests leave next, by hour; a college's first day begins with its usual hour."""
        found = telling.slots(self.driver, self.college)
        if USUAL_HOUR not in found:
            first = digest_at(self.calendar, self.day, USUAL_HOUR)
            begins = first if open_day(self.calendar, self.day) else next_digest(self.calendar, USUAL_HOUR, self.now)
            found[USUAL_HOUR] = utc(begins)
            telling.set_slot(self.driver, self.college, USUAL_HOUR, utc(begins))
        return found

    def _next(self, hour: int) -> str:
        at = utc(next_digest(self.calendar, hour, self.now))
        telling.set_slot(self.driver, self.college, hour, at)
        return at

    def _make(self, fresh: list[Fresh], slots: dict[int, str], due: set[int]) -> None:
        """Make the messages that leave now."""
        late = self._late() if due else set()
        persons = sorted({one.person for one in fresh} | late)
        choices = telling.choices(self.driver, self.college, persons)
        full = messages.digested(self.driver, self.college, self.today) if due else set()
        hours = {p: choices.get(p, UNCHOSEN).hour for p in persons}
        silent = {p for p, choice in choices.items() if not choice.mail}
        leaving = {p for p in persons if hours[p] in due} - full - silent
        bins = self._binned(fresh, persons, silent)
        digests: Bins = defaultdict(list, {p: [] for p in late & leaving})
        for person, ids in bins["digest"].items():
            if person in leaving:
                digests[person] += ids
            else:
                hour = hours[person]
                next_at = slots.get(hour) or self._next(hour)
                wait = next_at if next_at > self.at else utc(next_digest(self.calendar, hour, self.now))
                telling.later(self.driver, ids, wait)
        for person in digests:
            digests[person] += bins["urgent"].pop(person, [])
        outbox.mark(self.driver, [i for ids in bins["off"].values() for i in ids], "dropped", self.at)
        self._put(self._with_stuck(digests), bins["urgent"], USUAL_HOUR in due)

    def _late(self) -> set[int]:
        """Return who has overdue work, and who stands in for them."""
        holders = set(telling.overdue(self.driver, self.college, bounds(self.calendar, self.day)[0]))
        standing = appointed(self.driver, self.college, self.today)
        for _ in range(people.MAX_CHAIN):
            more = {a.deputy for a in standing if a.person in holders} - holders
            if not more:
                break
            holders |= more
        return holders

    def _binned(self, fresh: list[Fresh], persons: list[int], silent: set[int]) -> dict[str, Bins]:
        """Part the notices by how each is told, and by person."""
        chosen = telling.topics(self.driver, self.college, persons)
        rules = self.rules(fresh)
        bins: dict[str, Bins] = {how: defaultdict(list) for how in topics.HOWS}
        for one in fresh:
            rule = rules(one)
            choice = chosen.get((one.person, rule.what))
            how = "off" if one.person in silent else topics.chosen(rule, choice, one.kind)
            bins[how][one.person].append(one.id)
        return bins

    def rules(self, fresh: list[Fresh]) -> _Rules:
        """Return the rules by which notices are told: those of the definition by which each cycle runs."""
        return _Rules(self, fresh)

    def _with_stuck(self, digests: Bins) -> Bins:
        """Take the notices of digests that never left into today's."""
        stuck = messages.stuck(self.driver, self.college, sorted(digests), self.today) if digests else []
        messages.merge(self.driver, [one.id for one in stuck], self.at)
        for one in stuck:
            digests[one.person or 0] += one.ids
            ticks.solve(self.driver, INCIDENT, one.key, self.at)
        return digests

    def _put(self, digests: Bins, urgent: Bins, groups: bool) -> None:
        ways = {one.kind: one for one in channels.everyone(self.driver, self.college) if one.kind == MAIL}
        mail = ways[MAIL].id if MAIL in ways else self._mail()
        made = [New(self.college, f"digest.{self.today}.{p}", "digest", mail, p, self.today, as_text(sorted(ids)),
                    self.at, self.at) for p, ids in digests.items()]  # fmt: skip
        made += [New(self.college, f"urgent.{min(ids)}.{p}", "urgent", mail, p, self.today, as_text(ids), self.at,
                     self.at) for p, ids in urgent.items()]  # fmt: skip
        for one in made:
            telling.join(self.driver, json.loads(one.notices), one.key)
        messages.put(self.driver, [*made, *(self._groups() if groups else ())])

    def _mail(self) -> int:
        return channels.add(self.driver, (self.college, MAIL, MAIL, None, "zh", None, None, MAIL, 0, self.at))

    def _groups(self) -> Iterable[New]:
        """Yield a message for each group that has something to be reminded of."""
        floor, today, _ = bounds(self.calendar, self.day)
        for one in channels.everyone(self.driver, self.college):
            if one.kind != MAIL and any(telling.group(self.driver, self.college, one.unit, floor, today)):
                key = f"group.{self.today}.{one.id}"
                yield New(self.college, key, "group", one.id, None, self.today, "[]", self.at, self.at)


class _Rules:
    """The rule of each notice of a batch."""

    def __init__(self, desk: _Desk, fresh: list[Fresh]) -> None:
        ids = sorted({number for one in fresh if (number := cycle_of(one.stream)) is not None})
        self.cycles = telling.cycles(desk.driver, desk.college, ids) if ids else {}
        self.by_hash = {digest: topics.rules(compiled(desk.session, desk.driver, digest).definition)
                        for digest in {row[0] for row in self.cycles.values()}}  # fmt: skip

    def __call__(self, one: Fresh) -> NoticeRule:
        cycle = self.cycles.get(cycle_of(one.stream) or 0)
        return (self.by_hash[cycle[0]] if cycle else topics.DEFAULT)[topics.TOPICS[one.kind]]


class _Copying:
    """Tells the same to deputies, and to holders of the roles that a definition names beside."""

    def __init__(self, desk: _Desk) -> None:
        self.desk = desk
        self.standing = appointed(desk.driver, desk.college, desk.today)

    def all(self, fresh: list[Fresh]) -> list[Fresh]:
        """Return the notices with those of whoever else is told; deputies of deputies are followed."""
        looked: set[int] = set()
        for _ in range(people.MAX_CHAIN):
            rules = self.desk.rules(fresh)
            new = [one for one in fresh if one.id not in looked]
            copies = [row for one in new for row in self._copies(one, rules)]
            if not copies:
                break
            looked |= {one.id for one in fresh}
            once = {(r.journal_stream, r.journal_seq, r.person_id): r for r in copies}
            outbox.put(self.desk.driver, list(once.values()))
            fresh = telling.fresh(self.desk.driver, self.desk.college, self.desk.at)
        return fresh

    def _copies(self, one: Fresh, rules: _Rules) -> Iterable[outbox.Row]:
        cycle = rules.cycles.get(cycle_of(one.stream) or 0)
        layer = cycle[1] if cycle else None
        deputies = [a.deputy for a in self.standing if a.person == one.person and a.layer in (None, layer)]
        also = [] if cycle is None or "for" in json.loads(one.payload) else self._also(cycle, rules(one).also)
        if not deputies and not also:
            return
        driver = self.desk.driver
        knowing = {str(p) for p in telling.told(driver, one.stream, one.seq)}
        knowing |= {telling.actor(driver, one.stream, one.seq) or ""}
        for person in (*deputies, *also):
            if str(person) not in knowing:
                more = {"for": one.person} if person in deputies else {}
                yield outbox.Row(self.desk.college, one.stream, one.seq, one.kind, person,
                                 as_text(json.loads(one.payload) | more), "waiting", self.desk.at,
                                 f"{one.stream}.{one.seq}.{person}")  # fmt: skip

    def _also(self, cycle: tuple[str, str, int, int], roles: tuple[str, ...]) -> list[int]:
        _, layer, subject, unit = cycle
        found: list[int] = []
        for role in roles:
            near = people.holders(self.desk.driver, self.desk.college, role, subject, layer, unit, self.desk.today)
            found += [person for person, distance in near if distance == near[0][1]]
        return found
