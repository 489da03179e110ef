"""One person's look at a college's chains: what they may read, what they keep, and what the filters mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qaflow.engine.definition import Label
from qaflow.errors import Forbidden, Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.places import structure
from qaflow.services.policy import Scope
from qaflow.services.work import AnySession, Origin
from qaflow.store import chains as rows
from qaflow.store import dashboard as units
from qaflow.store import subjects
from qaflow.store.chains import Entry
from qaflow.store.db import Driver, reading


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is looked at; "" and 0 are all."""

    layer: str = ""
    unit: int = 0
    owner: int = 0
    kind: str = ""
    year: str = ""
    system: str = ""
    under: int = 0  # the goal above
    finding: str = ""
    retired: bool = False
    page: int = 1


class Book:
    """One person's look at the chains of a college now: opened once for each page."""

    def __init__(self, session: AnySession, driver: Driver, origin: Origin, me: SignedIn,
                 chosen: Chosen | None = None, thing: str = "") -> None:  # fmt: skip
        """Find what the person may read and keep.

        Who reads no plans hears `Forbidden`; where one ``thing`` is meant, that there is none.
        """
        if me.college is None:
            raise Missing("college.not_found", f"{me.login} is of no college")
        self.session, self.driver, self.chosen = session, driver, chosen or Chosen()
        self.college: CollegeView = view(session, driver, me.college)
        self.today = self.college.calendar.local_day(origin.now)
        layers, day = [layer.key for layer in self.college.config.layers], self.today.isoformat()
        if not policy.reads_plans(driver, me.college, me.person, day):
            if thing:
                raise Missing("object.not_found", f"no {thing}")
            raise Forbidden("action.forbidden", "plans are read by whoever has a role in the college or a subject")
        self.reach = policy.reach(driver, me.college, layers, me.person, day)
        self.keeps = policy.stewards(driver, me.college, layers, me.person, day)
        self.tasks = policy.tasks(driver, me.college, me.person, day).params | {"college": me.college}
        self.units = {u.id: u for u in units.units(driver, me.college)}
        self.params = self.reach.params | self._wanted(self.chosen)
        self.may_add = self._may_add()

    @property
    def top(self) -> str:
        """The layer whose goals need none above them."""
        layers = self.college.config.layers
        return "school" if any(layer.key == "school" for layer in layers) or not layers else layers[0].key

    def _may_add(self) -> bool:
        """Tell whether there is anything that the person may add."""
        if self.keeps.layers or self.keeps.units or self.keeps.subjects:
            return True
        persons = {int(text.partition(":")[0]) for text in self.keeps.persons}
        return any(subjects.of_person(self.driver, self.college.id, one) for one in persons)

    def _wanted(self, chosen: Chosen) -> dict[str, Any]:
        return {"college": self.college.id, "layer": chosen.layer, "kind": chosen.kind, "year": chosen.year,
                "everywhere": not chosen.unit, "units": self.below(chosen.unit) if chosen.unit else [],
                "owner": chosen.owner, "under": chosen.under, "system": chosen.system,
                "retired": chosen.retired}  # fmt: skip

    def below(self, unit: int) -> list[int]:
        """Return a unit and all under it."""
        return structure.below(self.units, unit)

    def line(self, unit: int | None) -> list[int]:
        """Return a unit and those above it."""
        return structure.line(self.units, unit)

    def may_keep(self, entry: Entry) -> bool:
        """Tell whether the person may change an entry."""
        return self.keeps.covers(self.place(entry.layer, entry.subject, entry.owner_unit), entry.responsible)

    def place(self, layer: str, subject: int | None, unit: int | None) -> Scope:
        """Return where an entry lies, as rights are asked."""
        return Scope(college=self.college.id, subject=subject or 0, layer=layer, unit=unit or 0)

    def layer_name(self, key: str) -> Label:
        """Return the name of a layer."""
        return self.college.layer_name(key)

    def one(self, table: str, number: int) -> Entry:
        """Return an entry that the person may see; `Missing` else."""
        found = rows.entries(self.driver, table, self.college.id, [number])
        if not found or not rows.seen(self.driver, table, self.reach.params | {"college": self.college.id}, number):
            raise Missing("object.not_found", f"no {table} {number}")
        return found[0]


def opened(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen | None = None, thing: str = "") -> Book:
    """Open the chains for reading; who calls rolls the session back."""
    return Book(session, reading(session), origin, me, chosen, thing)
