"""The tick on work items: overdue work goes up its ladder, each level once (engine rules, 6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from qaflow.engine.decide import items as rules
from qaflow.engine.decide.common import rung_at
from qaflow.engine.definition import Definition
from qaflow.services.accounts.lines import addressee
from qaflow.services.college import CollegeView, compiled, view
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles.acting import hold
from qaflow.services.notices import notices
from qaflow.services.work import AnySession, LostRace, Origin, Writer, compact
from qaflow.store import journal, people, sweep
from qaflow.store.db import Driver, utc


class Supervisors:
    """Finds to whom levels go; alike questions of one batch are asked once."""

    def __init__(self, driver: Driver, college: CollegeView, day: str) -> None:
        self._driver, self.college, self._day = driver, college, day
        self._found: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
        self._own: dict[str, set[int]] = {}

    def of(self, role: str, item: sweep.LateItem) -> int | None:
        """Return the nearest holder of a role above an item, never its holder."""
        return addressee(lambda one: self._holders(one, item), self.college, role, item.holder)

    def _holders(self, role: str, item: sweep.LateItem) -> list[tuple[int, int]]:
        subject = item.subject if item.subject in self._with_own(role) else 0
        key = (role, item.unit, item.layer, subject)
        rows = self._found.get(key)
        if rows is None:
            rows = people.holders(self._driver, self.college.id, role, subject, item.layer, item.unit, self._day)
            self._found[key] = rows
        return rows

    def _with_own(self, role: str) -> set[int]:
        """Return the subjects for which the role is held by name: theirs is a question of their own."""
        found = self._own.get(role)
        if found is None:
            found = self._own[role] = people.subjects_with(self._driver, self.college.id, role)
        return found


def escalate_batch(session: AnySession, driver: Driver, origin: Origin,
                   late: Sequence[sweep.LateItem]) -> tuple[int, list[sweep.LateItem]]:  # fmt: skip
    """Fire the next level of many items with set statements; returns (fired, those that must go singly)."""
    at, recorded = utc(origin.now), utc(origin.recorded)
    writer = Writer(driver, origin)
    finders: dict[int, Supervisors] = {}
    forms: dict[str, Definition] = {}
    instants: dict[tuple[str, str, int, int], str | None] = {}  # of levels, for alike deadlines
    seen: set[int] = set()
    singly, heads, raised, ledger, entries = [], [], [], [], []
    for item in late:
        definition = forms.get(item.definition)
        if definition is None:
            definition = forms[item.definition] = compiled(session, driver, item.definition).definition
        if item.cycle in seen or definition.ladder[item.level].act == "reassign":
            singly.append(item)
            continue
        seen.add(item.cycle)
        rung = definition.ladder[item.level]
        finder = finders.get(item.college)
        if finder is None:
            college = view(session, driver, item.college)
            today = college.calendar.local_day(origin.now).isoformat()
            finder = finders[item.college] = Supervisors(driver, college, today)
        to, level = finder.of(rung.to, item), item.level + 1
        alike = (item.definition, item.due, level, item.college)
        if alike not in instants:
            instants[alike] = rung_at(definition, date.fromisoformat(item.due), level, finder.college.calendar)
        following = instants[alike]
        data = fact_data(item, level, rung.to, to, rung.act, following)
        stream, seq, *_, head = entry = _entry(item, origin, at, recorded, compact(data))
        entries.append(entry)
        heads.append({"version": seq, "head": head, "id": item.cycle, "was": item.version})
        raised.append({"level": level, "next_level": level + 1 if following else None, "level_at": following,
                       "id": item.id, "was": item.level, "deadline_no": item.deadline_no})  # fmt: skip
        ledger.append((item.college, item.id, item.deadline_no, level, item.cycle, item.level_at, at, rung.to, to,
                       data["act"], "sent" if to is not None else "skipped"))  # fmt: skip
        told = notices.recipients("WorkEscalated", data)
        if told:
            writer.notify(
                item.college, stream, seq, "WorkEscalated", told, notices.payload(item.cycle, "WorkEscalated", data)
            )
    if entries:
        if not sweep.escalate(driver, heads, raised, ledger):
            raise LostRace
        driver.insert_rows("journal", journal.COLUMNS, entries)
        writer.flush()
    return len(entries), singly


def _entry(item: sweep.LateItem, origin: Origin, at: str, recorded: str, text: str) -> tuple[Any, ...]:
    """Return the journal's row of an escalation, its digest last."""
    row = (f"cycle:{item.cycle}", item.version + 1, "WorkEscalated", 1, at, recorded, origin.actor, None, origin.door,
           origin.request, item.definition, text)  # fmt: skip
    return (*row, item.head, journal.digest(item.head, *row))


def fact_data(item: sweep.LateItem, level: int, role: str, to: int | None, act: str,
              following: str | None) -> dict[str, Any]:  # fmt: skip
    """Return the data of a level's fact, in the order in which the engine gives it."""
    data: dict[str, Any] = {"item": item.no, "deadline_no": item.deadline_no, "level": level, "role": role, "to": to,
                            "due_at": item.level_at, "act": act if to is not None else rules.SKIP}  # fmt: skip
    return data | ({"level_at": following} if following else {})


def escalate_one(session: AnySession, driver: Driver, origin: Origin, item: sweep.LateItem) -> int:
    """Fire the next level of one item, as it stands now."""
    acting = hold(session, driver, origin, item.cycle)
    current = acting.snap.items.get(item.no)
    if current is None or current.state != "open" or not current.level_at or current.level_at > acting.writer.at:
        return 0
    rung = acting.compiled.definition.ladder[current.level]
    to = Supervisors(driver, acting.college, acting.today).of(rung.to, item._replace(holder=current.holder))
    facts = acting.decide("escalate", {"item": item.no}, acting.context(holder=to))
    cycles.finish(acting)
    return len(facts)
