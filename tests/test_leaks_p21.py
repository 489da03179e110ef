"""P21: marked secrets of another unit and another college are found by nobody who may not see them, anywhere."""

from __future__ import annotations

import re
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from browsing import PAGE
from processes import tell
from rights.world import Rights
from werkzeug.test import TestResponse

from qaflow.services import policy
from qaflow.services.cycles import page as cycle_page
from qaflow.store.db import Sql, db

CANARY = "CANARY-B-"
WHO = ("lead", "mate", "major", "head", "looker", "coursed", "deputy", "guest")
"""People of unit A and of no unit; what lies in unit B or in the other college is not theirs."""
COLLEGE_WIDE = ("office", "vp", "diag", "qadmin", "admin")
"""Who sees all units, but nothing of the other college."""
LINKS = re.compile(r'(?:href|src|action|hx-get|data-url)="(/[^"]*)"')
MOST = 100  # pages a person
LEAST = 8
SAME_FOR_ALL = ("api_docs.openapi", "api_docs.docs", "api_docs.part")  # without a token, and of nobody
QUERIES = ("q=CANARY", "q=course", "search=far", "box=done", "box=deputy", "box=submitted", "unit=3", "unit=6",
           "layer=course", "stage=implement", "kind=submit", "when=0", "sort=name", "sort=-due", "order=desc",
           "page=2", "size=1000", "after=~.0", "person=far_lead", "person=16", "format=csv", "lang=en", "college=2",
           "college=next", "cycle=15", "from=2025-01-01", "to=2026-12-31", "action=comment", "term=2025", "all=1",
           "scope=college")  # fmt: skip


TOLD = ("box=done", "scope=college", "q=course", "page=2", "all=1")
"""Queries under which totals are compared."""


@dataclass
class Found:
    """What one person's crawl met."""

    pages: int = 0
    own: int = 0
    leaks: list[str] = field(default_factory=list)


def said(answer: TestResponse) -> str:
    """Return the text of an answer; a workbook's is that of all its parts."""
    data = answer.get_data()
    if not data.startswith(b"PK\x03\x04"):
        return data.decode(errors="replace")  # pictures are heard too
    with zipfile.ZipFile(BytesIO(data)) as book:
        return "\n".join(book.read(name).decode(errors="replace") for name in book.namelist())


def heard(answer: TestResponse) -> str:
    """Return all that an answer says, its headers too."""
    return unescape(said(answer)) + repr(sorted(answer.headers.items()))


def addresses(rights: Rights, of_programs: bool = False) -> Iterator[str]:
    """Yield every address that is read, numbers up to those of unit B filled in; pages with the queries, too."""
    for rule in rights.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.endswith("static") or rule.endpoint in SAME_FOR_ALL:
            continue
        if rule.rule.startswith("/api/") is not of_programs:
            continue
        numbers = sorted({*range(1, 4), *(t.number for t in rights.cycles.values())}) if rule.arguments else [0]
        for number in numbers if len(rule.arguments) < 2 else numbers[::5]:
            warning = f"{number}.1" if rule.rule.startswith("/warnings") else str(number)
            yield re.sub(r"<(?:[a-z]+:)?[a-z_]+>", warning, rule.rule)
        if not rule.arguments and not of_programs:
            yield from (f"{rule.rule}?{query}" for query in QUERIES)


def crawl(rights: Rights, login: str, secrets: tuple[str, ...], enough: int = 0) -> Found:
    """Follow every link and try every address as somebody; note what holds a secret, or enough of it."""
    found, client = Found(), rights.client(login)
    seen: set[str] = set()
    followed = deque(["/", "/inbox", "/me"])
    tried = deque(addresses(rights))
    while (followed or tried) and not 0 < enough <= len(found.leaks):
        reachable = bool(followed)
        path = followed.popleft() if followed else tried.popleft()
        if path in seen or path.startswith(("/assets/", "/signout")) or (reachable and found.pages >= MOST):
            continue
        seen.add(path)
        answer = client.get(path, headers=PAGE, buffered=True)
        text = heard(answer)
        found.pages += reachable and answer.status_code == 200
        found.own += "course near-" in text
        asked = unescape(path)  # what was typed comes back in links and fields
        found.leaks += [f"{path}: {secret}" for secret in secrets if secret in text and secret not in asked]
        if answer.status_code == 200 and answer.mimetype == "text/html":
            followed += [unescape(link).partition("#")[0] for link in LINKS.findall(answer.get_data(as_text=True))]
    rights.restore()
    return found


def called(rights: Rights, login: str, secrets: tuple[str, ...]) -> Found:
    """Try every address of the API with somebody's token; note what holds a secret."""
    found = Found()
    for path in addresses(rights, of_programs=True):
        answer = rights.call(login, "GET", path)
        text = heard(answer)
        found.pages += answer.status_code == 200
        found.own += "course near-" in text
        found.leaks += [f"{path}: {secret}" for secret in secrets if secret in text]
    rights.restore()
    return found


def secrets_for(login: str) -> tuple[str, ...]:
    """Return the marks that somebody must not meet."""
    abroad = ("next.teaching", "x_lead", "x_office")
    if login in COLLEGE_WIDE:
        return ("name of x_", "CANARY-B-name", *abroad)
    return (CANARY, "course far-", *abroad)


@pytest.mark.parametrize("login", [*WHO, *COLLEGE_WIDE])
def test_nobody_meets_what_lies_elsewhere(rights: Rights, login: str) -> None:
    found = crawl(rights, login, secrets_for(login))

    tell(f"P21: {login} read {found.pages} pages by links, {found.own} answers held texts of their own unit")
    assert found.leaks == []
    assert found.pages >= LEAST
    assert found.own >= 5 or login == "guest"


def test_those_whose_they_are_meet_the_same_marks(rights: Rights) -> None:
    """Else the marks are nowhere, and the crawl finds nothing for that reason."""
    for login in ("far_lead", "x_lead"):
        assert len(crawl(rights, login, (CANARY,), enough=5).leaks) >= 5


@pytest.mark.parametrize("login", [*WHO, *COLLEGE_WIDE])
def test_nobodys_program_meets_what_lies_elsewhere(rights: Rights, login: str) -> None:
    found = called(rights, login, secrets_for(login))

    assert found.leaks == []
    assert found.pages >= LEAST
    assert found.own >= 2 or login == "guest"


def test_programs_of_those_whose_they_are_meet_the_same_marks(rights: Rights) -> None:
    for login in ("far_lead", "x_lead"):
        assert len(called(rights, login, (CANARY,)).leaks) >= 5


def test_messages_to_people_of_one_unit_hold_nothing_of_the_other(rights: Rights) -> None:
    rows = rights.live.execute(
        "select p.login, o.payload, coalesce(c.unit_id, 0) from outbox o join person p on p.id = o.person_id "
        "left join cycle c on o.journal_stream = 'cycle:' || c.id"
    ).fetchall()
    far = rights.colleges["home"].units["far"]

    assert len(rows) >= 10
    for login, payload, unit in rows:
        assert login not in WHO or (CANARY not in payload and unit != far), login
        assert login.startswith("x_") or "x_" not in payload


def test_no_total_changes_when_the_other_unit_adds_something(rights: Rights) -> None:
    def read(login: str) -> list[str]:
        texts = [said(rights.client(login).get(path, headers=PAGE, buffered=True)) for path in paths]
        return [
            re.sub(r'name="csrf_token" value="[^"]*"|content="[^"]{60,}"|\b[0-9a-f]{10}\b', "", text) for text in texts
        ]

    paths = [
        p
        for p in addresses(rights)
        if "<" not in p and not re.search(r"/\d+", p) and "readyz" not in p and "metrics" not in p
    ]
    paths = [p for p in paths if "?" not in p or p.endswith(TOLD)]
    people = ("lead", "major", "looker", "guest")
    before = {login: read(login) for login in people}
    with rights.app.app_context():
        home = rights.colleges["home"]
        for n in range(3):
            home.make(f"far-more-{n}", "far", "far_lead", "warned")
        db.session.remove()

    for login in people:
        changed = [path for path, a, b in zip(paths, before[login], read(login), strict=True) if a != b]
        assert changed == [], login
    assert read("far_lead") != before["lead"]


@pytest.mark.parametrize("what", ["sight", "inbox"])
def test_a_query_without_its_scope_is_caught(rights: Rights, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """The mutants: a page that asks nobody, and a list of everybody's work."""
    if what == "sight":
        monkeypatch.setattr(policy, "may_see", lambda *_: True)
        assert cycle_page.policy is policy
    else:
        from qaflow.store import waiting

        for name in ("page", "facets", "counts"):
            monkeypatch.setattr(waiting, name, unscoped(getattr(waiting, name)))

    assert crawl(rights, "lead", secrets_for("lead"), enough=1).leaks
    assert called(rights, "lead", secrets_for("lead")).leaks


def unscoped(of: Callable[..., object]) -> Callable[..., object]:
    """Return a question of the inbox as if somebody else had asked it."""
    return lambda driver, *args: of(driver, *args[:-1], args[-1] | elsewhere(driver))


def elsewhere(driver: object) -> dict[str, object]:
    """Return the responsible person of the other unit, as the one who asks."""
    person = driver.value(Sql("select id from person where login = 'far_lead'"), {})  # type: ignore[attr-defined]
    return {"person": person, "both": [person]}


def test_no_link_leads_off_the_site(rights: Rights) -> None:
    for login in ("lead", "office"):
        text = rights.client(login).get("/", headers=PAGE, buffered=True).get_data(as_text=True)
        links = re.findall(r'(?:href|src|action)="([^"]+)"', text)
        assert links and all(not urlsplit(link).netloc for link in links)
