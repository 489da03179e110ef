"""Definitions on the web: who reads them, what they say, check and publish, what differs, migrate with a preview."""

import re
from dataclasses import replace
from html import unescape
from io import BytesIO

import pytest
from browsing import Browser, Site
from werkzeug.test import TestResponse

from qaflow.engine import loader
from qaflow.engine.definition import Deadline, Definition, Level, canonical, to_plain
from qaflow.services.definitions import publishing as definitions
from qaflow.store import loading
from qaflow.store.db import db, utc
from qaflow.testing import config, label, spiral, stage

KEY = "tiny.teaching"
V1, V2 = f"/definitions/{KEY}/1", f"/definitions/{KEY}/2"
HOSTILE = {
    "anchors": b"a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" * 3,
    "tag": b"kind: !!python/object/apply:os.system ['id']\n",
    "deep": b"[" * 5000,
    "latin": b"kind: definition\nname: \xfc\n",
    "nul": b"kind: definition\x00\n",
    "empty": b"",
    "utf16": "kind: definition\n".encode("utf-16"),
}


def said(answer: TestResponse) -> str:
    """Return what a page says, as one line."""
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", answer.text.partition("<main")[2], flags=re.DOTALL)
    return " ".join(unescape(text).split())


def second(**changes: object) -> Definition:
    """Return a next version of the definition."""
    return replace(spiral(), version=2, **changes)  # type: ignore[arg-type]


def publish(site: Site, found: Definition) -> None:
    """Publish as the quality office does from the command line."""
    definitions.publish(db.session, site.world.origin("office"), found)


def check(browser: Browser, data: bytes, name: str = "own.yaml") -> TestResponse:
    """Send a file to be checked."""
    return browser.post("/definitions/check", file=(BytesIO(data), name))


def confirmed(answer: TestResponse, **changes: str) -> dict[str, str]:
    """Return what the form of the check sends, with changes."""
    fields = {n: unescape(v) for n, v in re.findall(r'name="(name|digest|content)" value="([^"]*)"', answer.text)}
    return fields | changes


def stored(site: Site) -> int:
    """Return how many versions are published."""
    return int(site.world.query("select count(*) from definition")[0][0])


def renamed_version() -> Definition:
    """Return a version in which the first stage has another key."""
    stages = spiral().stages
    return second(stages=(replace(stages[0], key="aims", covers=("goal",)), *stages[1:]))


@pytest.mark.parametrize(
    "path", ["/definitions", V1, f"{V1}/drawing.svg", f"/definitions/{KEY}/difference?old=1&new=1"]
)
def test_the_quality_office_and_the_administrator_read_definitions_and_nobody_else(site: Site, path: str) -> None:
    answers = {login: site.browser(login).get(path).status_code for login in ("office", "qhead", "admin", "lead", "vp")}

    assert answers == {"office": 200, "qhead": 200, "admin": 200, "lead": 403, "vp": 403}


def test_the_list_counts_the_cycles_of_each_version_and_leads_to_them(site: Site) -> None:
    one, two = site.world.start("C1"), site.world.start("C9")
    site.world.fire(two, "suspend", "office", reason="r")
    publish(site, second(overlap="wait"))
    office = site.browser("office", "en")

    text = said(office.get("/definitions"))
    listed = office.get(f"{V1}/cycles?status=suspended")

    assert re.search(
        r"tiny.teaching 2 newest .* 0 running teaching tiny.teaching 1 .* 1 running 1 suspended none", text
    )
    assert f"/cycles/{two}" in listed.text and f'/cycles/{one}"' not in listed.text


def test_the_administrator_sees_no_cycles_on_them(site: Site) -> None:
    site.world.start("C1")
    admin = site.browser("admin", "en")

    assert "1 running" not in said(admin.get("/definitions")) + said(admin.get(V1))
    assert admin.get(f"{V1}/cycles").status_code == 403
    assert admin.get(f"{V1}/migrate").status_code == 403
    assert check(admin, loader.dump(second()).encode()).status_code == 403


@pytest.mark.parametrize("path", [f"/definitions/{KEY}/9", "/definitions/other.teaching/1", f"{V1}/drawing.exe",
                                  f"/definitions/{KEY}/99999999999999999999",
                                  f"/definitions/{KEY}/difference?old=1&new=7",
                                  "/definitions/other.teaching/1/migrate"])  # fmt: skip
def test_what_is_not_published_here_is_not_there(site: Site, path: str) -> None:
    answer, absent = (site.browser("office", "en").get(p) for p in (path, "/definitions/absent.one/1"))

    assert answer.status_code == 404
    if not path.endswith("exe"):
        assert re.sub(r"number \w+", "", said(answer)) == re.sub(r"number \w+", "", said(absent))


def test_another_colleges_definition_is_not_there(site: Site) -> None:
    publish(site, second())
    far = config(site.world.tracks, "far")
    body = {
        "name_zh": "far",
        "name_en": "far",
        "timezone": far.timezone,
        "body": canonical(to_plain(far)),
        "until": None,
    }
    site.world.within(lambda d: loading.insert_college(d, body | {"key": "far", "at": utc(site.world.now)}))
    db.session.execute(db.text("update definition set college_id = (select id from college where key = 'far') "
                               "where version = 2"))  # fmt: skip
    db.session.commit()
    office = site.browser("office", "en")

    assert office.get(V2).status_code == office.get(f"{V2}/migrate").status_code == 404
    assert "teaching 2" not in said(office.get("/definitions"))
    assert office.post(f"{V2}/migrate").status_code == 404


def test_a_version_is_told_in_words(site: Site) -> None:
    text = said(site.browser("office", "en").get(V1))

    for words in ("carried (list; kind (choice, problem, goal), text (text, required))", "major_leader · one of them",
                  "within 3 working days", "3 working days late: vice_president is told of it", "with the quick loop",
                  "the next round starts beside it", "Decides major_leader"):  # fmt: skip
        assert words in text


@pytest.mark.parametrize(
    ("form", "start"), [("svg", "<svg"), ("mermaid", "state"), ("bpmn", "<?xml"), ("yaml", "kind:")]
)
def test_drawings_are_kept_as_files(site: Site, form: str, start: str) -> None:
    answer = site.browser("office").get(f"{V1}/drawing.{form}")

    assert start in answer.text[:200]
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="tiny.teaching-1.')


def test_the_file_of_a_version_is_that_version_again(site: Site) -> None:
    text = site.browser("office").get(f"{V1}/drawing.yaml").text

    assert loader.read(text, "x.yaml").value == spiral()


def test_what_differs_is_told_from_both_sides(site: Site) -> None:
    stages = spiral().stages
    changed = replace(stages[1], deadline=Deadline(working_days=7))
    publish(site, second(stages=(stages[0], changed, *stages[2:]), ladder=(Level(after=2, to="leader"),)))
    office = site.browser("office", "en")

    there = office.get(f"/definitions/{KEY}/difference?old=1&new=2").text
    back = office.get(f"/definitions/{KEY}/difference?old=2&new=1").text

    assert "<ins>7 working days after it begins</ins>" in there and "<del>none</del>" in there
    assert "<del>7 working days after it begins</del>" in back and "<ins>none</ins>" in back
    assert there.count("removed") == back.count("added") == 2


def test_a_sound_file_is_stored_only_when_it_is_confirmed_and_once(site: Site) -> None:
    office, before = site.browser("office", "en"), stored(site)

    checked = check(office, loader.dump(second(overlap="wait")).encode())
    assert (checked.status_code, stored(site)) == (200, before)
    first = office.post("/definitions/publish", **confirmed(checked))
    again = office.post("/definitions/publish", **confirmed(checked))

    assert first.status_code == again.status_code == 303 and first.headers["Location"] == V2
    assert stored(site) == before + 1
    facts = site.world.query("select count(*) from journal where kind = 'DefinitionPublished'")
    assert facts[0][0] == before + 1


def test_other_content_than_was_checked_is_not_published(site: Site) -> None:
    office, before = site.browser("office", "en"), stored(site)
    checked, other = (check(office, loader.dump(second(overlap=o)).encode()) for o in ("wait", "close"))

    answer = office.post("/definitions/publish", **confirmed(checked, content=confirmed(other)["content"]))

    assert answer.status_code == 412 and "not the content that was checked" in said(answer)
    for content in ("", "%%%", "eJw=", "A" * 1000):
        assert office.post("/definitions/publish", **confirmed(checked, content=content)).status_code == 422
    assert stored(site) == before


def test_faults_are_told_as_the_command_line_tells_them(site: Site) -> None:
    text = loader.dump(second()).replace("major_leader", "major_leder", 1)

    answer = check(site.browser("office", "en"), text.encode())

    roles = site.world.within(site.world.view).config.roles
    faults = loader.read(text, "own.yaml", roles=roles).faults
    assert answer.status_code == 422 and faults
    assert all(str(fault) in said(answer) for fault in faults)
    assert "Publish version" not in said(answer)


def test_a_taken_version_and_another_colleges_key_are_told_at_their_place(site: Site) -> None:
    office = site.browser("office", "en")

    taken = said(check(office, loader.dump(replace(spiral(), overlap="wait")).encode()))
    foreign = said(check(office, loader.dump(replace(spiral("far.teaching"))).encode()))
    same = said(check(office, loader.dump(spiral()).encode()))

    assert re.search(r"own.yaml:\d+:\d+: definition.version_taken: .* raise `version:` to 2", taken)
    assert re.search(r"own.yaml:\d+:\d+: def.other_college", foreign)
    assert "published already" in same


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_place(site: Site, name: str) -> None:
    before = stored(site)

    answer = check(site.browser("office", "en"), HOSTILE[name], name="../../<b>x</b>.yaml")

    assert answer.status_code == 422 and "<b>x</b>" not in answer.text
    assert re.search(r":\d+:\d+: [a-z]+\.[a-z_0-9]+", said(answer))
    assert stored(site) == before


def test_a_file_that_is_too_large_is_refused_before_it_is_parsed(site: Site) -> None:
    office = site.browser("office", "en")
    part = 'Content-Disposition: form-data; name="%s"%s\r\n\r\n'
    body = b"".join((b"--b\r\n", (part % ("csrf_token", "")).encode(), office.token().encode(), b"\r\n--b\r\n",
                     (part % ("file", '; filename="own.yaml"')).encode(), b"#" * 1_000_001,
                     b"\r\n--b--\r\n"))  # fmt: skip

    answer = office.client.post("/definitions/check", data=body, content_type="multipart/form-data; boundary=b")

    assert answer.status_code == 422 and "own.yaml:1:1: file.too_large" in said(answer)


def test_no_file_is_told_at_the_field(site: Site) -> None:
    answer = site.browser("office", "en").post("/definitions/check")

    assert answer.status_code == 422 and "Choose a file first." in said(answer)


def test_a_migration_is_previewed_and_moves_only_what_fits_when_pressed(site: Site) -> None:
    one, two = site.world.start("C1"), site.world.start("C9")
    site.world.pass_stage(one)
    stages = spiral().stages
    publish(site, second(stages=(stages[0], stage("extra"), *stages[1:])))
    office = site.browser("office", "en")

    preview = said(office.get(f"{V2}/migrate"))
    assert "2 cycles stand on another version. 1 of them fits." in preview
    assert "The new version has “extra” before, which was not walked." in preview
    assert "DefinitionMigrated" not in site.world.kinds(two)
    first = office.post(f"{V2}/migrate")
    page = said(office.get(first.headers["Location"]))
    again = office.post(f"{V2}/migrate")

    assert first.status_code == again.status_code == 303
    assert "1 cycle was moved. 1 was not." in page and "Moved just now C9" in page
    assert site.world.kinds(two).count("DefinitionMigrated") == 1
    assert "DefinitionMigrated" not in site.world.kinds(one)


def test_a_stage_with_another_key_is_offered_and_moved_over(site: Site) -> None:
    one = site.world.start("C1")
    publish(site, renamed_version())
    office = site.browser("office", "en")

    preview = office.get(f"{V2}/migrate")
    without = said(office.get(f"{V2}/migrate?previewed=1&from-goal="))
    office.post(f"{V2}/migrate", **{"from-goal": "aims"})

    assert "“goal” is now" in said(preview) and '<option value="aims" selected>' in preview.text
    assert "Move 1 cycle" in said(preview) and "None of these cycles fits" in without
    assert site.world.state(one)["stage"] == "aims"
    assert site.world.audit()["findings"] == []


@pytest.mark.parametrize("sent", [{"from-goal": "nothing"}, {"from-nothing": "aims"}])
def test_a_renaming_of_what_is_not_there_is_refused(site: Site, sent: dict[str, str]) -> None:
    one = site.world.start("C1")
    publish(site, renamed_version())

    answer = site.browser("office", "en").post(f"{V2}/migrate", **sent)

    assert answer.status_code == 422 and "This stage does not exist." in said(answer)
    assert site.world.state(one)["stage"] == "goal"


@pytest.mark.parametrize("login", ["lead", "vp", "admin"])
def test_who_is_not_of_the_quality_office_publishes_and_moves_nothing(site: Site, login: str) -> None:
    checked = check(site.browser("office"), loader.dump(second(overlap="wait")).encode())
    browser, before = site.browser(login), stored(site)

    assert browser.post("/definitions/publish", **confirmed(checked)).status_code == 403
    assert browser.post(f"{V1}/migrate").status_code == 403
    assert stored(site) == before


def test_labels_of_an_uploaded_file_are_text(site: Site) -> None:
    bad = label("<script>alert(1)</script>{{7*7}}")
    stages = spiral().stages
    publish(site, second(name=bad, stages=(replace(stages[0], name=bad), *stages[1:])))

    for path in ("/definitions", V2, f"/definitions/{KEY}/difference?old=1&new=2", f"{V2}/migrate"):
        text = site.browser("office").get(path).text
        assert "<script>alert" not in text and "{{7*7}}" in unescape(text)
