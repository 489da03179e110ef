"""Document 003's college with diagnoses of its school layer, for the tests of the frame."""

from collections.abc import Iterator
from datetime import timedelta

from browsing import Site
from peopled import AUTUMN, KEY, World

from qaflow.adapters.clock import StoppedClock
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts.book import NewGrant, NewPerson
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.auditing import audit
from qaflow.services.cycles import rounds
from qaflow.services.frame import answering as frame_answering
from qaflow.services.frame import diagnosing
from qaflow.services.frame import library as frame_library
from qaflow.services.frame.answering import Given
from qaflow.services.work import Writer, transact
from qaflow.store.db import Driver, Sql, db

SCHOOL = KEY
DEPARTMENT, TEACHING = "ddc", "xxxy"
RESPONSIBLE = {SCHOOL: "whole", DEPARTMENT: "dept", TEACHING: "unit"}
"""Who answers for the school, a functional department and a teaching unit."""
_NAMED = Sql("update subject set responsible_id = :person where layer = 'school' and code = :code")


class FrameWorld(World):
    """The college, its library stored, three subjects of the school layer in the hands of three people."""

    def __init__(self) -> None:
        """Build it."""
        super().__init__()
        frame_library.settle(self.session, self.origin())
        transact(self.session, self._responsible)
        self.cycles: dict[str, int] = {}

    def _responsible(self, d: Driver) -> None:
        writer, college = Writer(d, self.origin()), self.college(d)
        logins = list(RESPONSIBLE.values())
        ids = accounts.add_people(d, writer, self.origin(), college.id, [NewPerson(x, f"某{x}") for x in logins])
        self.people |= dict(zip(logins, ids, strict=True))
        units = dict(d.all(Sql("select code, id from unit")))
        grants = [NewGrant(self.people[login], "unit_responsible", "unit", units[code])
                  for code, login in RESPONSIBLE.items()]  # fmt: skip
        accounts.grant_many(d, writer, self.origin(), college, grants)
        for code, login in RESPONSIBLE.items():
            d.run(_NAMED, {"code": code, "person": self.people[login]})
        writer.flush()

    def me(self, login: str) -> SignedIn:
        """Return somebody as the pages know them."""
        return SignedIn(session="", person=self.people[login], college=1, login=login, name=login, language="en",
                        device="", kinds=frozenset(), titles=())  # fmt: skip

    def diagnose(self, code: str, stage: str = "diagnose") -> int:
        """Start a subject's cycle so that it stands in a stage; return its number."""

        def body(d: Driver) -> int:
            acting = rounds.start_on_demand(
                self.session, d, self.origin(), self.college(d), "school", code, "work", None, stage
            )
            return int(acting.snap.id)

        self.cycles[code] = transact(self.session, body)
        return self.cycles[code]

    def answer(self, cycle: int, login: str, code: str, degree: str = "met", version: int = 0, **more: object) -> int:
        """Answer a point."""
        given = Given(**{"sheet_no": 0, "code": code, "degree": degree, "version": version, **more})  # type: ignore[arg-type]
        return frame_answering.answer(self.session, self.origin(login), cycle, given)

    def points(self, cycle: int, login: str) -> tuple[str, ...]:
        """Return the points that concern a cycle."""
        return diagnosing.look(self.session, self.origin(login), cycle).points

    def audited(self) -> list[object]:
        """Return what the proof of all histories finds."""
        found = audit.verify(self.session)
        self.session.rollback()
        return list(found["findings"])


def framed(settings: Settings) -> Iterator[Site]:
    """Make the program and the college, and leave no connection open behind it."""
    clock = StoppedClock(AUTUMN + timedelta(hours=1))
    app = create_app(settings, clock=clock)
    app.app_context().push()
    yield Site(app, clock, FrameWorld())  # type: ignore[arg-type]
    db.session.remove()
    db.engine.dispose()
