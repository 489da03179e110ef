"""What forms of goals and standards offer, and what they hold when they are opened."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from qaflow.engine.definition import Label
from qaflow.errors import Forbidden
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import chains as rows
from qaflow.store import readings
from qaflow.store import subjects as places
from qaflow.store.chains import Entry

from .book import Book, opened
from .trees import spread


class Choices(NamedTuple):
    """What a form of goals or standards offers: goals and points by key, units by code, layers by key."""

    goals: tuple[tuple[str, int, Label], ...]  # key, depth, text
    units: tuple[tuple[str, Label], ...]
    points: tuple[tuple[str, Label], ...]
    layers: tuple[tuple[str, Label], ...]
    may_add: bool


def choices(session: AnySession, origin: Origin, me: SignedIn) -> Choices:
    """Return what a form may name; `Forbidden` for who keeps nothing."""
    try:
        book = opened(session, origin, me)
        if not book.may_add:
            raise Forbidden("action.forbidden", "you keep no unit's and no subject's goals")
        goals = tuple((t.entry.key, t.rolled.depth, Label(zh=t.entry.text_zh, en=t.entry.text_en))
                      for t in spread(book).values())  # fmt: skip
        codes = places.units(book.driver, book.college.id)
        units = tuple((code, Label(zh=u.name_zh, en=u.name_en or u.name_zh)) for code, u in sorted(codes.items()))
        points = tuple((p.key, Label(zh=p.key, en=p.key)) for p in readings.points(book.driver, book.college.id))
        layers = tuple((layer.key, layer.name) for layer in book.college.config.layers)
        return Choices(goals, units, points, layers, True)
    finally:
        session.rollback()


def given(session: AnySession, origin: Origin, me: SignedIn, table: str, number: int) -> dict[str, str]:
    """Return an entry as its form holds it; `Forbidden` for who does not keep it, `Missing` where it is not theirs."""
    try:
        book = opened(session, origin, me, thing=f"{table} {number}")
        entry = book.one(table, number)
        if not book.may_keep(entry):
            raise Forbidden("action.forbidden", f"{table} {number} is kept by its unit or the quality office")
        return _given(book, table, entry)
    finally:
        session.rollback()


def _given(book: Book, table: str, entry: Entry) -> dict[str, str]:
    above = rows.entries(book.driver, "goal", book.college.id, [entry.above]) if entry.above else []
    codes = {u.id: code for code, u in places.units(book.driver, book.college.id).items()}
    points = {p.id: p.key for p in readings.points(book.driver, book.college.id)}
    subject = places.by_ids(book.driver, book.college.id, [entry.subject or 0])
    found: dict[str, Any] = {
        "text": entry.text_zh, "text_en": "" if entry.text_en == entry.text_zh else entry.text_en,
        "layer": entry.layer, "indicator": said(entry.indicator), "unit": entry.unit, "direction": entry.direction,
        "weight": entry.weight, "starts": entry.starts, "ends": entry.ends,
        "owner_unit": codes.get(entry.named_unit or 0), "owner": entry.owner_login,
        "subject": f"{subject[0].layer}/{subject[0].code}" if subject else "",
        "origin": entry.origin, "kind": entry.kind, "point": points.get(entry.point or 0),
        "above": above[0].key if above else "", "version": entry.version,
        "target": entry.target, "attained": entry.attained, "degree": entry.degree, "value": entry.target,
        "warn_lower": entry.warn_lower, "warn_upper": entry.warn_upper, "system": entry.system,
    }  # fmt: skip
    return {name: shown(value) for name, value in found.items()}


def shown(value: Any) -> str:
    """Return a value as a form shows it: a number without needless zeros."""
    return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else "" if value is None else str(value)


def said(indicator: str | None, language: str = "zh") -> str:
    """Return an indicator's words; the files' hold both languages."""
    if not indicator or not indicator.startswith("{"):
        return indicator or ""
    label: dict[str, str] = json.loads(indicator)
    return label.get(language) or label.get("zh") or ""
