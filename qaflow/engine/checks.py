"""Checks of a definition's meaning: can every stage be reached and left, do its parts name each other rightly.

`check` works on the value alone (at publish as well as when a file is read) and gives findings with a path in the
file's own keys; the loader puts line and column to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from . import graph
from .college import QUALITY_KINDS, ROLE_KINDS, Role
from .conditions import ConditionError, parse
from .definition import NEUTRAL_STAGES, Definition, Field, Signers, Stage
from .diagnosis import FRAMED
from .faults import meant
from .grammar import Term
from .machine import CANCELLED, CLOSED
from .overlap import can_hold
from .reading.shapes import fold

Path = tuple[str | int, ...]
RESERVED = (CLOSED, CANCELLED, "end", "none", "null")


@dataclass(frozen=True)
class Finding:
    """One thing wrong in a definition; ``column`` counts inside the value's own text, 0 where that says nothing."""

    path: Path
    code: str
    message: str
    remedy: str = ""
    severity: str = "error"
    column: int = 0


def check(
    definition: Definition, roles: Iterable[Role] | None = None, holders: Mapping[str, int] | None = None
) -> list[Finding]:
    """Return everything wrong with a definition.

    ``roles`` are the college's (without them a role that is no neutral kind is a warning); ``holders`` says how many
    people each role has, which publish knows.
    """
    known = None if roles is None else tuple(roles)
    found = [*_keys(definition), *_covers(definition), *_graph(definition), *_conditions(definition)]
    found += [*_roles(definition, known), *_signers(definition, holders), *_ladder(definition, known)]
    return [*found, *_sheets(definition)]


def _keys(definition: Definition) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for place, stage in enumerate(definition.stages):
        path: Path = ("stages", place, "key")
        if fold(stage.key) in seen:
            message = f'"{seen[fold(stage.key)]}" and "{stage.key}" are the same key'
            yield Finding(path, "def.duplicate_id", message, "give each stage its own key (case does not count)")
        seen.setdefault(fold(stage.key), stage.key)
        if stage.key in RESERVED:
            yield Finding(path, "def.reserved_key", f'"{stage.key}" is a word of the engine', "choose another key")
    if not definition.stages:
        yield Finding(
            ("stages",), "def.no_end", "there is no stage, and so none that closes", "list the stages in order"
        )


def _covers(definition: Definition) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for place, stage in enumerate(definition.stages):
        path: Path = ("stages", place, "covers")
        if stage.key not in NEUTRAL_STAGES and not stage.covers:
            yield Finding(("stages", place, "key"), "def.covers_nothing", f'"{stage.key}" covers no neutral stage',
                          f"{meant(stage.key, NEUTRAL_STAGES)} Or say `covers:`", "warning")  # fmt: skip
        for covered in stage.covers or (stage.key,):
            if covered not in NEUTRAL_STAGES:
                if stage.covers:
                    remedy = meant(covered, NEUTRAL_STAGES)
                    yield Finding(path, "def.unknown_stage", f'"{covered}" is no neutral stage', remedy)
            elif covered in seen:
                severity = "error" if covered == "implement" else "warning"
                message = f'"{seen[covered]}" and "{stage.key}" both cover {covered}'
                yield Finding(path, "def.duplicate_cover", message, "let one stage cover it", severity)
            seen.setdefault(covered, stage.key)
    yield from _frame(definition)
    if definition.quick is not None and definition.covering("implement") is None:
        yield Finding(("quick_loop",), "def.no_hinge", "no stage covers implement, where the quick loop runs",
                      "let a stage cover implement, or take quick_loop out")  # fmt: skip


def _frame(definition: Definition) -> Iterator[Finding]:
    """Yield stages that must answer the frame where nobody is asked it."""
    for number, stage in enumerate(definition.stages):
        if stage.frame == "required" and (
            definition.layer not in FRAMED or definition.covering("diagnose") is not stage
        ):
            yield Finding(("stages", number, "frame"), "def.frame",
                          f"only the stage that covers diagnose answers the frame, on {' and '.join(FRAMED)}",
                          "leave `frame` out")  # fmt: skip


def _graph(definition: Definition) -> Iterator[Finding]:
    for fault in graph.faults(definition):
        yield Finding(fault.path, fault.code, fault.message, fault.remedy)


def _conditions(definition: Definition) -> Iterator[Finding]:
    for place, stage in enumerate(definition.stages):
        for number, text in enumerate(stage.gate):
            yield from _condition(("stages", place, "gate", number), text, stage)
        for number, move in enumerate(stage.moves):
            if move.when is not None:
                yield from _condition(("stages", place, "moves", number, "when"), move.when, stage)


def _condition(path: Path, text: str, stage: Stage) -> Iterator[Finding]:
    try:
        parsed = parse(text)
    except ConditionError as error:
        yield Finding(path, "cond.not_allowed", f"column {error.column}: {error.message}",
                      "use comparisons, and, or, not, and the known functions", column=error.column)  # fmt: skip
        return
    fields = {f.key: f for f in stage.form}
    for term in parsed.terms():
        if term.field and term.field not in fields:
            yield Finding(path, "cond.unknown_field", f'the form has no field "{term.field}"',
                          meant(term.field, fields), column=term.column)  # fmt: skip
        elif term.field:
            yield from _term(path, term, fields[term.field])
    if not can_hold(text):
        yield Finding(path, "cond.never", f"`{text[:80]}` can never hold", "mend the condition")


def _term(path: Path, term: Term, field: Field) -> Iterator[Finding]:
    parts = {f.key for f in field.fields}
    if term.part and term.part not in parts:
        yield Finding(path, "cond.unknown_field", f'"{term.field}" has no column "{term.part}"',
                      meant(term.part, parts), column=term.column)  # fmt: skip
    elif term.function == "" and field.type == "records":
        yield Finding(
            path, "cond.type", f'"{term.field}" holds records', f"write count({term.field})", column=term.column
        )


def _named_roles(definition: Definition) -> Iterator[tuple[Path, str]]:
    for place, stage in enumerate(definition.stages):
        yield ("stages", place, "submit"), stage.submit
        if stage.decide is not None:
            yield ("stages", place, "approval", "role"), stage.decide.role
            for number, also in enumerate(stage.decide.also):
                yield ("stages", place, "approval", "also", number), also
    for place, level in enumerate(definition.ladder):
        yield ("ladder", place, "to"), level.to
    for place, sheet in enumerate(definition.sheets):
        yield ("sheets", place, "assessor"), sheet.assessor
    for place, rule in enumerate(definition.notices):
        for number, also in enumerate(rule.also):
            yield ("notices", place, "also", number), also


def _roles(definition: Definition, roles: Sequence[Role] | None) -> Iterator[Finding]:
    known = {r.key for r in roles} | {r.is_ for r in roles} if roles is not None else set(ROLE_KINDS)
    for path, name in _named_roles(definition):
        if name in known:
            continue
        if roles is not None:
            yield Finding(path, "def.unknown_role", f'the college has no role "{name}"', meant(name, known))
        else:
            yield Finding(path, "def.role_unchecked", f'"{name}" is no neutral role',
                          "check it together with the college's folder", "warning")  # fmt: skip


def _signers(definition: Definition, holders: Mapping[str, int] | None) -> Iterator[Finding]:
    for place, stage in enumerate(definition.stages):
        if stage.decide is not None:
            yield from _quorum(("stages", place, "approval"), stage, stage.decide, holders)


def _quorum(path: Path, stage: Stage, signers: Signers, holders: Mapping[str, int] | None) -> Iterator[Finding]:
    named = (signers.role, *signers.also)
    if signers.role == stage.submit and not signers.also:
        yield Finding((*path, "role"), "def.own_approval", f'"{signers.role}" would decide on their own submission',
                      "let a role above decide; otherwise it always goes up the line", "warning")  # fmt: skip
    if len(set(named)) < len(named):
        yield Finding((*path, "also"), "def.duplicate_id", "a role is to sign twice", "name each role once")
    needed = signers.quorum if signers.need == "quorum" else len(named) if signers.need == "all" else 1
    if signers.need != "quorum":
        if signers.quorum > 1:
            yield Finding((*path, "quorum"), "def.quorum_unused", f"quorum {signers.quorum} without `need: quorum`",
                          "write `need: quorum`, or take the quorum out")  # fmt: skip
    elif signers.also and needed > len(named):
        yield Finding((*path, "quorum"), "def.quorum_unreachable", f"{needed} signatures are needed and {len(named)} "
                      "signers named", f"name more roles in `also`, or write `quorum: {len(named)}`")  # fmt: skip
    if holders is not None:
        people = sum(holders.get(role, 0) for role in named)
        if people < needed:
            yield Finding((*path, "quorum"), "def.quorum_unreachable", f"{needed} signatures are needed, the roles "
                          f"have {people} people", "appoint more people, or need fewer", "warning")  # fmt: skip


def _ladder(definition: Definition, roles: Sequence[Role] | None) -> Iterator[Finding]:
    for place, (lower, upper) in enumerate(pairwise(definition.ladder), start=1):
        if upper.after <= lower.after:
            message = f"level {place + 1} ({upper.after} working days) is not after level {place} ({lower.after})"
            yield Finding(("ladder", place, "after"), "def.escalation_order", message, "let the levels rise")
    if not definition.ladder:
        return
    last = definition.ladder[-1].to
    kinds = {r.is_ for r in roles or () if r.key == last} or {last}
    if not kinds & set(QUALITY_KINDS) and (roles is not None or last in ROLE_KINDS):
        place = len(definition.ladder) - 1
        yield Finding(("ladder", place, "to"), "def.escalation_end", f'the ladder ends at "{last}"',
                      "let the last level go to the quality office")  # fmt: skip


def _sheets(definition: Definition) -> Iterator[Finding]:
    for place, sheet in enumerate(definition.sheets):
        if sheet.kind == "appraisal" and sheet.assessor == "responsible":
            yield Finding(("sheets", place, "assessor"), "def.own_appraisal",
                          "an appraisal is never the responsible person's", "name a diagnostician")  # fmt: skip
