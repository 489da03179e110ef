"""People with work of their own: read from the demo's database, let in by the administrator.

A demo gives a password to one person of each role; days of many need many. What the days do is done by clicks.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import NamedTuple

from driving import Served, Visitor

PASSWORD = "seven quiet lanterns"
HOLDERS = """
SELECT p.id, p.login, min(i.cycle_id)
FROM work_item i JOIN person p ON p.id = i.holder_id JOIN cycle c ON c.id = i.cycle_id
WHERE i.state = 'open' AND i.kind = ? AND i.layer = ? AND i.visit = 1 AND (? = '' OR i.stage = ?)
AND p.password_hash IS NULL AND p.disabled_at IS NULL
AND c.status = 'running'
AND (? = '' OR EXISTS (SELECT 1 FROM role_grant g WHERE g.person_id = p.id AND g.role = ?))
GROUP BY p.id HAVING count(*) >= ? ORDER BY count(*) DESC, p.id
"""


class Holder(NamedTuple):
    """Somebody who holds open work, and the first cycle of it."""

    person: int
    login: str
    cycle: int


def holder(site: Served, kind: str, layer: str, role: str = "", least: int = 1, stage: str = "") -> Holder:
    """Return somebody without a password who holds open items of first visits, of a kind and a layer."""
    with closing(sqlite3.connect(f"file:{site.home}/qaflow.db?mode=ro", uri=True)) as base:
        found = base.execute(HOLDERS, (kind, layer, stage, stage, role, role, least)).fetchone()
    assert found, f"nobody is left in the demo with {least} open items {kind} {layer} {stage}, of role {role or 'any'}"
    return Holder(*found)


def let_in(office: Visitor, person: int) -> None:
    """Give somebody a first password, at the page of the organisation."""
    office.open(f"/organisation/people/{person}")
    form = f"form[action='/organisation/people/{person}/password']"
    office.page.click(f"details:has({form}) > summary")
    office.page.fill(f"{form} [name=password]", PASSWORD)
    office.press(f"{form} button")
    assert office.has(".q-note-ok")
