"""The demo's summary, counted from the journal and the tables."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

LEVELS = 4  # levels of a ladder that the summary always names
_SCOPES = ("implementation", "design", "standard", "goal")
_MOVES = ("CycleStarted", "StageSubmitted", "StageWithdrawn", "StageApproved", "StageRejected", "StageReturned",
          "StageReopened",
          "StageAdvanced", "CycleSuspended", "CycleResumed", "CycleCancelled", "CycleClosed")  # fmt: skip
"""Facts that always change a cycle's state; those on warnings do where they name the leaf that the cycle goes to."""

_SIMPLE = {
    "subjects": Sql("select college_id, count(*) from subject group by 1"),
    "cycles_started": Sql("select college_id, count(*) from cycle group by 1"),
    "cycles_closed": Sql("select college_id, count(*) from cycle where status = 'closed' group by 1"),
    "cycles_seeded": Sql(
        "select college_id, count(distinct to_cycle_id) from carry where to_cycle_id is not null group by 1"
    ),
    "work_items": Sql("select college_id, count(*) from work_item group by 1"),
    "readings": Sql("select college_id, count(*) from reading group by 1"),
    "warnings_opened": Sql("select college_id, count(*) from warning group by 1"),
    "warnings_closed": Sql(
        "select college_id, count(*) from warning where state in ('closed', 'dismissed') group by 1"
    ),
    "tasks": Sql("select college_id, count(*) from plan_task group by 1"),
    "items": Sql("select college_id, count(*) from frame where level = 'item' group by 1"),
    "elements": Sql("select college_id, count(*) from frame where level = 'element' group by 1"),
    "points": Sql("select college_id, count(*) from frame where level = 'point' group by 1"),
    "control_points": Sql("select college_id, count(*) from control_point group by 1"),
}
_CHAIN = {
    "goals": Sql("select college_id, count(*) from goal where source = 'plan' group by 1"),
    "standards": Sql("select college_id, count(*) from standard where source = 'plan' group by 1"),
}
# What cycles fixed stands in the form decided last in each stage; a draft, or what was sent back, fixes nothing.
_FIXED = (
    "select c.college_id, {sum} from visit v join cycle c on c.id = v.cycle_id join content t on t.hash = v.content "
    "where v.state = 'done' and t.bytes is not null group by 1"
)
_JSON = "convert_from(t.bytes, 'UTF8')::jsonb"
_IN_CYCLES = {
    name: Sql(
        _FIXED.format(sum=f"sum(coalesce(json_array_length(cast(t.bytes as text), '$.{name}'), 0))"),
        postgresql=_FIXED.format(
            sum=f"sum(case when jsonb_typeof({_JSON} -> '{name}') = 'array' then "
            f"jsonb_array_length({_JSON} -> '{name}') else 0 end)"
        ),
    )
    for name in _CHAIN
}  # fmt: skip
_OF_CYCLE = (
    "from journal j join cycle c on c.id = cast(substr(j.stream, 7) as bigint) where j.stream like 'cycle:%' and "
)
_FACTS = Sql(
    "select c.college_id, j.kind, sum(case when j.data like '%\"leaf\":%' then 1 else 0 end), count(*) " + _OF_CYCLE
    + "true group by 1, 2"
)  # fmt: skip
_CORRECTIONS = Sql(
    "select c.college_id, json_extract(j.data, '$.set.scope'), count(*) " + _OF_CYCLE
    + "j.kind = 'CorrectionStarted' group by 1, 2",
    postgresql="select c.college_id, j.data::jsonb #>> '{set,scope}', count(*) " + _OF_CYCLE
    + "j.kind = 'CorrectionStarted' group by 1, 2",
)  # fmt: skip
_ESCALATIONS = Sql("select college_id, level, count(*) from escalation group by 1, 2")
_MOST = (
    "select college, role, id, login, name from (select c.key as college, {role} as role, p.id as id, "
    "p.login as login, p.name as name, row_number() over (partition by c.id, {role} order by "
    "(select count(*) from work_item i where i.college_id = c.id and i.holder_id = p.id and i.state = 'open') desc, "
    "p.id) as place from {of} o join college c on c.id = o.college_id join person p on p.id = o.{person} "
    "where p.disabled_at is null and {where}) t where place = 1"
)
_HOLDERS = Sql(_MOST.format(role="o.role", of="role_grant", person="person_id", where="o.ends is null"))
_STUDENTS = Sql(_MOST.format(role="o.layer", of="subject", person="responsible_id", where="o.layer = 'student'"))
_COLLEGES = Sql("select id, key from college order by id")


class Holder(NamedTuple):
    """A person who holds a role, or (a student) answers for themselves."""

    college: str
    role: str
    person: int
    login: str
    name: str


def holders(driver: Driver) -> list[Holder]:
    """Return for each college and role the holder with the most open work, students of whom no role says so too."""
    found = list(map(Holder._make, driver.all(_HOLDERS)))
    known = {(one.college, one.role) for one in found}
    found += [one for one in map(Holder._make, driver.all(_STUDENTS)) if (one.college, one.role) not in known]
    return sorted(found)


def colleges(driver: Driver) -> dict[str, dict[str, Any]]:
    """Return every college's figures by its key, each figure present."""
    keys: dict[int, str] = dict(driver.all(_COLLEGES))
    found: dict[int, dict[str, Any]] = {number: _empty() for number in keys}
    for name, sql in _SIMPLE.items():
        for college, count in driver.all(sql):
            found[college][name] = int(count)
    for name in _CHAIN:
        for college, count in [*driver.all(_CHAIN[name]), *driver.all(_IN_CYCLES[name])]:
            found[college][name] += int(count)
    _count_facts(driver, found)
    for college, scope, count in driver.all(_CORRECTIONS):
        found[college]["corrections"][scope] += count
    for college, level, count in driver.all(_ESCALATIONS):
        found[college]["escalations"][str(level)] = count
    return {keys[number]: figures for number, figures in found.items()}


def _empty() -> dict[str, Any]:
    names = ("subjects", "cycles_started", "cycles_closed", "cycles_seeded", "transitions", "returns", "work_items",
             "readings", "warnings_opened", "warnings_closed")  # fmt: skip
    figures: dict[str, Any] = dict.fromkeys(names, 0)
    figures["corrections"] = dict.fromkeys(_SCOPES, 0)
    figures["escalations"] = {str(level): 0 for level in range(1, LEVELS + 1)}
    return figures | dict.fromkeys(("tasks", "goals", "standards", "items", "elements", "points", "control_points"), 0)


def _count_facts(driver: Driver, found: dict[int, dict[str, Any]]) -> None:
    for college, kind, with_leaf, count in driver.all(_FACTS):
        found[college]["transitions"] += count if kind in _MOVES else with_leaf
        if kind in ("StageRejected", "StageReturned"):
            found[college]["returns"] += count
