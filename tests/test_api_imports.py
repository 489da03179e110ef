"""Imports over the API: a file as the body, checked or taken over, each fault at its cell."""

import io

from browsing import Site
from calling import Program, code, program
from openpyxl import Workbook
from werkzeug.test import TestResponse

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GOOD = b"login,name\nnew1,One\nnew2,Two\n"


def send(who: Program, data: bytes, kind: str = CSV, to: str = "people", query: str = "") -> TestResponse:
    """Send a file."""
    return who.ask("POST", f"/imports/{to}{query}", data, Content_Type=kind)


def count(site: Site) -> int:
    """Return how many of the file's people there are."""
    return int(site.world.query("select count(*) from person where login in ('new1', 'new2')")[0][0])


def test_a_file_is_checked_and_then_taken_over(site: Site, admin: Program) -> None:
    told = send(admin, GOOD, query="?dry_run=true").get_json()
    before = count(site)
    done = send(admin, GOOD).get_json()

    assert (told["new"], told["dry_run"], before) == (2, True, 0)
    assert (done["new"], done["dry_run"], count(site)) == (2, False, 2)
    assert send(admin, GOOD).get_json()["unchanged"] == 2
    assert "people" in {one["id"] for one in admin.get("/imports").get_json()["items"]}


def test_a_workbook_s_faults_stand_at_their_cells(site: Site, admin: Program) -> None:
    book = Workbook()
    book.active.title = "Staff"
    for row in (("login", "name"), ("new1", "One"), ("new2", "")):
        book.active.append(row)
    book.save(kept := io.BytesIO())

    answer = send(admin, kept.getvalue(), XLSX)

    assert answer.status_code == 422 and count(site) == 0
    assert [one["pointer"] for one in answer.get_json(force=True)["errors"]] == ["/Staff!B3"]


def test_a_text_s_faults_stand_at_line_and_cell(site: Site, admin: Program) -> None:
    answer = send(admin, b"login,name\nnew1,One\nnew2,\n")

    assert [one["pointer"] for one in answer.get_json(force=True)["errors"]] == ["/3/2"] and count(site) == 0


def test_who_may_not_import_a_kind_is_refused_before_the_file_is_read(site: Site, admin: Program) -> None:
    assert code(send(program(site, "lead"), b"rubbish")) == (403, "action.forbidden")
    assert code(send(admin, GOOD, to="nothing")) == (404, "object.not_found")
    assert send(admin, b"{}", "application/json").status_code == 415
    assert send(admin, GOOD, query="?colour=red").status_code == 422
