"""Evidence in the browser: looked into before it is kept, handed out as an attachment to whoever may see the cycle."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from browsing import PAGE, Browser, Site
from browsing import site as made
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.store.db import db

PDF = b"%PDF-1.7\nthe minutes"


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college with one cycle."""
    found = made(settings)
    found.world.start()
    yield found
    db.session.remove()
    db.engine.dispose()


def png(width: int, height: int) -> bytes:
    """Return the head of an image of a size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + check


def office(*parts: str) -> bytes:
    """Return an archive with these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part in parts:
            archive.writestr(part, "x")
    return out.getvalue()


def leave(browser: Browser, *files: tuple[str, bytes], cycle: int = 1) -> TestResponse:
    """Send files as the page's form does."""
    data = {"csrf_token": browser.token(), "file": [(io.BytesIO(body), name) for name, body in files]}
    return browser.client.post(f"/cycles/{cycle}/files", data=data, headers=PAGE, content_type="multipart/form-data")


def kept(site: Site) -> int:
    """Return how many files the journal names."""
    return site.world.kinds(1).count("EvidenceAdded")


def test_several_files_are_kept_listed_and_handed_out(site: Site) -> None:
    lead = site.browser("lead", "en")

    assert leave(lead, ("会议 纪要.pdf", PDF), ("list.csv", b"a,b")).status_code == 303
    page = lead.get("/cycles/1").text
    assert "会议 纪要.pdf" in page and "list.csv" in page and "20 B" in page
    answer = site.browser("major").get("/cycles/1/files/1")

    assert answer.data == PDF and answer.mimetype == "application/pdf"
    said = answer.headers["Content-Disposition"]
    assert (
        said.startswith("attachment;")
        and said.endswith(f"filename*=UTF-8''{quote('会议 纪要.pdf')}")
        and said.isascii()
    )
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Cache-Control"] == "no-store"


def test_sending_the_same_files_twice_keeps_them_once(site: Site) -> None:
    lead = site.browser("lead")

    for _ in range(2):
        assert leave(lead, ("a.pdf", PDF)).status_code == 303
    assert kept(site) == 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", b"", "The file is empty."),
        ("a.png", b"<html><script>x</script>", "The content of the file is not what its name says."),
        ("a.png", b"<svg xmlns='x'/>", "The content of the file is not what its name says."),
        ("a.png", png(9, 9) + b"<script>alert(1)</script>", "The content of the file is not what its name says."),
        ("a.png", png(50_000, 50_000), "This image has too many points. Make it smaller first."),
        ("a.docm", PDF, "Files of this kind are not taken."),
        ("a.svg", b"<svg/>", "Files of this kind are not taken."),
        ("a.docx", office("word/document.xml", "word/vbaProject.bin"), "Files of this kind are not taken."),
        ("a.docx", office("word/document.xml", "word/embeddings/in.zip"), "Files of this kind are not taken."),
        ("a.docx", office("other.txt"), "The content of the file is not what its name says."),
        ("a.docx", b"PK\x03\x04 broken", "The content of the file is not what its name says."),
        ("a" * 300 + ".pdf", PDF, "The name of the file cannot be taken."),
    ],
)
def test_a_file_that_is_not_taken_is_told_at_its_field_and_none_of_the_others_is_kept(
    site: Site, name: str, data: bytes, words: str
) -> None:
    answer = leave(site.browser("lead", "en"), ("good.pdf", PDF), (name, data))

    assert answer.status_code == 422 and words in answer.text.partition('id="evidence-file"')[2]
    assert kept(site) == 0


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", png(4000, 3000)),
        ("a.docx", office("[Content_Types].xml", "word/document.xml")),
        ("a.txt", "字".encode()),
    ],
)
def test_their_valid_twins_are_kept(site: Site, name: str, data: bytes) -> None:
    assert leave(site.browser("lead"), (name, data)).status_code == 303
    assert kept(site) == 1


def test_no_file_and_too_many_are_told(site: Site) -> None:
    lead = site.browser("lead", "en")

    assert "Choose a file first." in leave(lead).text
    assert "too many files" in leave(lead, *((f"{n}.pdf", PDF) for n in range(21))).text
    large = b"x" * (17 * 1024 * 1024)
    kind = "multipart/form-data; boundary=x"
    assert lead.client.post("/cycles/1/files", data=large, content_type=kind, headers=PAGE).status_code == 413
    assert kept(site) == 0


@pytest.mark.parametrize(("login", "status"), [("guest", 404), ("far_lead", 404), ("major", 403), ("office", 403)])
def test_only_who_may_leaves_files(site: Site, login: str, status: int) -> None:
    assert leave(site.browser(login), ("a.pdf", PDF)).status_code == status
    assert kept(site) == 0


@pytest.mark.parametrize("login", ["guest", "far_major"])
def test_a_file_out_of_sight_is_as_one_that_is_not_there(site: Site, login: str) -> None:
    lead = site.browser("lead")
    leave(lead, ("a.pdf", PDF))
    site.world.start("C9")

    assert site.browser(login).get("/cycles/1/files/1").status_code == 404
    assert lead.get("/cycles/1/files/99").status_code == 404
    assert site.browser("office").get("/cycles/2/files/1").status_code == 404


@pytest.mark.parametrize("how", ["altered", "gone"])
def test_a_file_changed_on_disk_is_an_incident_and_never_other_content(
    site: Site, settings: Settings, how: str
) -> None:
    leave(site.browser("lead"), ("a.pdf", PDF))
    (place,) = [one for one in Path(settings.home / "evidence").rglob("*") if one.is_file()]
    place.unlink() if how == "gone" else place.write_bytes(b"%PDF-other")

    answer = site.browser("office", "en").get("/cycles/1/files/1")

    assert answer.status_code == 500 and b"other" not in answer.data
    assert "changed or lost since it was left" in answer.text
    found = db.session.connection().exec_driver_sql("select ref from incident where kind = 'evidence'").all()
    db.session.rollback()
    assert [ref for (ref,) in found] == ["cycle:1/1"]
