"""P27: every route that changes something asks for proof that our page sent it, and dead sessions stay dead."""

from collections.abc import Callable, Iterator

import pytest
from browsing import PAGE, PASSWORD
from flask.testing import FlaskClient
from processes import tell
from rights.table import Cell, Table, ask, request
from rights.world import Rights
from werkzeug.test import TestResponse

from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import passwords
from qaflow.store.db import db

HOW = (
    "none",
    "foreign",
    "other user's",
    "before sign-in",
    "wrong origin",
    "opaque origin",
    "other site",
    "sibling site",
)
HEADERS = {"wrong origin": {"Origin": "https://evil.example"}, "opaque origin": {"Origin": "null"},
           "other site": {"Sec-Fetch-Site": "cross-site"}, "sibling site": {"Sec-Fetch-Site": "same-site"}}  # fmt: skip


def possible(table: Table) -> Iterator[Cell]:
    """Yield, for each route that changes something, a cell in which it is allowed."""
    for row in table.rows:
        if row.method != "GET" and not row.bare:
            cells = (Cell(row, login, place) for place in row.places for login in table.people)
            yield next(c for c in cells if table.allowed(c) and c.login not in table.out)


def send(rights: Rights, cell: Cell, token: str | None, method: str = "POST", **headers: str) -> TestResponse:
    """Send what a cell sends, with another proof."""
    path, form = request(rights, cell)
    proof = {} if token is None else {"csrf_token": token}
    where = {"query_string": proof | form} if method == "GET" else {"data": proof | form}
    return rights.client(cell.login).open(path, method=method, headers=PAGE | headers, buffered=True, **where)


@pytest.mark.parametrize("how", HOW)
def test_no_route_acts_without_proof_that_our_page_sent_it(rights: Rights, how: str) -> None:
    cells = list(possible(Table()))
    for cell in cells:
        other = rights.tokens["guest" if cell.login != "guest" else "lead"]
        tokens = {"none": None, "foreign": "IjEyMyI.aaaa.bbbb", "other user's": other,
                  "before sign-in": rights.tokens["anonymous"]}  # fmt: skip
        answer = send(rights, cell, tokens.get(how, rights.tokens[cell.login]), **HEADERS.get(how, {}))
        assert answer.status_code in (400, 403), (cell, answer.status_code)
        assert rights.changed() == set(), cell
        rights.restore()

    assert len(cells) >= 25
    tell(f"P27: {len(cells)} unsafe routes refuse a proof that is {how}")


def test_the_same_requests_with_the_right_proof_act(rights: Rights) -> None:
    for cell in possible(Table()):
        answer = send(rights, cell, rights.tokens[cell.login], Origin="http://localhost")
        assert answer.status_code == cell.row.more.get("status", 303), cell
        rights.restore()


def test_none_acts_when_it_is_read(rights: Rights) -> None:
    for cell in possible(Table()):
        answer = send(rights, cell, rights.tokens[cell.login], "GET")
        assert answer.status_code in (200, 303, 404, 405), cell
        assert rights.changed() == set(), cell
        rights.restore()


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "FOO"])
@pytest.mark.parametrize("header", ["", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_no_other_verb_acts_and_none_stands_in_for_another(rights: Rights, verb: str, header: str) -> None:
    for cell in list(possible(Table()))[::5]:
        path, form = request(rights, cell)
        client, data = rights.client(cell.login), {"csrf_token": rights.tokens[cell.login], "_method": "POST"} | form
        if header:
            answer = client.get(path, headers=PAGE | {header: "POST"}, query_string=data, buffered=True)
        else:
            answer = client.open(path, method=verb, headers=PAGE, data=data, buffered=True)
        assert answer.status_code in ((200, 303, 404, 405) if header else (400, 405)), (cell, answer.status_code)
        assert rights.changed() == set(), cell


ENDS: dict[str, Callable[[Rights, FlaskClient], object]] = {
    "sign-out": lambda r, c: c.post("/signout", data={"csrf_token": r.tokens["lead"]}, headers=PAGE),
    "password": lambda r, c: within(r, lambda o: passwords.password(db.session, o, "lead", "quiet river nine")),
    "disable": lambda r, c: within(r, lambda o: accounts.disable(db.session, o, "lead", "left")),
    "role given": lambda r, c: within(r, lambda o: r.colleges["home"].person("lead", "diagnostician")),
    "two hours": lambda r, c: later(r),
}  # fmt: skip


def within(rights: Rights, act: Callable[[object], object]) -> None:
    """Do something as the operator does."""
    with rights.app.app_context():
        act(rights.colleges["home"].origin())
        db.session.remove()


def later(rights: Rights) -> None:
    """Let two idle hours pass."""
    rights.clock.instant = rights.clock.instant.replace(hour=3, minute=1)


@pytest.mark.parametrize("how", ENDS)
def test_a_copied_cookie_is_dead_at_the_next_request_on_every_route(rights: Rights, how: str) -> None:
    began = rights.clock.instant
    owner, thief = rights.client("lead"), rights.client("lead")
    assert thief.get("/me", headers=PAGE).status_code == 200

    ENDS[how](rights, owner)

    table = Table()
    try:
        for row in (r for r in table.rows if r.rule != "anybody"):
            answer = ask(rights, Cell(row, "lead", row.places[0]))
            assert answer.status_code == (303 if row.method == "GET" else 401), (row, answer.status_code)
        assert thief.get("/me", headers=PAGE).status_code == 303
    finally:
        rights.clock.instant = began


def test_the_id_is_new_at_sign_in_and_neither_cookie_nor_table_gives_it_away(rights: Rights) -> None:
    ids = set()
    for _ in range(2):
        client = rights.app.test_client()
        before = rights.tokens["anonymous"]
        for cookie in rights.cookies["anonymous"]:
            client.set_cookie(cookie.key, cookie.value, domain=cookie.domain, path=cookie.path)
        client.post("/signin", data={"csrf_token": before, "login": "lead", "password": PASSWORD}, headers=PAGE)
        with client.session_transaction() as held:
            ids.add(held["_user_id"])
        assert client.get("/me", headers=PAGE).status_code == 200
    kept = {digest for (digest,) in rights.live.execute("select hash from web_session")}
    assert len(ids) == 2 and not ids & kept
