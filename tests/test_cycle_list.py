"""The list of cycles: what a person may see and nothing else, narrowed by its address, in few questions."""

import re
from collections.abc import Iterator

import pytest
from browsing import Browser, Site
from browsing import site as made

from qaflow.config import Settings
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.cycles import listing as cycle_list
from qaflow.services.cycles.listing import Chosen
from qaflow.store.db import db
from qaflow.testing import World


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college with a cycle of each of two courses of two units."""
    found = made(settings)
    found.world.start()
    found.world.start("C9")
    yield found
    db.session.remove()
    db.engine.dispose()


def shown(browser: Browser, query: str = "") -> list[int]:
    """Return the cycles that a list leads to, in their order."""
    answer = browser.get("/cycles" + query)
    assert answer.status_code == 200
    return list(dict.fromkeys(int(n) for n in re.findall(r'<a href="/cycles/(\d+)">', answer.text)))


@pytest.mark.parametrize(
    ("login", "seen"),
    [("office", [1, 2]), ("lead", [1]), ("far_lead", [2]), ("major", [1]), ("far_major", [2]), ("guest", [])],
)
def test_everybody_lists_the_cycles_that_they_may_open_and_no_others(site: Site, login: str, seen: list[int]) -> None:
    browser = site.browser(login, "en")

    assert shown(browser) == seen
    assert [n for n in (1, 2) if browser.get(f"/cycles/{n}").status_code == 200] == seen
    many = "1 cycle" if len(seen) == 1 else f"{len(seen)} cycles"
    assert many in browser.get("/cycles").text


@pytest.mark.parametrize("query", ["?q=C9", "?q=c9&unit=0", "?unit={far}"])
def test_no_filter_shows_or_counts_another_units_cycle(site: Site, query: str) -> None:
    far = db.session.connection().exec_driver_sql("select id from unit where code = 'far'").scalar()
    db.session.rollback()
    path = query.format(far=far)

    assert shown(site.browser("office"), path) == [2]
    lead = site.browser("lead", "en")
    assert shown(lead, path) == [] and "0 cycles" in lead.get("/cycles" + path).text


def test_each_filter_narrows_by_what_it_says(site: Site) -> None:
    office = site.browser("office")
    site.world.fire(1, "submit", "lead", content={"note": "done"})
    site.world.fire(1, "approve", "major")
    site.world.fire(2, "suspend", "office", reason="flood")

    assert shown(office, f"?stage={site.world.state(1)['stage']}") == [1]
    assert shown(office, "?stage=goal") == [2]
    assert shown(office, "?status=suspended") == [2] and shown(office, "?status=closed") == []
    assert shown(office, "?layer=course") == [1, 2] and shown(office, "?layer=student") == []
    assert shown(office, "?term=2025-09-15") == [1, 2] and shown(office, "?term=2024-09-15") == [1, 2]
    assert shown(office, "?when=late") == [] and shown(office, "?q=%25") == []
    site.world.fire(1, "submit", "lead", content={"note": "done"})
    site.later(days=300)
    assert shown(site.browser("office"), "?when=late") == [1]


@pytest.mark.parametrize(
    "query", ["?unit=x", "?unit=" + "9" * 30, "?when=x&status=x", "?after=x", "?after=.", "?after=2026-01-01.9999999",
              "?q=" + "a" * 2000, "?q=%00", "?term=2026-99-99", "?layer=%27"],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_no_fault(site: Site, query: str) -> None:
    assert site.browser("office").get("/cycles" + query).status_code == 200


def copies(world: World, many: int) -> None:
    """Put many cycles beside the first, as rows alone."""
    columns = [row[1] for row in db.session.connection().exec_driver_sql("pragma table_info(cycle)")]
    kept = [c for c in columns if c not in ("id", "period_start", "next_due", "ends_at")]
    text = ", ".join(kept)
    db.session.connection().exec_driver_sql(
        f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {many}) "
        f"insert into cycle (period_start, {text}) select date('1900-01-01', '+' || i || ' days'), {text} "
        "from cycle, n where cycle.id = 1"
    )
    db.session.commit()


def signed_in(world: World, login: str) -> SignedIn:
    """Return somebody as the pages know them."""
    origin = world.origin(login)
    assert origin.person is not None
    return SignedIn(session="", person=origin.person, college=world.college, login=login, name=login, language="zh",
                    device="", kinds=frozenset(), titles=())  # fmt: skip


@pytest.mark.parametrize("login", ["office", "lead"])
def test_the_list_asks_few_questions_however_many_cycles_there_are(site: Site, login: str) -> None:
    copies(site.world, 2000)
    raw = db.session.connection().connection.driver_connection
    db.session.rollback()
    said: list[str] = []

    cycle_list.listed(db.session, site.world.origin(login), signed_in(site.world, login), Chosen())
    raw.set_trace_callback(said.append)  # type: ignore[union-attr]
    found = cycle_list.listed(db.session, site.world.origin(login), signed_in(site.world, login), Chosen())
    raw.set_trace_callback(None)  # type: ignore[union-attr]

    assert found.total >= 2001 and len(found.lines) == cycle_list.LINES
    assert len([text for text in said if text.lower().startswith(("select", "with"))]) <= 10


def test_pages_follow_each_other_without_gap_or_double(site: Site) -> None:
    copies(site.world, 120)
    office, me = site.world.origin("office"), signed_in(site.world, "office")
    seen: list[int] = []
    chosen: Chosen | None = Chosen()

    while chosen is not None:
        page = cycle_list.listed(db.session, office, me, chosen)
        seen += [line.row.id for line in page.lines]
        chosen = Chosen(after=page.following) if page.following else None

    assert len(seen) == len(set(seen)) == page.total == 122
