"""Event logs by the browser and by programs: what the command writes, for the quality office of the college alone."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pm4py
import pytest
from browsing import Site
from calling import code, program
from rights.world import Rights
from werkzeug.test import TestResponse

from qaflow.errors import Invalid
from qaflow.services.auditing import audit
from qaflow.services.events import log_files, mining
from qaflow.services.events.mining import Wanted
from qaflow.store import journal
from qaflow.store.db import db

KINDS = ("xes", "ocel", "journal")
DOORS = ("page", "api")
TITLE = "Event logs"
DAY = "2025-09-03"


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college, with two cycles, one of them some steps on two days later."""
    world = site.world
    cycle = world.start("C1")
    world.start("C9")
    site.later(days=2)
    world.fire(cycle, "submit", "lead", content={"note": "a secret note"})
    world.fire(cycle, "approve", "major")
    return site


def taken(site: Site, door: str, kind: str, login: str = "office", **asked: str) -> TestResponse:
    """Take a log through a door."""
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    path = f"/audit/logs/{kind}?{query}"
    return site.browser(login, "en").get(path) if door == "page" else program(site, login).get(path)


def written(kind: str, **wanted: Any) -> str:
    """Return what the operator's command writes."""
    found: list[str] = []
    mining.export(db.session, None, kind, Wanted(**wanted), found.extend)
    return "".join(found)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_log_is_what_the_command_writes_and_is_kept_as_a_file(site: Site, door: str, kind: str) -> None:
    plain = taken(site, door, kind)
    assert plain.text == written(kind) != written(kind, names=True)
    assert taken(site, door, kind, names="true").text == written(kind, names=True)  # with the token made meanwhile

    assert plain.headers["Content-Disposition"].startswith('attachment; filename="tiny.')
    assert plain.mimetype == log_files.MEDIA[kind] and int(plain.headers["Content-Length"]) == len(plain.data)
    assert plain.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert (plain.headers["X-Content-Type-Options"], plain.headers["Cache-Control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize("kind", KINDS)
def test_without_names_nobody_stands_in_it(site: Site, kind: str) -> None:
    text = taken(site, "api", kind).text

    assert "P1" in text and "secret" not in text
    assert [one for one in site.world.persons if f'"{one}"' in text or f"({one})" in text] == []


def test_pm4py_reads_what_is_handed_out(site: Site, tmp_path: Path) -> None:
    for kind, name in (("xes", "log.xes"), ("ocel", "log.json")):
        (tmp_path / name).write_bytes(taken(site, "api", kind).data)

    cycles = pm4py.read_xes(str(tmp_path / "log.xes"), variant="lxml")
    ocel = pm4py.read_ocel2_json(str(tmp_path / "log.json"))

    (count,) = site.world.query("select count(*) from journal where stream like 'cycle:%'")[0]
    assert len(cycles) == len(ocel.events) == count > 3


def test_with_names_each_line_of_the_journal_gives_its_hash_again(site: Site) -> None:
    lines = [json.loads(line) for line in taken(site, "page", "journal", names="y").text.splitlines()]

    assert len(lines) == site.world.query("select count(*) from journal")[0][0]
    assert all(journal.digest(**{k: v for k, v in one.items() if k != "hash"}) == one["hash"] for one in lines)


@pytest.mark.parametrize("door", DOORS)
def test_days_and_layers_narrow_it(site: Site, door: str) -> None:
    later = taken(site, door, "xes", first=DAY, last=DAY, layer="course").text
    before = taken(site, door, "xes", last="2025-09-02").text

    assert (later.count("<trace>"), later.count("<event>")) == (1, 2)
    assert (before.count("<trace>"), before.count("<event>")) == (2, 2)


@pytest.mark.parametrize(("asked", "pointer", "fault"), [
    ({"first": "2025-09-31"}, "?first", "date.invalid"),
    ({"first": DAY, "last": "2025-09-02"}, "?last", "export.days"),
    ({"names": "perhaps"}, "?names", "value.unknown"),
    ({"college": "2"}, "?college", "query.unknown"),
])  # fmt: skip
def test_a_program_is_told_what_cannot_be_asked(site: Site, asked: dict[str, str], pointer: str, fault: str) -> None:
    answer = taken(site, "api", "xes", **asked)

    (one,) = answer.get_json(force=True)["errors"]
    assert (answer.status_code, one["pointer"], one["code"]) == (422, pointer, fault)


@pytest.mark.parametrize("asked", [{"first": "yesterday"}, {"layer": "moon"}, {"first": DAY, "last": "2025-09-02"}])
def test_the_page_comes_back_with_the_fault_at_its_field(site: Site, asked: dict[str, str]) -> None:
    answer = taken(site, "page", "xes", **asked)

    assert answer.status_code == 422 and answer.mimetype == "text/html"
    assert TITLE in answer.text and answer.text.count('class="q-fault"') == 1


def test_a_layer_or_a_kind_that_there_is_not_is_not_found(site: Site) -> None:
    assert code(taken(site, "api", "xes", layer="moon")) == (404, "layer.not_found")
    assert code(taken(site, "api", "csv")) == (404, "object.not_found")
    assert taken(site, "page", "csv").status_code == 404


def test_the_page_offers_each_kind_and_the_audit_leads_there(site: Site) -> None:
    office = site.browser("office", "en")
    text = office.get("/audit/logs").text

    assert [kind for kind in KINDS if f'formaction="/audit/logs/{kind}"' in text] == list(KINDS)
    assert 'href="/audit/logs"' in office.get("/audit").text
    assert "事件日志" in site.browser("office", "zh").get("/audit/logs").text


@pytest.mark.parametrize("login", ["lead", "major", "head", "vp", "diag", "admin"])
def test_nobody_but_the_quality_office_takes_one(site: Site, login: str) -> None:
    assert site.browser(login).get("/audit/logs").status_code == 403
    assert taken(site, "page", "xes", login).status_code == 403
    assert code(taken(site, "api", "journal", login, names="true")) == (403, "action.forbidden")


def test_a_log_beyond_its_bound_is_refused_and_nothing_is_left_open(site: Site) -> None:
    origin, college = site.world.origin("office"), site.world.college
    whole = log_files.download(db.session, origin, college, "xes", Wanted())
    size = sum(map(len, whole))

    assert whole.size == size and whole.file.closed
    exact = log_files.download(db.session, origin, college, "xes", Wanted(), most=size)
    exact.close()
    with pytest.raises(Invalid) as told:
        log_files.download(db.session, origin, college, "xes", Wanted(), most=size - 1)
    assert told.value.code == "export.too_large"


def test_who_asks_for_the_head_alone_is_told_the_size_and_no_file_stays_open(site: Site) -> None:
    office, path = program(site, "office"), "/audit/logs/xes"
    bearer = {"Authorization": f"Bearer {office.token}"}

    heads = [site.browser("office").client.head(path, buffered=True),
             site.app.test_client().head(f"/api/v1{path}", headers=bearer, buffered=True)]  # fmt: skip

    gc.collect()  # a file that stays open would fail the test here
    size = str(len(written("xes")))
    assert [(one.status_code, one.data, one.headers["Content-Length"]) for one in heads] == [(200, b"", size)] * 2


def test_taking_one_changes_nothing_and_leaves_a_line_in_the_programs_log(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    office = program(site, "office")
    before = site.world.query("select count(*) from journal")

    assert "secret" not in office.get("/audit/logs/journal?names=true").text

    (line,) = [one for one in capsys.readouterr().out.splitlines() if "events.log_taken" in one]

    assert "kind=journal" in line and "names=True" in line and "a secret note" not in line
    assert site.world.query("select count(*) from journal") == before
    assert audit.verify(db.session)["verified"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_another_college_stands_in_a_log(rights: Rights, kind: str) -> None:
    path = f"/audit/logs/{kind}?names=y"
    own, other = (rights.client(login).get(path).get_data(as_text=True) for login in ("office", "x_office"))

    streams = {at: {row[0] for row in rights.live.execute(
        "select 'cycle:' || c.id from cycle c where c.college_id = ?", (rights.college(at).college,))}
        for at in ("near", "abroad")}  # fmt: skip
    assert [one for one in streams["near"] if f'"{one}"' not in own] == []
    assert [one for one in streams["abroad"] if f'"{one}"' in own or f'"{one}"' not in other] == []
    assert "x_lead" in other and "x_lead" not in own and "x_office" not in own
