"""A handed-in self-test in the subject's running round: shown at ``diagnose``, taken into the form as a draft.

It is a suggestion: whoever is responsible changes it as they like, and only what they submit enters the cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.engine.definition import Field, Stage
from qaflow.engine.selftest import Form as Questionnaire
from qaflow.engine.snapshot import Data
from qaflow.errors import Missing, Refused
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import view
from qaflow.services.cycles import drafting
from qaflow.services.cycles import page as cycle_page
from qaflow.services.cycles.drafting import Form
from qaflow.services.cycles.page import CyclePage
from qaflow.services.work import AnySession, Origin
from qaflow.store import selftests
from qaflow.store.db import Driver, reading

from . import answering
from .answering import Result

SAID = {"zh": ("{name}（自测 {mean:.1f} / 5）", "{name} {mean:.1f}", "自测偏低：{weak}", "、"),
        "en": ("{name} (self-test {mean:.1f} / 5)", "{name} {mean:.1f}", "Low in the self-test: {weak}",
               ", ")}  # fmt: skip
"""How a draft names a dimension and an element with their means, and says which elements lie low; by language."""


class Beside(NamedTuple):
    """The self-test that stands beside a cycle's form."""

    number: int
    subject: int
    result: Result


def diagnoses(stage: Stage | None) -> bool:
    """Tell whether a stage is the diagnosis, or covers it."""
    return stage is not None and "diagnose" in (stage.covers or (stage.key,))


def beside(session: AnySession, origin: Origin, me: SignedIn, page: CyclePage) -> Beside | None:
    """Return the newest self-test of a cycle's subject that was handed in for its period, at its diagnosis.

    It is shown to whoever handed it in alone.
    """
    snap = page.snap
    stage = page.definition.by_key.get(snap.stage)
    if snap.status != "running" or snap.responsible != me.person or not diagnoses(stage):
        return None
    driver = reading(session)
    try:
        found = _newest(driver, page, me)
    finally:
        session.rollback()
    if found is None:
        return None
    return Beside(found, snap.subject, answering.result(session, origin, me, found, snap.subject))


def _newest(driver: Driver, page: CyclePage, me: SignedIn) -> int | None:
    """Return the newest self-test that a person handed in for the subject, open at some time of the cycle's period."""
    last = page.period.last.isoformat()
    found = []
    for given in selftests.of_subject(driver, page.college.id, page.snap.subject):
        opened = selftests.one(driver, page.college.id, given.questionnaire)
        if opened is None or given.handed_in_at is None or given.handed_in_by != me.person:
            continue
        if opened.opens <= last and opened.closes >= page.snap.start:
            found.append((opened.opens, opened.id))
    return max(found, default=("", None))[1]


def take(session: AnySession, origin: Origin, me: SignedIn, number: int, subject: int) -> int:
    """Keep what a self-test says as a draft of the running diagnosis; returns the cycle.

    What stands in the draft already is kept, and a second time adds nothing.  Raises `Refused`
    (``selftest.no_diagnosis``) where no cycle of the subject stands at its diagnosis.
    """
    found = answering.result(session, origin, me, number, subject)
    page = _diagnosing(session, origin, me, subject)
    stage = page.definition.by_key[page.snap.stage]
    before = page.draft.values if page.draft else page.records.get(stage.key, {})
    values = suggested(stage.form, found, before, me.language)
    form = Form(stage.key, page.snap.visit.number, page.snap.revision)
    drafting.save(session, origin, page.snap.id, form, values)
    return page.snap.id


def _diagnosing(session: AnySession, origin: Origin, me: SignedIn, subject: int) -> CyclePage:
    driver = reading(session)
    try:
        college = view(session, driver, me.college or 0)
        numbers = selftests.running(driver, college.id, subject)
    finally:
        session.rollback()
    for number in numbers:
        try:
            page = cycle_page.look(session, origin, number)
        except Missing:
            continue
        if diagnoses(page.definition.by_key.get(page.snap.stage)) and "submit" in page.acts:
            return page
    raise Refused("selftest.no_diagnosis", "no round of this subject stands at its diagnosis")


def suggested(fields: Sequence[Field], found: Result, before: Data, language: str) -> Data:
    """Return a form's values with a row for each dimension, or a text where the form has no rows.

    A row's first text names the dimension and its mean, its first flag says whether it reaches the questionnaire's
    limit, ``problems`` lists the elements that do not.
    """
    rows = next((one for one in fields if one.type == "records" and _text(one.fields)), None)
    if rows is not None:
        new = [_row(rows.fields, found, at, language) for at in range(len(found.dimensions))]
        old = [row for row in before.get(rows.key) or () if isinstance(row, dict)]
        name = _text(rows.fields)
        assert name is not None
        known = {row.get(name.key) for row in old}
        return {**before, rows.key: [*old, *(row for row in new if row[name.key] not in known)]}
    text = _text(fields)
    if text is None:
        return dict(before)
    said = "\n".join(_lines(found, language))
    kept = str(before.get(text.key) or "")
    return {**before, text.key: kept if said in kept else "\n".join(filter(None, (kept, said)))}


def _text(fields: Sequence[Field]) -> Field | None:
    return next((one for one in fields if one.type == "text"), None)


def _row(fields: Sequence[Field], found: Result, at: int, language: str) -> dict[str, Any]:
    dimension = found.dimensions[at]
    name, flag = _text(fields), next((one for one in fields if one.type == "flag"), None)
    assert name is not None
    row: dict[str, Any] = {name.key: _name(dimension.name, dimension.mine, 0, language)}
    if flag is not None:
        row[flag.key] = not dimension.weak
    low = _weak(found, at, language)
    if low and any(one.key == "problems" for one in fields):
        row["problems"] = low
    return row


def _lines(found: Result, language: str) -> list[str]:
    lines = []
    for at, dimension in enumerate(found.dimensions):
        lines += [_name(dimension.name, dimension.mine, 0, language), *filter(None, [_weak(found, at, language)])]
    return lines


def _weak(found: Result, at: int, language: str) -> str:
    form: Questionnaire = found.answering.form
    inside = {element.key for element in form.dimensions[at].elements}
    named = [_name(one.name, one.mine, 1, language) for one in found.elements if one.key in inside and one.weak]
    words = SAID.get(language, SAID["zh"])
    return words[2].format(weak=words[3].join(named)) if named else ""


def _name(name: Any, mean: float, form: int, language: str) -> str:
    text = name.en if language == "en" else name.zh
    return SAID.get(language, SAID["zh"])[form].format(name=text, mean=mean)
