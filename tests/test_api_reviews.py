"""Samples and freezes over the API."""

import hashlib

import pytest
from browsing import Site
from calling import Program, code, program
from reviewing import PDF, go_elsewhere, leave, stored

from qaflow.services.auditing import freeze_checks

WORD = "0123456789abcdef"
FREEZE = {"day": "2025-09-01", "reason": "the visit"}


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college with two cycles."""
    site.world.start()
    site.world.start("C9")
    return site


def test_a_sample_is_drawn_once_and_drawn_again_is_the_same(site: Site, office: Program) -> None:
    first, again = (office.post("/audit/samples", {"n": 1, "seed": "s", "once": WORD}) for _ in range(2))

    shown = office.get(first.headers["Location"].removeprefix("/api/v1")).get_json()
    assert shown == first.get_json() == again.get_json()
    assert (len(shown["cycles"]), shown["same"], shown["population"], shown["given"]) == (1, True, 2, True)
    assert [one["id"] for one in office.get("/audit/samples").get_json()["items"]] == [shown["id"]]
    assert site.world.query("select count(*) from journal where kind = 'SampleDrawn'") == [(1,)]
    assert code(office.get("/audit/samples/999")) == (404, "object.not_found")
    assert office.post("/audit/samples", {"n": 1}).status_code == 422


def test_what_was_planned_is_frozen_handed_out_and_lifted(site: Site, office: Program) -> None:
    plan = office.post("/audit/freezes/plan", FREEZE)
    sent = FREEZE | {"once": WORD}

    other = office.post("/audit/freezes", sent, If_Match='"9.9"')
    frozen = office.post("/audit/freezes", sent, If_Match=plan.headers["ETag"])
    told = frozen.get_json()
    manifest = office.get(f"/audit/freezes/{told['id']}/manifest")

    assert (plan.get_json(), code(other)) == ({"cycles": 2, "files": 0}, (412, "preview.changed"))
    assert frozen.status_code == 201 and hashlib.sha256(manifest.data).hexdigest() == told["digest"]
    shown = office.get(frozen.headers["Location"].removeprefix("/api/v1"))
    assert shown.get_json() == told and shown.headers["ETag"] and code(office.get("/audit/freezes/99"))[0] == 404
    lifted = office.post(f"/audit/freezes/{told['id']}/lift", {"reason": "over"}).get_json()
    assert lifted["lifted_at"] and lifted["lifted_why"] == "over"
    assert office.get("/audit/freezes").get_json()["items"] == [lifted]
    assert office.get(f"/audit/freezes/{told['id']}").get_json() == lifted
    assert office.get(f"/audit/freezes/{told['id']}").headers["ETag"] != shown.headers["ETag"]
    go_elsewhere(site, "office")
    assert code(office.get(f"/audit/freezes/{told['id']}")) == (404, "freeze.not_found")
    assert code(office.post("/audit/freezes/99/lift", {"reason": "x"})) == (404, "freeze.not_found")
    assert code(office.get("/audit/freezes/99/manifest")) == (404, "freeze.not_found")


def test_a_freeze_is_held_against_the_present(site: Site, office: Program) -> None:
    assert leave(site.browser("lead"), 1).status_code == 303
    tag = office.post("/audit/freezes/plan", FREEZE).headers["ETag"]
    path = f"/audit/freezes/{office.post('/audit/freezes', FREEZE | {'once': WORD}, If_Match=tag).get_json()['id']}"
    (file,) = stored(site)

    sound = office.get(f"{path}/check").get_json()
    whole = office.get(f"{path}/check?whole=true").get_json()
    file.write_bytes(b"other")
    altered = office.get(f"{path}/check").get_json()
    file.unlink()
    gone = office.get(f"{path}/check?whole=true").get_json()

    counts = {"sound": True, "checked": 1, "faults": 0, "cycles": 2, "broken": [], "texts": 0, "lost": 0, "added": 0}
    (held,) = sound.pop("items")
    assert sound == counts | {"next": None} and whole == sound | {"items": []}
    assert (held["name"], held["cycle"], held["size"], held["state"]) == ("a.pdf", 1, len(PDF), "same")
    assert [(told["faults"], told["items"][0]["state"]) for told in (altered, gone)] == [(1, "changed"), (1, "missing")]
    site.world.query("update content set bytes = x'00' where hash in (select manifest from evidence_freeze) "
                     "returning hash")  # fmt: skip
    forged = office.get(f"{path}/check").get_json()
    assert (forged["sound"], forged["checked"], forged["items"]) == (False, 0, [])
    go_elsewhere(site, "office")
    assert code(office.get(f"{path}/check")) == (404, "freeze.not_found")


def test_the_files_of_a_freeze_are_checked_page_after_page(
    site: Site, office: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze_checks, "PAGE", 1)
    for name, data in (("a.pdf", PDF), ("b.pdf", PDF + b" again")):
        assert leave(site.browser("lead"), 1, name, data).status_code == 303
    tag = office.post("/audit/freezes/plan", FREEZE).headers["ETag"]
    path = f"/audit/freezes/{office.post('/audit/freezes', FREEZE | {'once': WORD}, If_Match=tag).get_json()['id']}"

    first = office.get(f"{path}/check").get_json()
    second = office.get(f"{path}/check?after={first['next']}").get_json()

    assert [[one["name"] for one in page["items"]] for page in (first, second)] == [["a.pdf"], ["b.pdf"]]
    assert second["next"] is None
    assert code(office.get(f"{path}/check?after=2")) == (422, "query.cursor")


def test_a_freeze_of_what_is_to_come_is_refused_at_its_field(office: Program) -> None:
    answer = office.post("/audit/freezes/plan", FREEZE | {"day": "2031-01-01"})

    assert answer.get_json(force=True)["errors"][0]["pointer"] == "/day"


@pytest.mark.parametrize("login", ["lead", "vp", "admin"])
def test_reviews_are_the_quality_offices_alone(site: Site, login: str) -> None:
    other = program(site, login)

    for path in ("/audit/samples", "/audit/freezes", "/audit/freezes/1", "/audit/freezes/1/check"):
        assert code(other.get(path)) == (403, "action.forbidden")
    assert code(other.post("/audit/samples", {"n": 1, "once": WORD})) == (403, "action.forbidden")
    assert code(other.post("/audit/freezes/plan", FREEZE)) == (403, "action.forbidden")
