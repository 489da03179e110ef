"""P24: a form changes what it names and no column beside it, whatever else is sent with it."""

import random
from typing import Any

from browsing import PAGE
from processes import tell
from rights.table import Table, request
from rights.world import Rights, settled
from test_sessions_p27 import possible

from qaflow.store.db import db
from qaflow.web.account.notice_words import TOPICS

SEED = 24
ODD = ("__class__", "__dict__", "__init__", "_sa_instance_state", "metadata", "registry", "query", "actor", "person",
       "me", "origin", "now", "door", "on_behalf_of", "for_", "as", "user", "is_admin", "admin", "kinds", "role",
       "roles")  # fmt: skip
VOLATILE = {"at", "recorded_at", "created_at", "hash", "prev", "head", "salt", "request_id", "data", "submitted_at",
            "password_hash", "bytes", "prefix"}  # fmt: skip
"""Columns that no two requests write alike: instants, chains of hashes, reference numbers."""


OWN = {
    "/chains/goals/<number>/change": {
        "attained", "degree", "direction", "ends", "indicator", "kind", "origin", "parent", "starts", "subject",
        "target",
        "text_en", "unit", "weight",
    },
    "/incidents/<number>/grade": {"due"},
    "/cycles/<number>/acknowledge": {"category"},
    "/warnings/<number>/acknowledge": {"category"},
    "/inbox/filters": {"box", "layer", "unit", "stage", "kind", "when", "sort", "after"},
    "/me/notices": set(TOPICS),
    "/operations/channels": {"unit", "secret"},
    "/organisation/people/<number>/name": {"mail"},
    "/organisation/people/<number>/roles": {"subject", "starts", "ends"},
    "/organisation/units/<number>": {"code", "kind", "name_zh", "name_en", "parent", "system"},
    "/office/rounds/plan": {"act", "track", "day", "until", "once", "days", "version", "term"},
}  # fmt: skip
"""What forms ask for beside what the table sends."""
HASH_SIGNS = 64
SEALED = b"gAAAA"  # how every sealed secret begins: no two are alike


def columns() -> list[str]:
    """Return the name of every column of the models."""
    return sorted({column.name for table in db.metadata.tables.values() for column in table.columns})


def rows(rights: Rights) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all watched tables without what no two requests write alike."""
    found = {}
    for table in rights.tables():
        cursor = rights.live.execute(f"select * from {table}")
        keep = [n for n, column in enumerate(cursor.description) if column[0] not in VOLATILE]
        found[table] = sorted((tuple(_plain(row[n]) for n in keep) for row in cursor), key=repr)
    return found


def _plain(value: Any) -> Any:
    """Return a value, a salted hash and what is sealed as such."""
    sealed = isinstance(value, bytes) and value.startswith(SEALED)
    return "#" if sealed or (isinstance(value, str) and len(value) == HASH_SIGNS) else value


def sent(rights: Rights, cell: Any, more: dict[str, str]) -> tuple[int, dict[str, list[tuple[Any, ...]]]]:
    """Return how a form is answered and what all tables hold after it."""
    path, form = request(rights, cell)
    data = more | {"csrf_token": rights.tokens[cell.login]} | form
    answer = settled(rights.client(cell.login).post(path, data=data, headers=PAGE, buffered=True))
    found = rows(rights)
    rights.restore()
    return answer.status_code, found


def test_no_field_that_a_form_does_not_have_reaches_a_column(rights: Rights) -> None:
    chance = random.Random(SEED)
    made_up = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz_", k=9)) for _ in range(50)]
    names = [*columns(), *ODD, *made_up]
    cells = list(possible(Table()))
    asked = {"login", "password", "old_password", "again_password", "csrf_token", "revision", "warning", "item",
             "comment", "layer", "reason", "next"}  # fmt: skip

    for cell in cells:
        own = asked | set(request(rights, cell)[1]) | OWN.get(cell.row.path, set())
        plain = sent(rights, cell, {})
        for value in ("1", "2099-12-31", "x_admin"):
            extra = {name: value for name in names if name not in own}
            assert sent(rights, cell, extra) == plain, (cell, value)

    tell(f"P24: seed {SEED}, {len(cells)} forms x {len(names)} fields: none taken")
    assert len(cells) * len(names) >= 25 * 150


def test_a_handler_that_sets_whatever_is_sent_is_caught(rights: Rights) -> None:
    """The mutant: language and name of the person from the form, whatever it holds."""
    from flask import request as web

    from qaflow.services.accounts import profile
    from qaflow.store.db import Sql, driver

    cell = next(c for c in possible(Table()) if c.row.path == "/me/language")
    plain, was = sent(rights, cell, {}), profile.speak

    def set_all(session: Any, origin: Any, me: Any, language: str) -> None:
        was(session, origin, me, language)
        for name in ("name", "email"):
            if name in web.form and name == "name":
                driver(session).run(
                    Sql("update person set name = :v where id = :p"), {"v": web.form[name], "p": me.person}
                )
        session.commit()

    profile.speak = set_all
    try:
        assert sent(rights, cell, {"name": "somebody else"}) != plain
    finally:
        profile.speak = was
