"""Definitions over the API: read, drawn, compared, checked, published, and cycles moved to another version."""

from dataclasses import replace

import pytest
from browsing import Site
from calling import Program, code, program

from qaflow.engine import loader
from qaflow.engine.definition import Definition
from qaflow.services.definitions import publishing as definitions
from qaflow.store.db import db
from qaflow.testing import spiral

KEY = "tiny.teaching"
V1, V2 = f"/definitions/{KEY}/1", f"/definitions/{KEY}/2"
STORED = "select count(*) from definition"


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with a running cycle."""
    site.world.start("C1")
    return site


def second() -> Definition:
    """Return a next version of the definition."""
    return replace(spiral(), version=2, overlap="wait")


def test_versions_are_listed_and_one_is_shown_with_what_stands_on_it(site: Site, office: Program) -> None:
    definitions.publish(db.session, site.world.origin("office"), second())

    lines = office.get("/definitions").get_json()["items"]
    shown = office.get(V1).get_json()
    cycles = office.get(f"{V1}/cycles").get_json()["items"]

    assert {(one["key"], one["version"], one["newest"], one["running"]) for one in lines} == {
        (KEY, 2, True, 0), (KEY, 1, False, 1)}  # fmt: skip
    assert (shown["others"], shown["stages"][0]["key"], shown["may"]) == (
        [2], spiral().stages[0].key, ["migrate", "oversee", "publish"])  # fmt: skip
    assert [(one["id"], one["status"]) for one in cycles] == [(1, "running")]
    assert office.get(f"{V1}/cycles?status=closed").get_json()["items"] == []


def test_the_administrator_reads_versions_and_sees_no_cycles_on_them(site: Site) -> None:
    admin = program(site, "admin")

    assert admin.get(V1).get_json()["running"] is None
    assert code(admin.get(f"{V1}/cycles")) == (403, "action.forbidden")
    assert code(program(site, "lead").get(V1)) == (403, "action.forbidden")


@pytest.mark.parametrize(("form", "media", "start"), [
    ("svg", "image/svg+xml", "<svg"), ("mermaid", "text/plain", "state"), ("bpmn", "application/xml", "<?xml"),
    ("yaml", "application/yaml", "kind:"),
])  # fmt: skip
def test_a_version_is_handed_out_drawn_and_as_its_file(office: Program, form: str, media: str, start: str) -> None:
    answer = office.get(f"{V1}/drawing/{form}?language=en")

    assert answer.mimetype == media and start in answer.text[:200]
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="tiny.teaching-1.')


def test_the_file_of_a_version_is_that_version_again(office: Program) -> None:
    assert loader.read(office.get(f"{V1}/drawing/yaml").text, "x.yaml").value == spiral()


@pytest.mark.parametrize("path", [f"/definitions/{KEY}/9", "/definitions/other.teaching/1", f"{V1}/drawing/exe",
                                  f"/definitions/{KEY}/9007199254740991", f"/definitions/{KEY}/9/cycles",
                                  f"/definitions/{KEY}/difference?old=1&new=7"])  # fmt: skip
def test_what_is_not_published_here_is_not_there(office: Program, path: str) -> None:
    assert office.get(path).status_code == 404


def test_what_differs_between_two_versions_is_told_from_both_sides(site: Site, office: Program) -> None:
    definitions.publish(db.session, site.world.origin("office"), second())

    there = office.get(f"/definitions/{KEY}/difference?old=1&new=2").get_json()["items"]
    back = office.get(f"/definitions/{KEY}/difference?old=2&new=1").get_json()["items"]

    assert [(one["part"], one["what"], one["new"]) for one in there] == [("definition", "overlap", '"wait"')]
    assert [(one["old"], one["new"]) for one in back] == [(one["new"], one["old"]) for one in there]


def test_a_sound_file_is_stored_only_when_it_is_published_as_it_was_checked(site: Site, office: Program) -> None:
    text, before = loader.dump(second()), site.world.query(STORED)[0][0]

    checked = office.post("/definitions/check", {"text": text})
    told = checked.get_json()
    assert (told["sound"], told["version"], told["published"], told["faults"]) == (True, 2, False, [])
    assert site.world.query(STORED) == [(before,)]
    other = office.post("/definitions/publish", {"text": loader.dump(replace(second(), overlap="close"))},
                        If_Match=checked.headers["ETag"])  # fmt: skip
    assert code(other) == (412, "definition.other_content")
    assert code(office.post("/definitions/publish", {"text": text}))[0] == 428
    published = office.post("/definitions/publish", {"text": text}, If_Match=checked.headers["ETag"])

    assert (published.status_code, published.headers["Location"]) == (201, f"/api/v1{V2}")
    assert site.world.query(STORED) == [(before + 1,)]
    assert code(program(site, "admin").post("/definitions/check", {"text": text})) == (403, "action.forbidden")


def test_a_faulty_file_is_told_with_its_places_and_not_published(site: Site, office: Program) -> None:
    text = loader.dump(second()).replace("major_leader", "major_leder", 1)

    told = office.post("/definitions/check", {"text": text}).get_json()
    answer = office.post("/definitions/publish", {"text": text}, If_Match='"x"')

    assert told["sound"] is False and told["faults"][0]["line"] > 1 and told["digest"] is None
    assert code(answer) == (422, "def.invalid")
    assert answer.get_json(force=True)["errors"][0]["pointer"] == "/text"
    assert office.post("/definitions/check", {"text": "x", "hash": "y"}).status_code == 422


def test_cycles_are_moved_as_the_dry_run_told(site: Site, office: Program) -> None:
    definitions.publish(db.session, site.world.origin("office"), second())
    version = "select d.version from cycle c join definition d on d.id = c.definition_id"

    plan = office.post(f"{V2}/migrate/plan", {}).get_json()
    assert (plan["dry_run"], plan["fit"], plan["moved"], plan["results"][0]["cycle"]) == (True, 1, 0, 1)
    assert site.world.query(version) == [(1,)]
    done = office.post(f"{V2}/migrate", {}).get_json()

    assert (done["fit"], done["moved"], done["results"][0]["lands"]) == (1, 1, plan["results"][0]["lands"])
    assert site.world.query(version) == [(2,)]
    wrong = {"renames": [{"old": "nothing", "new": "goal"}]}
    assert code(office.post(f"{V2}/migrate", wrong)) == (422, "stage.unknown")
    assert office.post("/definitions/other.teaching/1/migrate", {}).status_code == 404
    assert code(program(site, "admin").post(f"{V2}/migrate", {})) == (403, "action.forbidden")
