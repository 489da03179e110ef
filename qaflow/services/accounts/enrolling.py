"""Adding one person from the command line, with roles in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qaflow.errors import Invalid
from qaflow.services.college import view
from qaflow.services.files.cells import Column, cell_value
from qaflow.services.files.imports import chosen_college
from qaflow.services.scopes import Scopes
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store.db import Driver

from . import book

LOGIN = Column(key="login", zh="登录名", what="code", required=True)
NAME = Column(key="name", zh="姓名", required=True)
MAIL = Column(key="mail", zh="邮箱", what="mail")


def enrol(session: AnySession, origin: Origin, login: str, name: str, college: str | None = None, language: str = "zh",
          roles: Sequence[str] = (), mail: str = "") -> dict[str, Any]:  # fmt: skip
    """Add a person to a college with roles such as ``major_leader@unit:CODE``; returns their number."""
    checked, called, address = _cell(LOGIN, login), _cell(NAME, name), _cell(MAIL, mail)

    def body(driver: Driver) -> dict[str, Any]:
        seen = view(session, driver, chosen_college(driver, college).id)
        book.require_right(session, driver, origin, seen.id)
        wanted = [Scopes(driver, seen).grant(text) for text in roles]
        writer = Writer(driver, origin)
        person = book.add_person(driver, writer, origin, seen.id, checked, called, language)
        book.readdress(driver, writer, [(person, address)] if address else [])
        grants = [book.NewGrant(person, role, *scope) for role, scope in wanted]
        book.grant_many(driver, writer, origin, seen, grants)
        writer.flush()
        return {"id": person, "login": checked, "college": seen.key, "roles": list(roles)}

    return transact(session, body)


def _cell(column: Column, text: str) -> Any:
    try:
        return cell_value(column, text)
    except Invalid as fault:
        raise Invalid(fault.code, f"{column.key}: {fault.detail}") from None
