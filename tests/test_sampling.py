"""Random samples for a review: written down as drawn, drawn again alike, and drawn once."""

import hashlib
from collections.abc import Iterator

import pytest
from browsing import Site
from browsing import site as made
from reviewing import WORD, college_facts, go_elsewhere, number_in
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.services.auditing import audit
from qaflow.services.auditing.sampling import chosen
from qaflow.store.db import db

MANY = 12


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college with twelve cycles."""
    found = made(settings)
    found.world.courses([f"D{n}" for n in range(MANY)], "section", "lead")
    for n in range(MANY):
        found.world.start(f"D{n}")
    yield found
    db.session.remove()
    db.engine.dispose()


def ask(site: Site, login: str = "office", **values: str) -> TestResponse:
    """Draw as the form does."""
    return site.browser(login, "en").post("/audit/samples", **{"n": "4", "seed": "spring", "once": WORD} | values)


def lowest(site: Site, seed: str, n: int) -> list[int]:
    """Return the cycles with the lowest lots, reckoned as the page tells it."""
    ids = sorted(number for (number,) in site.world.query("select id from cycle"))
    whole = hashlib.sha256("".join(f"{one}\n" for one in ids).encode()).hexdigest()
    lots = sorted((hashlib.sha256(f"{seed}:{whole}:{one}".encode()).hexdigest(), one) for one in ids)
    return sorted(one for _, one in lots[:n])


def test_a_sample_is_drawn_by_lot_written_down_and_shown(site: Site) -> None:
    answer = ask(site)

    assert answer.status_code == 303
    ((_, data),) = college_facts(site, "SampleDrawn")
    assert data["ids"] == lowest(site, "spring", 4)
    assert (data["seed"], data["given"], data["n"], data["population"]) == ("spring", True, 4, MANY)
    page = site.browser("qhead", "en").get(answer.headers["Location"]).text
    assert "spring" in page and data["digest"] in page and "Drawn again just now: the same cycles" in page
    assert all(f'href="/cycles/{one}"' in page for one in data["ids"]) and page.count('href="/cycles/') == 4
    assert audit.verify(db.session)["verified"]


def test_the_same_seed_among_the_same_cycles_gives_the_same_and_says_that_it_was_drawn_before(site: Site) -> None:
    first = ask(site)
    second = ask(site, once="f" * 16)
    other = ask(site, once="e" * 16, seed="autumn")

    one, two, three = (data["ids"] for _, data in college_facts(site, "SampleDrawn"))
    assert one == two and one != three
    page = site.browser("office", "en").get(second.headers["Location"]).text
    assert f'href="{first.headers["Location"]}"' in page and "never: this is the first" not in page
    assert "never: this is the first" in site.browser("office", "en").get(first.headers["Location"]).text
    assert site.browser("office").get(other.headers["Location"]).status_code == 200


def test_without_a_seed_one_is_drawn_and_shown(site: Site) -> None:
    answer = ask(site, seed="")

    ((_, data),) = college_facts(site, "SampleDrawn")
    assert len(data["seed"]) == 16 and not data["given"]
    assert data["seed"] in site.browser("office").get(answer.headers["Location"]).text


def test_sent_twice_the_form_draws_once(site: Site) -> None:
    first, second = ask(site, seed=""), ask(site, seed="")

    assert first.headers["Location"] == second.headers["Location"]
    assert len(college_facts(site, "SampleDrawn")) == 1


def test_cycles_that_start_later_change_no_sample(site: Site) -> None:
    where = ask(site).headers["Location"]
    site.world.start("C1")

    page = site.browser("office", "en").get(where).text

    assert "Drawn again just now: the same cycles" in page and "1 started since" in page


def test_a_population_that_was_tampered_with_is_seen(site: Site) -> None:
    where = ask(site).headers["Location"]
    site.world.query("update cycle set layer = 'major' where id = 3 returning id")
    assert "the same cycles" in site.browser("office", "en").get(where).text  # all layers were drawn from

    named = ask(site, once="d" * 16, layer="course").headers["Location"]
    site.world.query("update cycle set layer = 'course' where id = 3 returning id")

    assert "other cycles. Have the history verified." in site.browser("office", "en").get(named).text


def test_layers_drawn_apart_give_so_many_each() -> None:
    population = [(n, "course" if n <= 30 else "major") for n in range(1, 41)]

    found = chosen(population, "s", "d", 5, strata=True)

    assert sum(n <= 30 for n in found) == sum(n > 30 for n in found) == 5
    assert len(chosen(population, "s", "d", 5, strata=False)) == 5
    assert chosen(population, "s", "d", 100, strata=True) == [n for n, _ in population]


def test_every_cycle_has_the_same_chance() -> None:
    population = [(n, "course") for n in range(1, 11)]
    drawn = [chosen(population, f"seed {k}", "d", 3, strata=False) for k in range(2000)]

    for number, _ in population:
        assert 500 < sum(number in one for one in drawn) < 700  # 600 expected, deviation 20


UNFIT = [
    ({"n": "0"}, "out of range"),
    ({"n": "201"}, "out of range"),
    ({"n": "9" * 5000}, "Not a valid integer"),
    ({"n": "four"}, "Not a valid integer"),
    ({"n": ""}, "must be entered"),
    ({"seed": "x" * 65}, "too long"),
    ({"seed": "a\u202eb"}, "cannot be seen or printed"),
    ({"layer": "moon"}, "Not a valid choice"),
    ({"once": ""}, "cannot be asked"),
    ({"once": "' or 1=1"}, "cannot be asked"),
]


def test_what_cannot_be_drawn_is_told_at_its_field_and_its_valid_twin_is_drawn(site: Site) -> None:
    office = site.browser("office", "en")
    usual = {"n": "4", "seed": "spring", "once": WORD}

    for values, told in UNFIT:
        answer = office.post("/audit/samples", **usual | values)
        assert answer.status_code == 422 and told in answer.text, values
    assert college_facts(site, "SampleDrawn") == []
    for at, values in enumerate(({"n": "1"}, {"n": "200"}, {"seed": "春" * 64}, {"layer": "course"})):
        assert office.post("/audit/samples", **usual | {"once": f"{at:016x}"} | values).status_code == 303, values


def test_samples_are_the_quality_offices(site: Site) -> None:
    site.world.person("board", "committee")
    where = ask(site).headers["Location"]

    for login in ("lead", "head", "vp", "diag", "admin", "board"):
        browser = site.browser(login)
        sent = browser.post("/audit/samples", n="4", once="a" * 16)
        answers = [browser.get("/audit/samples"), browser.get(where), sent]
        assert [answer.status_code for answer in answers] == [403, 403, 403], login
    assert len(college_facts(site, "SampleDrawn")) == 1


def test_another_colleges_sample_is_absent(site: Site) -> None:
    seq = number_in(ask(site))
    go_elsewhere(site, "office")
    other = site.browser("office")

    absent, theirs = other.get("/audit/samples/99999"), other.get(f"/audit/samples/{seq}")

    assert (absent.status_code, theirs.status_code) == (404, 404)
    assert "spring" not in other.get("/audit/samples").text
    assert site.browser("qhead").get(f"/audit/samples/{seq}").status_code == 200


def test_another_kind_of_fact_is_no_sample(site: Site) -> None:
    ask(site)
    seqs = [seq for (seq,) in site.world.query("select seq from journal where stream = 'college:tiny' and "
                                               "kind <> 'SampleDrawn'")]  # fmt: skip

    assert seqs and {site.browser("office").get(f"/audit/samples/{seq}").status_code for seq in seqs} == {404}


def test_a_college_without_cycles_has_nothing_to_draw(settings: Settings) -> None:
    site = made(settings)

    answer = ask(site)

    assert answer.status_code == 409 and "no cycle to draw from" in answer.text
    db.session.remove()
    db.engine.dispose()
