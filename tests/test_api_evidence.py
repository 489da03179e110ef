"""Evidence over the API: a file is kept as the page keeps it, listed, and handed out to whoever may see the cycle."""

import re
import struct
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from browsing import Site
from calling import Program, code, program
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.services.cycles.evidence import KINDS, LIMIT

PDF = b"%PDF-1.7\nthe minutes"


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with one cycle."""
    site.world.start()
    return site


def leave(by: Program, name: str, data: bytes = PDF, kind: str = "application/pdf", **more: str) -> TestResponse:
    """Send a file for the first cycle."""
    return by.post(f"/cycles/1/files?name={name}", data, Content_Type=kind, **more)


def kept(site: Site) -> int:
    """Return how many files the journal names."""
    return site.world.kinds(1).count("EvidenceAdded")


def test_a_file_is_kept_listed_and_handed_out_as_it_was(site: Site) -> None:
    lead, major = program(site, "lead"), program(site, "major")

    made = leave(lead, "纪要.pdf")

    assert made.status_code == 201, made.text
    assert made.headers["Location"] == "/api/v1/cycles/1/files/1"
    (listed,) = major.get("/cycles/1/files").get_json()["items"]
    assert listed == made.get_json()
    assert (listed["name"], listed["size"], listed["stage"]) == ("纪要.pdf", len(PDF), "goal")
    found = major.get("/cycles/1/files/1")
    assert (found.data, found.mimetype) == (PDF, "application/pdf")
    assert found.headers["Content-Disposition"].startswith("attachment;")
    assert found.headers["X-Content-Type-Options"] == "nosniff"


def test_a_request_sent_twice_leaves_one_file_and_so_does_the_same_file(site: Site) -> None:
    lead = program(site, "lead")

    answers = [leave(lead, "a.pdf", Idempotency_Key="k"), leave(lead, "a.pdf", Idempotency_Key="k"),
               leave(lead, "a.pdf")]  # fmt: skip

    assert [one.status_code for one in answers] == [201, 201, 201]
    assert len({one.data for one in answers}) == 1 and kept(site) == 1
    assert code(leave(lead, "b.pdf", Idempotency_Key="k")) == (422, "idempotency.mismatch")


@pytest.mark.parametrize(("name", "data", "kind", "fault", "pointer"), [
    ("a.pdf", b"", "application/pdf", "file.empty", None),
    ("a.pdf", b"<html>", "application/pdf", "file.type_mismatch", "?name"),
    ("a.pdf", PDF, "image/png", "file.type_mismatch", "?name"),
    ("a.csv", b"a,b", "text/plain", "file.type_mismatch", "?name"),
    ("a.docm", PDF, "application/pdf", "file.type_refused", "?name"),
    ("a%2F", PDF, "application/pdf", "file.name", "?name"),
    ("", PDF, "application/pdf", "query.invalid", "?name"),
    ("a" * 201, PDF, "application/pdf", "query.invalid", "?name"),
])  # fmt: skip
def test_a_file_that_is_not_what_it_says_is_refused_and_not_kept(
    site: Site, name: str, data: bytes, kind: str, fault: str, pointer: str | None
) -> None:
    answer = leave(program(site, "lead"), name, data, kind)

    assert code(answer) == (422, fault)
    assert [one["pointer"] for one in answer.get_json().get("errors", [])] == ([pointer] if pointer else [])
    assert kept(site) == 0


def test_other_content_types_and_larger_files_are_not_read(site: Site) -> None:
    lead = program(site, "lead")

    assert code(leave(lead, "a.svg", b"<svg/>", "image/svg+xml")) == (415, "media.unsupported")
    assert code(leave(lead, "a.txt", b"x" * (16 * 1024 * 1024 + 1), "text/plain")) == (413, "body.too_large")
    assert code(lead.post("/cycles/1/files", PDF, Content_Type="application/pdf")) == (422, "query.invalid")


@pytest.mark.parametrize(("login", "status"), [("guest", 404), ("far_lead", 404), ("major", 403), ("office", 403)])
def test_only_who_may_leaves_files_and_who_sees_nothing_finds_none(site: Site, login: str, status: int) -> None:
    leave(program(site, "lead"), "a.pdf")
    other = program(site, login)

    assert leave(other, "b.pdf").status_code == status and kept(site) == 1
    sees = 404 if status == 404 else 200
    assert [other.get(f"/cycles/1/files{one}").status_code for one in ("", "/1", "/99")] == [sees, sees, 404]


@pytest.mark.parametrize("how", ["altered", "gone"])
def test_a_file_changed_on_disk_is_never_other_content(site: Site, settings: Settings, how: str) -> None:
    leave(program(site, "lead"), "a.pdf")
    (place,) = [one for one in Path(settings.home / "evidence").rglob("*") if one.is_file()]
    place.unlink() if how == "gone" else place.write_bytes(b"%PDF-other")

    answer = program(site, "office").get("/cycles/1/files/1")

    assert code(answer) == (500, "file.integrity") and b"other" not in answer.data


def crowded(parts: int) -> bytes:
    """Return an archive whose directory lists one part so many times, and says that it is one."""
    name = b"word/document.xml"
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    whole = entry * parts
    return local + whole + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(whole), len(local), 0)


def test_a_directory_of_countless_parts_is_refused_before_it_is_read(site: Site) -> None:
    lead, kind = program(site, "lead"), KINDS["docx"][0]
    data = crowded(LIMIT // 63 - 2)

    begun = time.process_time()
    answer = leave(lead, "a.docx", data, kind)
    took = time.process_time() - begun

    assert LIMIT - 1000 < len(data) <= LIMIT
    assert code(answer) == (422, "file.type_mismatch") and kept(site) == 0
    assert took < 1
    assert leave(lead, "a.docx", crowded(9_000), kind).status_code == 201


@pytest.mark.parametrize(("name", "shown"), [
    ("../../../etc/minutes.txt", "minutes.txt"), ("C:\\Windows\\minutes.txt", "minutes.txt"),
    ("minutes.pdf\0.txt", "minutes.pdf.txt"), ("\u202etxt.fdp.txt", "txt.fdp.txt"), ("a\r\nX-Y: z.txt", "aX-Y: z.txt"),
    ("纪" * 196 + ".txt", "纪" * 196 + ".txt"), ("😀" * 196 + ".txt", "😀" * 196 + ".txt"), ("CON.txt", "CON.txt"),
    ("..txt", "..txt"), (" .txt", ".txt"), ('a";filename=b.exe;".txt', 'a";filename=b.exe;".txt'),
    ("%2e%2e%2fa.txt", "%2e%2e%2fa.txt"),
])  # fmt: skip
def test_no_name_leads_anywhere_or_says_what_the_file_is_not(site: Site, name: str, shown: str) -> None:
    lead, page = program(site, "lead"), b"<script>alert(1)</script>"

    made_ = leave(lead, quote(name, safe=""), page, "text/plain")

    assert made_.status_code == 201, made_.text
    assert made_.get_json()["name"] == shown
    found = lead.get("/cycles/1/files/1")
    told = found.headers["Content-Disposition"]
    assert (found.data, found.mimetype, found.headers["X-Content-Type-Options"]) == (page, "text/plain", "nosniff")
    assert found.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert parse_options_header(told) == ("attachment", {"filename": shown})
    assert re.fullmatch(r"attachment; filename=\"[\w.-]+\"; filename\*=UTF-8''[\w.%~-]+", told, re.ASCII)
    on_disk = [one.name for one in site.app.extensions["qaflow"].files.folder.rglob("*") if one.is_file()]
    assert on_disk == [made_.get_json()["hash"]]


@pytest.mark.parametrize(("name", "fault"), [
    ("%00", "file.name"), ("%E2%80%AE", "file.name"), ("a.txt.", "file.type_refused"), ("a.txt%20%2F", "file.name"),
    ("a.txt%3A%3A%24DATA", "file.type_refused"), ("a.svg", "file.type_refused"), ("a.html", "file.type_refused"),
])  # fmt: skip
def test_a_name_that_says_nothing_good_is_refused(site: Site, name: str, fault: str) -> None:
    assert code(leave(program(site, "lead"), name, b"words", "text/plain")) == (422, fault)
    assert kept(site) == 0
