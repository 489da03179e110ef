"""People on the web: accounts, roles and passwords by an administrator, and the handover of whoever leaves."""

import json
import re

import pytest
from browsing import Browser, Site
from conftest import Run
from test_web_organisation import plain

from qaflow.errors import Refused
from qaflow.services.accounts import book as accounts


def address(site: Site, login: str, more: str = "") -> str:
    """Return the address of somebody's page."""
    return f"/organisation/people/{site.world.persons[login]}{more}"


def facts(site: Site, login: str) -> list[tuple[str, str]]:
    """Return a person's facts as (kind, door)."""
    return site.world.query("select kind, door from journal where stream = :s order by seq",
                            s=f"person:{site.world.persons[login]}")  # fmt: skip


def test_a_person_is_added_given_a_role_and_a_password_and_signs_in(site: Site) -> None:
    admin = site.browser("admin", "en")
    added = admin.post("/organisation/people/new", login="fresh", name="Fresh", language="en")
    assert added.status_code == 303
    unit = {"role": "dean", "scope": "unit:far", "starts": "2025-09-01", "ends": "2026-08-31"}

    assert admin.post(f"{added.location}/roles", **unit).status_code == 303
    assert admin.post(f"{added.location}/roles", **unit).status_code == 303
    shown = admin.post(f"{added.location}/password")

    secret = re.search(r"<code>([a-z0-9-]+)</code>", shown.text)
    assert shown.status_code == 200 and secret and shown.headers["Cache-Control"] == "no-store"
    assert "dean" in plain(admin.get(added.location).text) and secret[1] not in admin.get(added.location).text
    assert site.browser().sign_in("fresh", secret[1]).status_code == 303
    assert site.world.query("select role, scope_kind, starts, ends from role_grant where role = 'dean'") == [
        ("dean", "unit", "2025-09-01", "2026-08-31")]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "told"),
    [({"login": "lead"}, "This login is taken"), ({"login": "a b"}, "holds no blank"), ({"login": ""}, "be entered"),
     ({"name": ""}, "be entered"), ({"name": "x" * 201}, "too long"), ({"language": "fr"}, "Not a valid choice")],
)  # fmt: skip
def test_an_account_that_cannot_be_is_told_at_its_field(site: Site, data: dict[str, str], told: str) -> None:
    whole = {"login": "fine", "name": "Fine", "language": "zh"}
    answer = site.browser("admin", "en").post("/organisation/people/new", **whole | data)

    assert answer.status_code in (409, 422) and told in answer.text
    assert site.world.query("select count(*) from person where name = 'Fine'") == [(0,)]


@pytest.mark.parametrize(
    ("data", "status", "told"),
    [({"role": "king"}, 422, "Not a valid choice"), ({"scope": "unit:none"}, 422, "Not a valid choice"),
     ({"subject": "course/none"}, 422, "This subject does not exist"),
     ({"starts": "2025-13-01"}, 422, "Not a valid date"),
     ({"starts": "2025-09-09", "ends": "2025-09-01"}, 422, "lies before the first")],
)  # fmt: skip
def test_a_role_that_cannot_be_is_told_at_its_field(site: Site, data: dict[str, str], status: int, told: str) -> None:
    answer = site.browser("admin", "en").post(address(site, "guest", "/roles"),
                                              **{"role": "dean", "scope": "college"} | data)  # fmt: skip

    assert answer.status_code == status and told in answer.text and "aria-invalid" in answer.text
    assert ("RoleGranted", "web") not in facts(site, "guest")


def test_a_role_for_one_subject_is_given_and_taken_away_and_sessions_end(site: Site) -> None:
    guest, admin = site.browser("guest"), site.browser("admin", "en")

    admin.post(address(site, "guest", "/roles"), role="dean", scope="college", subject="course/C1")
    assert not guest.is_in()
    (number,) = re.findall(r"/roles/(\d+)/revoke", admin.get(address(site, "guest")).text)
    assert admin.post(address(site, "lead", f"/roles/{number}/revoke")).status_code == 303
    assert site.world.query("select scope_kind from role_grant where role = 'dean'") == [("subject",)]
    for _ in range(2):
        assert admin.post(address(site, "guest", f"/roles/{number}/revoke")).status_code == 303
    assert site.world.query("select count(*) from role_grant where role = 'dean'") == [(0,)]
    assert [k for k, _ in facts(site, "guest")].count("RoleRevoked") == 1


def test_nobody_gives_a_role_to_themselves_by_any_way(site: Site) -> None:
    admin = site.browser("admin", "en")

    answer = admin.post(address(site, "admin", "/roles"), role="quality_office", scope="college")

    assert answer.status_code == 409 and "Nobody gives a role to themselves" in answer.text
    with pytest.raises(Refused, match="another administrator"):
        site.world.within(lambda d: accounts.grant_many(
            d, accounts.Writer(d, site.world.origin("admin")), site.world.origin("admin"), site.world.view(d),
            [accounts.NewGrant(site.world.persons["admin"], "dean")]))  # fmt: skip
    assert site.world.query("select count(*) from role_grant where person_id = :p", p=site.world.persons["admin"]) == [
        (1,)]  # fmt: skip


def test_the_last_administrator_stays_one_and_is_not_disabled(site: Site) -> None:
    world = site.world
    ((number,),) = world.query("select id from role_grant where person_id = :p", p=world.persons["admin"])

    for act in (lambda: accounts.revoke(world.session, world.origin(), number),
                lambda: accounts.disable(world.session, world.origin(), "admin")):  # fmt: skip
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "administrator.last"
    world.person("second", "administrator")
    accounts.disable(world.session, world.origin("second"), "admin")
    assert facts(site, "admin")[-1][0] == "PersonDisabled"


def test_ones_own_password_is_not_set_without_the_old_one(site: Site) -> None:
    admin = site.browser("admin", "en")

    admin.post(address(site, "admin", "/password"), password="a quite long secret")
    assert "under My profile" in plain(admin.get(address(site, "admin")).text)
    assert admin.post(address(site, "guest", "/password"), password="short").status_code == 422
    assert admin.is_in()


def test_a_list_of_people_is_searched_and_narrowed(site: Site) -> None:
    accounts.disable(site.world.session, site.world.origin(), "guest")
    admin, far = site.browser("admin", "en"), site.world.units["far"]

    def listed(query: str) -> str:
        return plain(admin.get(f"/organisation/people?{query}").text)

    assert "far_lead" in listed("q=FAR") and "major_leader" in listed("q=FAR") and "1 person" in listed("q=far_l")
    assert "3 people" in listed(f"unit={far}") and "2 people" in listed("role=unit_head")
    assert "guest" not in listed("") and "1 person" in listed("state=disabled") and "guest" in listed("state=all")
    assert "0 people" in listed("q=%25") and "Nobody fits" in listed("q=%25")


def leave(browser: Browser, path: str, **data: str) -> tuple[str, str]:
    """Ask what a leave does; returns the page as text and the digest of what it shows."""
    answer = browser.post(path, **data)
    found = re.search(r'name="agreed" value="([0-9a-f]+)"', answer.text)
    assert answer.status_code == 200 and found, answer.text
    return plain(answer.text), found[1]


def test_who_leaves_hands_over_in_one_step_that_is_shown_first(site: Site) -> None:
    site.world.course("C2", "section", "lead")
    cycles = [site.world.start("C1"), site.world.start("C2")]
    admin, path = site.browser("admin", "en"), address(site, "lead", "/leave")
    other = {f"subject-{site.world.subjects['C2']}": "guest"}

    shown, digest = leave(admin, path, heir="new", **other)

    assert "C1: goes to new" in shown and "C2: goes to guest" in shown and "The account is disabled" in shown
    assert site.world.query("select disabled_at from person where login = 'lead'") == [(None,)]
    assert admin.post(path, heir="new", agreed=digest, **other).status_code == 303
    assert admin.post(path, heir="new", agreed=digest, **other).status_code == 303
    holders = site.world.query("select c.id, p.login from work_item i join cycle c on c.id = i.cycle_id "
                               "join person p on p.id = i.holder_id order by c.id")  # fmt: skip
    assert holders == [(cycles[0], "new"), (cycles[1], "guest")]
    assert [k for k, _ in facts(site, "lead")].count("PersonDisabled") == 1
    assert site.world.audit()["findings"] == []


def test_a_leaver_without_heir_is_listed_until_it_is_handed_over(site: Site) -> None:
    site.world.start()
    admin, path = site.browser("admin", "en"), address(site, "lead", "/leave")
    shown, digest = leave(admin, path)
    assert "falls to the quality office" in shown and "stays without anybody" in shown
    admin.post(path, agreed=digest)

    assert "lead" in plain(site.browser("office", "en").get("/organisation/leavers").text)
    assert "say" not in admin.post(path).text and admin.post(path).status_code == 422
    _, digest = leave(admin, path, heir="new")
    admin.post(path, heir="new", agreed=digest)

    assert "Nobody left anything behind" in plain(admin.get("/organisation/leavers").text)


def test_an_item_that_the_heir_may_not_decide_goes_up_the_line_in_the_preview_too(site: Site) -> None:
    cycle = site.world.start()
    site.world.fire(cycle, "submit", "lead", content={"note": "x"})
    admin = site.browser("admin", "en")

    shown, _ = leave(admin, address(site, "major", "/leave"), heir="lead")

    assert "Decide · C1: goes to head" in shown


@pytest.mark.parametrize(
    ("heir", "told"), [("stranger", "Nobody in your college"), ("lead", "hands over to themselves")]
)
def test_an_heir_that_cannot_be_is_told_and_nobody_is_disabled(site: Site, heir: str, told: str) -> None:
    answer = site.browser("admin", "en").post(address(site, "lead", "/leave"), heir=heir)

    assert answer.status_code == 422 and told in answer.text
    assert site.world.query("select count(*) from person where disabled_at is not null") == [(0,)]


def test_nobody_disables_themselves_or_the_last_of_the_office(site: Site) -> None:
    admin = site.browser("admin", "en")
    site.world.vacate("qhead")

    assert "Another administrator" in admin.post(address(site, "admin", "/leave"), heir="new").text
    assert "Nobody else is of the quality office" in admin.post(address(site, "office", "/leave"), heir="new").text
    assert site.world.query("select count(*) from person where disabled_at is not null") == [(0,)]


def test_a_handover_that_would_go_otherwise_by_now_is_not_done(site: Site) -> None:
    admin, path = site.browser("admin", "en"), address(site, "lead", "/leave")
    _, digest = leave(admin, path, heir="new")
    site.world.start()

    admin.post(path, heir="new", agreed=digest)

    assert "something else by now" in plain(admin.get(path).text)
    assert site.world.query("select disabled_at from person where login = 'lead'") == [(None,)]


def test_a_deputy_is_entered_for_somebody_and_ended(site: Site) -> None:
    admin, path = site.browser("admin", "en"), address(site, "lead", "/deputies")
    days = {"who": "deputy", "starts": "2025-09-08", "ends": "2025-09-12"}

    assert [admin.post(path, **days).status_code for _ in range(2)] == [303, 303]
    assert "stands in for this person · 8 Sep to 12 Sep" in plain(admin.get(address(site, "lead")).text)
    assert "for whom this person stands in" in plain(admin.get(address(site, "deputy")).text)
    assert admin.post(path, **days | {"who": "lead"}).status_code == 422
    ((number,),) = site.world.query("select id from deputy")
    assert admin.post(address(site, "guest", f"/deputies/{number}/end")).status_code == 404
    assert admin.post(address(site, "lead", f"/deputies/{number}/end")).status_code == 303
    assert facts(site, "lead")[-2:] == [("DeputyAppointed", "web"), ("DeputyEnded", "web")]


def test_a_name_is_changed_and_shown_as_text(site: Site) -> None:
    admin, path = site.browser("admin", "en"), address(site, "guest", "/name")

    assert admin.post(path, name="<b>Gu", language="en").status_code == 303
    assert "&lt;b&gt;Gu" in admin.get(address(site, "guest")).text
    assert "<b>Gu" not in admin.get("/organisation/people").text
    assert admin.post(path, name=" ", language="en").status_code == 422
    assert facts(site, "guest")[-1] == ("PersonRenamed", "web")


def test_the_command_line_enters_and_ends_a_deputy(site: Site, runner: Run) -> None:
    days = ["--from", "2025-09-08", "--to", "2025-09-12"]
    site.world.session.commit()

    added = runner("user", "deputy", "add", "lead", "deputy", *days, "--json")
    assert added.exit_code == 0, added.output
    number = json.loads(added.stdout)["deputy"]
    assert runner("user", "deputy", "add", "deputy", "lead", *days).exit_code != 0, "deputies would go round"
    assert [runner("user", "deputy", "end", str(number)).exit_code == 0 for _ in range(2)] == [True, False]

    assert facts(site, "lead")[-2:] == [("DeputyAppointed", "cli"), ("DeputyEnded", "cli")]
