"""Mentions in a comment (``@login``, ``@name``): who is told of it, and who is not, for they may not see the cycle."""

from __future__ import annotations

import re
from typing import NamedTuple, cast

from qaflow.services import policy
from qaflow.services.once import Once
from qaflow.store import cycle_page as rows
from qaflow.store.cycle_page import Named
from qaflow.store.db import Driver

from .acting import Acting

MARK = re.compile(r"@([^\s@,;:!?，、。；：！？（）()]{1,64})")
MOST = 20  # mentions of one comment


class Mentions(NamedTuple):
    """Whom a comment names: those who are told, those who may not see the cycle, and what names nobody (or several)."""

    told: tuple[Named, ...] = ()
    blind: tuple[Named, ...] = ()
    unknown: tuple[str, ...] = ()


def find(acting: Acting, text: str) -> Mentions:
    """Return whom a comment names; in Chinese no blank ends a name, so the longest that fits counts."""
    marks = list(dict.fromkeys(MARK.findall(text)))[:MOST]
    if not marks:
        return Mentions()
    heads = sorted({mark[:n] for mark in marks for n in range(1, len(mark) + 1)})
    people = rows.people_named(acting.driver, acting.row.college, heads)
    named = [(mark, _longest(mark, people)) for mark in marks]
    meant = list(dict.fromkeys(one for _, one in named if one is not None))
    driver = cast(Driver, Once(acting.driver))
    may = {one: policy.may_see(driver, acting.scope, acting.snap, one.id, acting.today) for one in meant}
    return Mentions(tuple(one for one in meant if may[one]), tuple(one for one in meant if not may[one]),
                    tuple(mark for mark, one in named if one is None))  # fmt: skip


def _longest(mark: str, people: list[Named]) -> Named | None:
    """Return the one person whom the longest beginning of a mention names; a login counts before a name."""
    for n in range(len(mark), 0, -1):
        head = mark[:n]
        exact = [one for one in people if one.login == head] or [one for one in people if one.name == head]
        if exact:
            return exact[0] if len(exact) == 1 else None
    return None
