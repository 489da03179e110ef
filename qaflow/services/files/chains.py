"""Goals and standards from a file: new ones added, those that differ written, each with its fact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qaflow.errors import Invalid
from qaflow.services.chains.acts import FACTS, TEXTS
from qaflow.services.chains.fields import COLUMNS, KEY, Fault, Refs, agree, values
from qaflow.services.chains.given import said
from qaflow.services.college_stream import CollegeStream
from qaflow.services.cycles.acting import keep
from qaflow.services.words import clean_code
from qaflow.store import chain_writes as rows
from qaflow.store import profile
from qaflow.store import subjects as places
from qaflow.store.chain_writes import Standing

from .cells import Column
from .imports import Import, Kind, loops
from .tabular import Row, unique

REQUIRED_KEY = Column(key="key", zh=KEY.zh, what="code", required=True)
SAME_NAME = 5
OF_CYCLE = "a cycle fixed it: its stage says what it is"


class _Taking:
    """One file of goals or standards on its way in."""

    def __init__(self, run: Import, table: str) -> None:
        self.run, self.table = run, table
        self.named = unique(run.table, "key")
        self.standing = self._standing([row["key"] for row in self.named])
        self.fresh = [row for row in self.named if row["key"] not in self.standing]
        ids = run.driver.reserve(table, len(self.fresh)) if self.fresh else ()
        self.ids = {row["key"]: number for row, number in zip(self.fresh, ids, strict=True)}
        self.ids |= {key: one.id for key, one in self.standing.items()}
        self.refs = Refs(run.driver, run.college, self._person)

    def _standing(self, keys: list[str]) -> dict[str, Standing]:
        found = rows.by_keys(self.run.driver, self.table, self.run.college.id, keys)
        whole = rows.standing_all(self.run.driver, self.table, self.run.college.id, [n for n, *_ in found.values()])
        return {one.key: one for one in whole}

    def _person(self, text: str) -> int:
        """Return the one person of the college who has this login or name."""
        found = profile.colleagues(self.run.driver, self.run.college.id, text, SAME_NAME)
        exact = [one for one in found if one.login == clean_code(text)] or found
        if len(exact) != 1:
            code = "ref.ambiguous_user" if exact else "ref.unknown_user"
            raise Invalid(code, f"{text!r} is {'several persons: give the login' if exact else 'nobody here'}")
        return exact[0].id

    def take(self) -> None:
        """Add and change what the file says."""
        wanted = [(row, self._wanted(row)) for row in self.named]
        if self.table == "goal":
            self._loops()
        self.run.table.faults.raise_any()
        self.stream = CollegeStream(self.run.driver, self.run.origin, self.run.college.id, self.run.college.key)
        by_key = {row["key"]: found for row, found in wanted}
        self._add([(key, by_key[key]) for key in self._parents_first()])
        changed = [self._change(self.standing[row["key"]], found) for row, found in wanted
                   if row["key"] in self.standing]  # fmt: skip
        self.stream.close()
        self.run.new, self.run.updated = len(self.fresh), sum(changed)
        self.run.unchanged = len(self.named) - self.run.new - self.run.updated

    def _wanted(self, row: Row) -> dict[str, Any]:
        """Return an entry's columns as the file wants them; a column that the file has not stays as it stands."""
        faults: list[Fault] = []
        given = {c.key: row[c.key] for c in COLUMNS[self.table] if self.run.has(c.key)}
        old = self.standing.get(row["key"])
        was: Mapping[str, Any] = old.values if old else {}
        known = self.ids if self.table == "goal" else None
        found = {**was, **values(self.table, given, self.refs, faults, known=known)}
        if was.get("indicator") and said(was["indicator"]) == found.get("indicator"):
            found["indicator"] = was["indicator"]
        subject = places.by_ids(self.run.driver, self.run.college.id, [found.get("subject_id") or 0])
        faults += agree(self.table, found, subject[0].layer if subject else None)
        if old is not None and old.retired_at is not None:
            faults.append(Fault("key", "chain.retired", f"{old.key} is retired: give the new one another key"))
        elif old is not None and old.source == "cycle" and found != was:
            faults.append(Fault("key", "chain.of_cycle", f"{old.key}: {OF_CYCLE}"))
        for fault in faults:
            self.run.fault(row, fault.field, fault.code, fault.detail)
        return found

    def _loops(self) -> None:
        """Tell of goals that would serve themselves, by the links of the file and those that stand."""
        driver, college = self.run.driver, self.run.college.id
        parents: dict[str, str | None] = dict(rows.links(driver, college))
        if self.run.has("parent"):
            parents |= {row["key"]: row["parent"] for row in self.named}
        by_key = {row["key"]: row for row in self.named}
        for key, chain in loops(parents, list(by_key)):
            self.run.fault(by_key[key], "parent", "chain.circle", f"goals serve themselves: {' → '.join(chain)}")

    def _parents_first(self) -> list[str]:
        """Return the new keys so that a goal stands after the one above it."""
        above = {row["key"]: row["parent"] if self.table == "goal" else None for row in self.fresh}
        placed: dict[str, None] = {}
        for key in above:
            line: list[str] = []
            at: str | None = key
            while at is not None and at in above and at not in placed and at not in line:
                line.append(at)
                at = above[at]
            placed |= dict.fromkeys(reversed(line))
        return list(placed)

    def _add(self, new: list[tuple[str, dict[str, Any]]]) -> None:
        stamped = [(key, "imported", found | self._stamp(found, {})) for key, found in new]
        ids = [self.ids[key] for key, _ in new]
        rows.add(self.run.driver, self.table, self.run.college.id, stamped, ids=ids)
        for key, _, found in stamped:
            self._told(self.ids[key], key, "add", None, {n: v for n, v in found.items() if v is not None})

    def _change(self, was: Standing, found: dict[str, Any]) -> bool:
        found = found | self._stamp(found, was.values)
        differs = {name for name in found if found[name] != was.values[name]}
        if not differs:
            return False
        taken = was.source == "plan" and differs & {*rows.OF_FILES[self.table]}
        rows.change(self.run.driver, self.table, self.run.college.id, was.id, was.version,
                    "imported" if taken else was.source, found)  # fmt: skip
        self._told(was.id, was.key, "change", was.values, found)
        return True

    def _stamp(self, found: Mapping[str, Any], was: Mapping[str, Any]) -> dict[str, Any]:
        stated = [(side.get("attained"), side.get("degree")) for side in (found, was)]
        return {} if stated[0] == stated[1] else {"attained_at": self.run.writer.at}

    def _told(self, number: int, key: str, act: str, before: Mapping[str, Any] | None, after: dict[str, Any]) -> None:
        changed = [n for n in after if (before or {}).get(n) != after[n]]
        sides = [side and {n: keep(self.run.driver, side[n]) if n in TEXTS and side.get(n) else side.get(n)
                           for n in changed} for side in (before, after)]  # fmt: skip
        self.stream.fact(FACTS[self.table], {"id": number, "key": key, "act": act, "before": sides[0],
                                             "after": sides[1]})  # fmt: skip


def _kind(key: str, table: str) -> Kind:
    def take(run: Import) -> None:
        _Taking(run, table).take()

    return Kind(key=key, columns=(REQUIRED_KEY, *COLUMNS[table]), take=take, right="plans")


GOALS, STANDARDS = _kind("goals", "goal"), _kind("standards", "standard")
