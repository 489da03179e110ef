"""Words that the tests of samples and freezes share."""

import io
import json
import re
from pathlib import Path

from browsing import PAGE, Browser, Site
from werkzeug.test import TestResponse

from qaflow.engine.snapshot import Data

PDF = b"%PDF-1.7\nthe minutes"
WORD = "0123456789abcdef"


def college_facts(site: Site, *kinds: str) -> list[tuple[str, Data]]:
    """Return the college's facts of some kinds, with their data."""
    found = site.world.query("select kind, data from journal where stream = 'college:tiny' order by seq")
    return [(kind, json.loads(data)) for kind, data in found if kind in kinds]


def leave(browser: Browser, cycle: int, name: str = "a.pdf", data: bytes = PDF) -> TestResponse:
    """Leave a file in a cycle as its page does."""
    form = {"csrf_token": browser.token(), "file": [(io.BytesIO(data), name)]}
    return browser.client.post(f"/cycles/{cycle}/files", data=form, headers=PAGE, content_type="multipart/form-data")


def stored(site: Site) -> list[Path]:
    """Return the files of the evidence on disk."""
    folder = site.app.extensions["qaflow"].files.folder
    return sorted(path for path in folder.rglob("*") if path.is_file())


def go_elsewhere(site: Site, login: str) -> None:
    """Let somebody be of another college, in the same posts."""
    site.world.query("insert into college (key, name_zh, name_en, timezone, body, created_at, version, head, "
                     "config_no) select 'other', 'o', 'o', timezone, body, created_at, 0, '', 1 from college "
                     "where key = 'tiny' returning id")  # fmt: skip
    (other,) = site.world.query("select id from college where key = 'other'")[0]
    site.world.query(f"update person set college_id = {other} where login = '{login}' returning id")
    site.world.query(f"update role_grant set college_id = {other} where person_id = "
                     f"{site.world.persons[login]} returning id")  # fmt: skip


def number_in(answer: TestResponse) -> int:
    """Return the number at the end of where an answer leads."""
    found = re.search(r"/(\d+)$", answer.headers["Location"])
    assert found
    return int(found[1])
