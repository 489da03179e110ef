"""The year's goals in the demo: the office gives them measures and owners, parts them, notes what is reached.

Texts, layers and links of the goals are the college's own plans; indicators, targets, weights, owners and values are
assumed, drawn from the demo's seed, for the sources give none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from qaflow.errors import QaflowError
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.chains import acts as chain_acts
from qaflow.services.chains import plan_goals
from qaflow.services.chains.plan_goals import Entry
from qaflow.services.places import structure

from .values import DAY, chance

if TYPE_CHECKING:
    from .college_year import CollegeYear

EVENING = dt.time(17, 0)
INDICATORS = ("年度任务完成率", "建设指标达成度", "验收合格率")
TARGETS = (85, 90, 95)
WEIGHTS = (10, 15, 20, 25, 30)
SHARE_KEY, SHARE_UNOWNED, SHARE_UNMEASURED, SHARE_SHORT = 0.12, 0.05, 0.1, 0.25
NOTED = (2, 5, 9)  # months after the start in which values are noted
LAST_YEAR = 4  # goals that had a forerunner the year before
ENDED = "上一年度专项整治任务"
PARTED = 6


class _Aim(NamedTuple):
    """What the demo's people mean to reach."""

    goal: int
    target: float
    reached: float


class ChainWork:
    """The goals of one college's plans, drawn from their own chance."""

    def __init__(self, year: CollegeYear) -> None:
        """Set out with nothing planned."""
        self.year, self.cast, self.start = year, year.cast, year.plan.start
        self.rng = chance(year.plan.seed, year.cast.key, "chains")
        self.aims: list[_Aim] | None = None
        self.noted = 0

    def happen(self, day: dt.date) -> None:
        """Do what people do about goals on a working day."""
        if self.aims is None:
            self.aims = []
            self._plan_all(day)
        passed = (day.year - self.start.year) * 12 + day.month - self.start.month
        if self.noted < len(NOTED) and passed >= NOTED[self.noted]:
            self.noted += 1
            for aim in self.aims:
                value = aim.reached * self.noted / len(NOTED)
                said = {"attained": f"{value:.1f}"}
                self._do(chain_acts.change, day, "goal", aim.goal, self._version(aim.goal), said)

    def _plan_all(self, day: dt.date) -> None:
        goals = self.year.ask(lambda d: plan_goals.standing(d, self.cast.college))
        period = self._period(self.start)
        for goal in goals:
            self._plan(day, goal, period)
        self._part(day, goals, period)
        self._last_year(day, goals)

    def _period(self, start: dt.date) -> dict[str, str]:
        return {"starts": start.isoformat(), "ends": (start.replace(year=start.year + 1) - DAY).isoformat()}

    def _plan(self, day: dt.date, goal: Entry, period: dict[str, str]) -> None:
        """Give a plan its measure; some lack something, as plans do."""
        rng, target = self.rng, float(self.rng.choice(TARGETS))
        given = {**period, "weight": str(rng.choice(WEIGHTS)), "direction": "higher", "unit": "%",
                 "origin": "plan", "kind": "key" if rng.random() < SHARE_KEY else "routine"}  # fmt: skip
        owner = self.cast.heads.get(goal.owner_unit or 0)
        if owner is not None and rng.random() >= SHARE_UNOWNED:
            given["owner"] = self.cast.logins[owner]
        if rng.random() >= SHARE_UNMEASURED:
            given |= {"indicator": rng.choice(INDICATORS), "target": f"{target:g}"}
            reached = target * (rng.uniform(0.6, 0.95) if rng.random() < SHARE_SHORT else rng.uniform(0.96, 1.1))
            assert self.aims is not None
            self.aims.append(_Aim(goal.id, target, min(100.0, reached)))
        self._do(chain_acts.change, day, "goal", goal.id, goal.version, given)

    def _part(self, day: dt.date, goals: list[Entry], period: dict[str, str]) -> None:
        """Part the topmost goal among the teaching units, in one act."""
        top = next((g for g in goals if g.above is None), None)
        found = self.year.ask(lambda d: structure.units(d, self.cast.college))
        codes = {unit.id: code for code, unit in found.items()}
        units = [u.id for u in found.values() if u.kind == "teaching" and u.id in self.cast.heads][:PARTED]
        if top is None or len(units) <= 1:
            return
        parts = [{"owner_unit": codes[u], "owner": self.cast.logins[self.cast.heads[u]],
                  "weight": str(self.rng.choice(WEIGHTS)), "text": f"{top.text_zh}：本部门年度目标",
                  "indicator": INDICATORS[0], "unit": "%", "target": "90", **period} for u in units]  # fmt: skip
        self._do(chain_acts.decompose, day, top.id, self._version(top.id), parts)

    def _last_year(self, day: dt.date, goals: list[Entry]) -> None:
        """Enter what some goals were the year before, and one that was not continued."""
        old = self._period(self.start.replace(year=self.start.year - 1))
        texts = [(g.text_zh, g.layer) for g in goals[:LAST_YEAR]] + [(ENDED, goals[0].layer)] if goals else []
        for text, layer in texts:
            given = {**old, "text": text, "layer": layer, "indicator": self.rng.choice(INDICATORS), "unit": "%",
                     "target": str(self.rng.choice(TARGETS) - 5), "degree": str(self.rng.randint(80, 100))}  # fmt: skip
            self._do(chain_acts.add, day, "goal", given)
        for entry in self.year.ask(lambda d: plan_goals.of_year(d, self.cast.college, old["starts"][:4])):
            if entry.text_zh == ENDED:
                self._do(chain_acts.retire, day, "goal", entry.id, entry.version)

    def _version(self, goal: int) -> int:
        return int(self.year.ask(lambda d: plan_goals.version(d, self.cast.college, goal)))

    def _do(self, act: Callable[..., Any], day: dt.date, *said: object) -> None:
        """Let the office act; what is refused is counted as other acts are."""
        person = self.cast.office[0]
        login = self.cast.logins[person]
        who = SignedIn(session="", person=person, college=self.cast.college, login=login, name=login, language="zh",
                       device="", kinds=frozenset(), titles=())  # fmt: skip
        origin = self.year.origin(self.year.at(day, EVENING), person, login)
        try:
            act(self.year.session, origin, who, *said)
        except QaflowError as error:
            code = f"goal:{error.code}"
            self.year.refused[code] = self.year.refused.get(code, 0) + 1
