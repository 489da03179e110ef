"""A self-test on the tiny college for tests: its courses are asked, as students are in a real one."""

import json
from datetime import date
from typing import Any

from qaflow.engine.definition import Label, canonical, to_plain
from qaflow.engine.selftest import Dimension, Element, Form, Question
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.voices import answering, selftests
from qaflow.services.voices.selftests import Asked
from qaflow.testing import World

OPENS, CLOSES = date(2025, 9, 1), date(2025, 9, 12)
TERM = "2025-autumn"


def words(text: str) -> Label:
    """Return a text that reads the same in both languages."""
    return Label(zh=text, en=text)


def form(dimensions: int = 2, elements: int = 2, questions: int = 2) -> Form:
    """Return a questionnaire: dimension a of the elements a1, a2, asked by a1x, a1y and so on."""
    made = tuple(
        Dimension(key=d, name=words(f"dimension {d}"), elements=tuple(
            Element(key=f"{d}{e}", name=words(f"element {d}{e}"), questions=tuple(
                Question(key=f"{d}{e}{q}", text=words(f"question {d}{e}{q}")) for q in "xyz"[:questions]))
            for e in range(1, elements + 1)))
        for d in "abcd"[:dimensions]
    )  # fmt: skip
    scale = tuple(words(f"grade {n}") for n in range(1, 6))
    return Form(key="growth", name=words("growth"), layer="course", scale=scale, dimensions=made)


def known(world: World, of: Form | None = None) -> None:
    """Let the college have a term and a self-test of its own."""
    body = canonical(to_plain(of or form()))
    world.within(lambda d: (
        d.insert_rows("term", ("college_id", "key", "name_zh", "name_en", "starts", "ends"),
                      [(world.college, TERM, "autumn", "autumn", "2025-09-01", "2026-01-20"),
                       (world.college, "2026-spring", "spring", "spring", "2026-02-20", "2026-07-10")]),
        d.insert_rows("catalogue", ("college_id", "kind", "key", "body"),
                      [(world.college, "selftest", "growth", body)])))  # fmt: skip


def who(world: World, login: str) -> SignedIn:
    """Return somebody as their session shows them."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="en", device="", kinds=frozenset(), titles=())  # fmt: skip


def opened(world: World, term: str = TERM, opens: date = OPENS, closes: date = CLOSES) -> int:
    """Let the office open the self-test."""
    asked = Asked("growth", term, opens, closes)
    return selftests.put(world.session, world.origin("office"), who(world, "office"), asked)


def fill(world: World, number: int, login: str, code: str, grade: int, **others: int) -> None:
    """Let somebody answer every question alike but those named, and hand in."""
    subject, me = world.subjects[code], who(world, login)
    found = answering.look(world.session, world.origin(login), me, number, subject)
    answers = {place.question.key: grade for place in found.places} | others
    answering.save(world.session, world.origin(login), me, number, subject, answers)
    answering.hand_in(world.session, world.origin(login), me, number, subject)


def crowd(world: World, unit: str, many: int, prefix: str) -> list[tuple[str, str]]:
    """Add so many subjects to a unit, each with a person of its own; returns (login, code)."""
    made = []
    for n in range(many):
        login, code = f"{prefix}{n}", f"{prefix.upper()}{n}"
        world.person(login, "course_leader", unit)
        world.course(code, unit, login)
        made.append((login, code))
    return made


def facts(world: World, stream: str) -> list[tuple[str, dict[str, Any]]]:
    """Return a stream's facts."""
    found = world.query("select kind, data from journal where stream = :s order by seq", s=stream)
    return [(kind, json.loads(data)) for kind, data in found]
