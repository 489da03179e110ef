"""Self-tests: which are open when, what each subject answered, and who of a unit handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql


class Opened(NamedTuple):
    """One self-test of a term; ``closes`` is the last day on which it can be answered."""

    id: int
    key: str
    term: str
    layer: str
    name_zh: str
    name_en: str
    body: str
    digest: str
    opens: str
    closes: str
    term_zh: str | None
    term_en: str | None


class Given(NamedTuple):
    """What one subject answered; ``unit`` is where it lay when the answers were handed in."""

    id: int
    questionnaire: int
    subject: int
    answers: str
    scores: str
    saved_at: str
    handed_in_at: str | None
    handed_in_by: int | None
    unit: int | None


class Subject(NamedTuple):
    """A subject that is asked."""

    id: int
    layer: str
    code: str
    name: str
    unit: int
    responsible: int | None
    ended: bool


_OPENED = (
    "select q.id, q.key, q.term, q.layer, q.name_zh, q.name_en, q.body, q.digest, q.opens, q.closes, t.name_zh, "
    "t.name_en from questionnaire q left join term t on t.college_id = q.college_id and t.key = q.term "
    "where q.college_id = :college"
)
_ALL = Sql(f"{_OPENED} order by q.opens desc, q.id desc limit :limit")
_ONE = Sql(f"{_OPENED} and q.id = :id")
_OF_TERM = Sql(f"{_OPENED} and q.key = :key and q.term = :term")
_COLUMNS = ("id", "college_id", "key", "term", "layer", "name_zh", "name_en", "body", "digest", "opens", "closes",
            "made_at", "made_by")  # fmt: skip
_SUBJECT = "select id, layer, code, name, unit_id, responsible_id, ended from subject where college_id = :college"
_SUBJECT_OF = Sql(f"{_SUBJECT} and id = :id")
_MINE = Sql(f"{_SUBJECT} and responsible_id = :person and not ended order by id")
_GIVEN = (
    "select id, questionnaire_id, subject_id, answers, scores, saved_at, handed_in_at, handed_in_by, unit_id "
    "from questionnaire_answer where college_id = :college and subject_id = :subject"
)
_GIVEN_ONE = f"{_GIVEN} and questionnaire_id = :questionnaire"
_LOOK = Sql(_GIVEN_ONE)
_HOLD = Sql(_GIVEN_ONE, postgresql=f"{_GIVEN_ONE} for update")
_OF_SUBJECT = Sql(f"{_GIVEN} order by id")
_BEGIN = Sql(
    "insert into questionnaire_answer (id, college_id, questionnaire_id, subject_id, answers, scores, saved_at) values "
    "(:id, :college, :questionnaire, :subject, :answers, '{}', :at)"
)
_SAVE = Sql(
    "update questionnaire_answer set answers = :answers, saved_at = :at where id = :id and handed_in_at is null"
)
_HAND_IN = Sql(
    "update questionnaire_answer set scores = :scores, handed_in_at = :at, handed_in_by = :person, unit_id = :unit "
    "where id = :id and handed_in_at is null"
)
_BY_UNIT = Sql(
    "select coalesce(a.unit_id, s.unit_id), count(*), sum(case when a.handed_in_at is null then 0 else 1 end) "
    "from subject s left join questionnaire_answer a on a.college_id = s.college_id and "
    "a.questionnaire_id = :questionnaire and a.subject_id = s.id where s.college_id = :college and s.layer = :layer "
    "and (a.handed_in_at is not null or (s.responsible_id is not null and (s.starts is null or s.starts <= :closes) "
    "and (s.ends is null or s.ends > :closes))) group by coalesce(a.unit_id, s.unit_id)"
)
_SCORES = Sql(
    "select unit_id, scores from questionnaire_answer where college_id = :college and "
    "questionnaire_id = :questionnaire and handed_in_at is not null and unit_id in :units[]"
)
_RUNNING = Sql(
    "select id from cycle where college_id = :college and subject_id = :subject and status = 'running' order by id desc"
)


def put(driver: Driver, college: int, values: Mapping[str, Any]) -> int:
    """Open a self-test; returns its number, `Duplicate` where the term has one of the key."""
    (number,) = driver.reserve("questionnaire", 1)
    row = {"id": number, "college_id": college, **values}
    driver.insert_rows("questionnaire", _COLUMNS, [tuple(row[name] for name in _COLUMNS)])
    return number


def all_of(driver: Driver, college: int, limit: int) -> list[Opened]:
    """Return a college's self-tests, the newest first."""
    return list(map(Opened._make, driver.all(_ALL, {"college": college, "limit": limit})))


def one(driver: Driver, college: int, number: int) -> Opened | None:
    """Return one self-test of a college."""
    row = driver.one(_ONE, {"college": college, "id": number})
    return Opened._make(row) if row else None


def of_term(driver: Driver, college: int, key: str, term: str) -> Opened | None:
    """Return the self-test of a key and term."""
    row = driver.one(_OF_TERM, {"college": college, "key": key, "term": term})
    return Opened._make(row) if row else None


def mine(driver: Driver, college: int, person: int) -> list[Subject]:
    """Return the subjects for which a person is responsible."""
    return [_subject(row) for row in driver.all(_MINE, {"college": college, "person": person})]


def subject(driver: Driver, college: int, number: int) -> Subject | None:
    """Return one subject of a college."""
    row = driver.one(_SUBJECT_OF, {"college": college, "id": number})
    return _subject(row) if row else None


def _subject(row: tuple[Any, ...]) -> Subject:
    return Subject._make((*row[:-1], bool(row[-1])))


def given(driver: Driver, college: int, questionnaire: int, of: int, *, lock: bool = False) -> Given | None:
    """Return what a subject answered so far, held for writing where asked."""
    key = {"college": college, "questionnaire": questionnaire, "subject": of}
    row = driver.one(_HOLD if lock else _LOOK, key)
    return Given._make(row) if row else None


def of_subject(driver: Driver, college: int, of: int) -> list[Given]:
    """Return all that a subject ever answered, in the order in which it began."""
    return list(map(Given._make, driver.all(_OF_SUBJECT, {"college": college, "subject": of})))


def begin(driver: Driver, college: int, questionnaire: int, of: int, answers: str, at: str) -> int:
    """Keep a subject's first answers; returns their number, `Duplicate` where another request was faster."""
    (number,) = driver.reserve("questionnaire_answer", 1)
    driver.run(_BEGIN, {"id": number, "college": college, "questionnaire": questionnaire, "subject": of,
                        "answers": answers, "at": at})  # fmt: skip
    return number


def save(driver: Driver, number: int, answers: str, at: str) -> bool:
    """Keep answers as they stand now; False where they were handed in before."""
    return driver.run(_SAVE, {"id": number, "answers": answers, "at": at}) == 1


def hand_in(driver: Driver, number: int, scores: str, unit: int, person: int, at: str) -> bool:
    """Hand answers in with what they come to; False where they were handed in before."""
    key = {"id": number, "scores": scores, "unit": unit, "person": person, "at": at}
    return driver.run(_HAND_IN, key) == 1


def by_unit(driver: Driver, college: int, of: Opened) -> dict[int, tuple[int, int]]:
    """Return (asked, handed in) for each unit in which subjects lie directly.

    Asked is whoever answers for a subject that was there on the last day.
    """
    key = {"college": college, "questionnaire": of.id, "layer": of.layer, "closes": of.closes}
    return {unit: (asked, int(done)) for unit, asked, done in driver.all(_BY_UNIT, key)}


def scores(driver: Driver, college: int, questionnaire: int, units: Sequence[int]) -> list[tuple[int, str]]:
    """Return (unit, scores as JSON) of all answers handed in within units."""
    return driver.all(_SCORES, {"college": college, "questionnaire": questionnaire, "units": list(units)})


def running(driver: Driver, college: int, of: int) -> list[int]:
    """Return a subject's running cycles, the newest first."""
    return [number for (number,) in driver.all(_RUNNING, {"college": college, "subject": of})]
