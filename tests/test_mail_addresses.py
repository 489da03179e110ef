"""Mail addresses that a college keeps of its people: from a file, a page or a program; a person's own counts before."""

from typing import Any

import pytest
from browsing import Site
from calling import code, program
from flask import Flask
from posting import HOUR, Box, signed, tick

from qaflow import testing
from qaflow.errors import Invalid
from qaflow.services.files import imports
from qaflow.services.notices import choices as notice_choices
from qaflow.store import content
from qaflow.store.db import db
from qaflow.store.telling import Choice
from qaflow.testing import World

HEAD = "login,name,mail\n"
TOLD = "chose another mail address on the profile, which goes on counting"


@pytest.fixture
def world(store_app: Flask) -> World:
    """Return the tiny college."""
    return World(db.session)


def take(world: World, text: str, dry: bool = False) -> dict[str, Any]:
    """Take a file of people."""
    return imports.run(world.session, world.origin(), "people", text.encode(), "p.csv", college="tiny", dry_run=dry)


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    """Return how many were new, changed, as they stood."""
    return report["new"], report["updated"], report["unchanged"]


def kept(world: World, login: str) -> str | None:
    """Return the address that the college keeps."""
    return world.query("select mail from person where login = :l", l=login)[0][0]  # type: ignore[no-any-return]


def choose(world: World, login: str, address: str | None) -> None:
    """Let somebody choose an address, or none."""
    notice_choices.choose(db.session, world.origin(login), signed(world, login), Choice(True, address, 8), {})


def reached(world: World, hours: int = 1) -> list[tuple[str, bool]]:
    """Return where a reminder of lead's work is sent, and whether somebody gave that address."""
    box, standing = Box(), world.query("select id from cycle where responsible_id = :p", p=world.persons["lead"])
    world.fire(standing[0][0] if standing else world.start("C1"), "remind", "office", item="1")
    tick(world, testing.MONDAY + hours * HOUR, box)
    return [(to, one.given) for to, many in box.of.items() for one in many]


# From a file


def test_addresses_go_in_by_either_heading_and_the_second_time_nothing_changes(world: World) -> None:
    text = "登录名,姓名,邮箱\nlead,lead,lead@college.test\nfresh,新人,ｆｒｅｓｈ＠college.test\n"
    assert counts(take(world, text)) == (1, 1, 0)
    assert counts(take(world, text)) == (0, 0, 2)

    assert (kept(world, "lead"), kept(world, "fresh")) == ("lead@college.test", "fresh@college.test")


def test_a_file_without_the_column_leaves_addresses_and_an_empty_cell_clears_one(world: World) -> None:
    take(world, HEAD + "lead,lead,lead@college.test\nguest,guest,guest@college.test\n")

    assert counts(take(world, "login,name\nlead,lead\n")) == (0, 0, 1)
    assert counts(take(world, HEAD + "guest,guest,\n")) == (0, 1, 0)
    assert (kept(world, "lead"), kept(world, "guest")) == ("lead@college.test", None)


@pytest.mark.parametrize(("cell", "fault"), [
    ("lead", "mail.address"), ("lead@", "mail.address"), ("@college.test", "mail.address"),
    ("a@b@college.test", "mail.address"), ("a b@college.test", "mail.address"), ("a@college.test>", "mail.address"),
    ('"a@x.cn,b@x.cn"', "mail.address"), ("a@" + "x" * 256, "mail.address"), ("a@" + "x" * 400, "text.too_long"),
    ("=a@college.test\x07", "text.control_character"),
])  # fmt: skip
def test_what_is_no_address_is_a_fault_at_its_cell_and_nothing_is_written(world: World, cell: str, fault: str) -> None:
    with pytest.raises(Invalid) as told:
        take(world, HEAD + f"guest,guest,guest@college.test\nlead,Other,{cell}\n")

    assert [(one["code"], one["line"], one["column"]) for one in told.value.errors] == [(fault, 3, 3)]
    assert (kept(world, "guest"), kept(world, "lead")) == (None, None)


def test_the_fact_holds_no_address_and_the_history_proves_itself_after_it_was_erased(world: World) -> None:
    take(world, HEAD + "lead,lead,lead@college.test\n")

    ((data,),) = world.query("select data from journal where kind = 'MailAddressSet'")
    assert "college.test" not in data
    digest = data.partition(':"')[2][:64]
    assert world.within(lambda d: content.get(d, digest)) == "lead@college.test"
    world.within(lambda d: content.erase(d, digest, world.now))
    assert world.audit()["findings"] == []
    world.query("delete from content where hash = :h returning hash", h=digest)
    assert world.audit()["findings"] != []  # an address that is gone without a tombstone


def test_who_chose_an_address_keeps_it_and_the_dry_run_names_them(world: World) -> None:
    choose(world, "lead", "own@home.test")
    choose(world, "guest", "guest@college.test")
    text = HEAD + "lead,lead,lead@college.test\nguest,guest,guest@college.test\nnew,new,new@college.test\n"

    assert take(world, text, dry=True)["notices"] == [f"lead {TOLD}"] and kept(world, "lead") is None
    take(world, text)

    assert reached(world) == [("own@home.test", True)]
    choose(world, "lead", None)
    assert reached(world, 3) == [("lead@college.test", True)]


def test_of_many_who_chose_ten_are_named(world: World) -> None:
    logins = [f"p{n:02}" for n in range(12)]
    for login in logins:
        world.person(login)
        choose(world, login, f"{login}@home.test")

    (line,) = take(world, HEAD + "".join(f"{x},{x},{x}@college.test\n" for x in logins))["notices"]

    assert line == f"{', '.join(logins[:10])} and 2 more {TOLD}"


def test_without_any_address_the_login_is_told_as_one_that_nobody_gave(world: World) -> None:
    assert reached(world) == [("lead", False)]


# By a program and on the page


def test_a_program_of_the_administrator_sets_changes_and_clears_the_address(site: Site) -> None:
    admin, path = program(site, "admin"), f"/people/{site.world.persons['lead']}"
    read = admin.get(path)
    given = admin.ask("PATCH", path, {"mail": "lead@college.test"}, If_Match=read.headers["ETag"])
    stale = admin.ask("PATCH", path, {"mail": "late@college.test"}, If_Match=read.headers["ETag"])
    named = admin.ask("PATCH", path, {"name": "Other"}, If_Match=given.headers["ETag"])
    wrong = admin.ask("PATCH", path, {"name": "Third", "mail": "nowhere"}, If_Match="*")

    assert (read.get_json()["mail"], given.get_json()["mail"]) == (None, "lead@college.test")
    assert code(stale) == (412, "version.stale")
    assert (named.get_json()["name"], named.get_json()["mail"]) == ("Other", "lead@college.test")
    assert wrong.status_code == 422
    assert wrong.get_json(force=True)["errors"][0].items() >= {"pointer": "/mail", "code": "mail.address"}.items()
    choose(site.world, "lead", "own@home.test")
    cleared = admin.ask("PATCH", path, {"mail": None}, If_Match="*").get_json()
    assert (cleared["name"], cleared["mail"], cleared["own_mail"]) == ("Other", None, True)
    assert site.world.query("select address from notice_choice") == [("own@home.test",)]


def test_a_person_is_added_with_an_address_and_the_office_sets_none(site: Site) -> None:
    made = program(site, "admin").post("/people", {"login": "fresh", "name": "F", "mail": "fresh@college.test"})
    path = made.headers["Location"].removeprefix("/api/v1")
    office = program(site, "office").ask("PATCH", path, {"mail": "x@college.test"}, If_Match=made.headers["ETag"])

    assert made.get_json()["mail"] == "fresh@college.test"
    assert office.status_code == 403 and kept(site.world, "fresh") == "fresh@college.test"


def test_the_page_sets_the_address_and_says_at_the_field_what_is_none(site: Site) -> None:
    admin = site.browser("admin")
    path = f"/organisation/people/{site.world.persons['lead']}"

    wrong = admin.post(f"{path}/name", path, name="lead", language="zh", mail="nowhere")
    assert wrong.status_code == 422 and kept(site.world, "lead") is None
    admin.post(f"{path}/name", path, name="lead", language="zh", mail="lead@college.test")
    assert kept(site.world, "lead") == "lead@college.test"
    assert "lead@college.test" in admin.get(path).get_data(as_text=True)
    assert "lead@college.test" in site.browser("lead").get("/me").get_data(as_text=True)
