"""One-time codes and fresh proofs: asked where they are due, taken once, counted as passwords are."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from browsing import PASSWORD, Browser, Site
from browsing import site as made

from qaflow.config import Settings
from qaflow.services.accounts.signin import DEVICE
from qaflow.services.auditing import audit
from qaflow.store.db import Sql, db, driver

KEY = re.compile(r"<code>([A-Z2-7]{32})</code>")
CODES = re.compile(r"<code>([a-z2-9]{4}(?:-[a-z2-9]{4}){3})</code>")
HALF_MINUTE = 31


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    found = made(settings)
    yield found
    db.session.remove()
    db.engine.dispose()


def code(site: Site, key: str) -> str:
    """Return what the telephone shows now."""
    return pyotp.TOTP(key).at(site.clock.instant)


def enrolled(site: Site, login: str) -> tuple[Browser, str, list[str]]:
    """Set one-time codes up; return the browser, the key and the recovery codes."""
    browser = site.browser(login)
    (key,) = KEY.findall(browser.get("/me/second").text)
    answer = browser.post("/me/second", "/me/second", code=code(site, key))
    assert answer.status_code == 200, answer.text
    site.later(seconds=HALF_MINUTE)
    return browser, key, CODES.findall(answer.text)


def half(site: Site, login: str) -> Browser:
    """Give the right password at a new browser."""
    browser = site.browser()
    answer = browser.sign_in(login, next="/me/password")
    assert answer.headers["Location"] == "/signin/code" and not browser.is_in()
    return browser


def rows(text: str) -> list[tuple[object, ...]]:
    """Return what a query gives."""
    try:
        return driver(db.session).all(Sql(text))
    finally:
        db.session.rollback()


def test_the_key_is_set_up_by_picture_or_text_and_asked_at_the_next_sign_in(site: Site) -> None:
    browser = site.browser("admin")
    page = browser.get("/me/second").text
    (key,) = KEY.findall(page)
    assert 'src="data:image/svg+xml' in page and KEY.findall(browser.get("/me/second").text) == [key]
    assert browser.post("/me/second", "/me/second", code="000000").status_code == 401

    answer = browser.post("/me/second", "/me/second", code=code(site, key))

    assert len(set(CODES.findall(answer.text))) == 10
    site.later(seconds=HALF_MINUTE)
    second = half(site, "admin")
    assert second.post("/signin/code", "/signin/code", code=code(site, key)).headers["Location"] == "/me/password"
    assert second.is_in()
    assert key not in str(rows("select sealed from second_factor")) and audit.verify(db.session)["verified"]


def test_no_code_is_taken_twice(site: Site) -> None:
    _, key, _ = enrolled(site, "admin")
    shown = code(site, key)
    first, second = half(site, "admin"), half(site, "admin")

    assert first.post("/signin/code", "/signin/code", code=shown).status_code == 303
    answer = second.post("/signin/code", "/signin/code", code=shown)

    assert answer.status_code == 401 and not second.is_in()


def test_a_code_of_another_time_does_not_fit_and_one_beside_does(site: Site) -> None:
    _, key, _ = enrolled(site, "admin")
    totp = pyotp.TOTP(key)

    for away, status in ((-90, 401), (90, 401), (30, 303)):
        browser = half(site, "admin")
        shown = totp.at(site.clock.instant + timedelta(seconds=away))
        assert browser.post("/signin/code", "/signin/code", code=shown).status_code == status, away


@pytest.mark.parametrize("typed", ["١٢٣٤٥٦", "é", "💥", "\x00", "½", "1" * 60, "０００ ０００", "----", "ａ" * 16])
def test_odd_signs_are_a_wrong_code_and_no_fault(site: Site, typed: str) -> None:
    enrolled(site, "admin")
    browser = half(site, "admin")

    answer = browser.post("/signin/code", "/signin/code", code=typed)

    assert answer.status_code in (401, 422) and not browser.is_in()


def test_a_code_typed_at_a_chinese_keyboard_is_the_same_code(site: Site) -> None:
    _, key, _ = enrolled(site, "admin")
    wide = code(site, key).translate({ord("0") + n: ord("０") + n for n in range(10)})

    assert half(site, "admin").post("/signin/code", "/signin/code", code=wide).status_code == 303


def test_a_code_one_step_ahead_takes_those_before_it_along(site: Site) -> None:
    """Else a code that was seen over a shoulder could be used after the next one."""
    _, key, _ = enrolled(site, "admin")
    totp, now = pyotp.TOTP(key), site.clock.instant
    ahead, present = totp.at(now + timedelta(seconds=30)), totp.at(now)

    assert half(site, "admin").post("/signin/code", "/signin/code", code=ahead).status_code == 303
    assert half(site, "admin").post("/signin/code", "/signin/code", code=present).status_code == 401


def test_a_recovery_code_opens_once(site: Site) -> None:
    _, _, codes = enrolled(site, "admin")
    first, second = half(site, "admin"), half(site, "admin")

    assert first.post("/signin/code", "/signin/code", code=codes[0].upper()).status_code == 303
    assert second.post("/signin/code", "/signin/code", code=codes[0]).status_code == 401
    assert "9 recovery codes" in first.get("/me/second?lang=en").text


def test_guesses_at_the_code_are_counted_with_those_at_the_password(site: Site) -> None:
    _, key, _ = enrolled(site, "admin")
    browser = half(site, "admin")
    tries = [browser.post("/signin/code", "/signin/code", code="000000").status_code for _ in range(70)]

    assert 429 in tries and tries.index(429) <= 60
    assert browser.post("/signin/code", "/signin/code", code=code(site, key)).status_code == 429
    assert DEVICE < 60


def test_a_half_sign_in_is_over_after_ten_minutes_and_opens_nothing(site: Site) -> None:
    enrolled(site, "admin")
    browser = half(site, "admin")
    assert browser.get("/me").status_code == 303
    site.later(minutes=11)

    answer = browser.client.get("/signin/code")

    assert answer.headers["Location"] == "/signin"
    assert site.browser().get("/signin/code").status_code == 303  # without a password there is nothing to prove


def test_a_college_that_asks_for_codes_lets_its_guarded_roles_nowhere_before(site: Site) -> None:
    admin, office, lead = site.browser("admin"), site.browser("office"), site.browser("lead")
    answer = admin.post("/organisation/signin", "/organisation/signin", second_factor="yes", minutes="")
    assert answer.status_code == 303

    assert office.get("/inbox").headers["Location"] == "/me/second"
    days = {"starts": "2025-09-08", "ends": "2025-09-09"}
    assert office.post("/me/deputies", "/me/second", who="lead", **days).status_code == 401
    assert lead.get("/inbox").status_code == 200

    (key,) = KEY.findall(office.get("/me/second").text)
    assert office.post("/me/second", "/me/second", code=code(site, key)).status_code == 200
    assert office.get("/inbox").status_code == 200
    assert rows("select kind from journal where kind like 'SignIn%' or kind like 'Second%'") == [
        ("SignInRulesSet",), ("SecondFactorSet",)]  # fmt: skip


def test_another_administrator_resets_a_lost_key(site: Site) -> None:
    office, _, _ = enrolled(site, "office")
    admin, number = site.browser("admin"), site.world.persons["office"]
    assert "second/reset" in admin.get(f"/organisation/people/{number}").text

    assert admin.post(f"/organisation/people/{number}/second/reset").status_code == 303

    assert not office.is_in() and site.browser("office").is_in()
    assert ("SecondFactorReset", str(site.world.persons["admin"])) in rows("select kind, actor from journal")
    own = site.world.persons["admin"]
    enrolled(site, "admin")
    admin.post(f"/organisation/people/{own}/second/reset")
    assert len(rows("select 1 from second_factor")) == 1  # one's own key stays


def reviewed(site: Site, minutes: str = "15") -> Browser:
    """Bring a cycle to its review in a college that wants fresh proofs; return the approver's browser, hours later."""
    site.browser("admin").post("/organisation/signin", "/organisation/signin", second_factor="", minutes=minutes)
    assert site.world.start() == 1
    site.world.fire(1, "submit", "lead", content={"note": "done"})
    approver = site.browser("major")
    site.later(minutes=40)
    return approver


def test_an_approval_without_a_fresh_proof_is_refused_and_its_text_kept(site: Site) -> None:
    approver = reviewed(site)
    page = approver.get("/cycles/1").text
    assert 'name="proof_password"' in page
    revision = re.search(r'name="revision" value="(\d+)"', page)
    assert revision is not None

    def approve(**proof: str) -> tuple[int, str]:
        answer = approver.post("/cycles/1/approve", "/cycles/1", revision=revision[1], comment="well argued", **proof)
        return answer.status_code, answer.text

    without, wrong = approve(), approve(proof_password="not mine at all")
    assert site.world.state(1)["leaf"] == "review"
    right = approve(proof_password=PASSWORD)

    assert without[0] == 401 and "well argued" in without[1] and "proof_password" in without[1]
    assert wrong[0] == 401 and "well argued" in wrong[1]
    assert right[0] == 303 and site.world.state(1)["leaf"] != "review"
    assert "proof_password" not in approver.get("/cycles/1").text


def test_a_code_is_a_fresh_proof_as_well(site: Site) -> None:
    _, key, _ = enrolled(site, "major")
    site.browser("admin").post("/organisation/signin", "/organisation/signin", second_factor="", minutes="15")
    site.world.start()
    site.world.fire(1, "submit", "lead", content={"note": "done"})
    approver = half(site, "major")
    approver.post("/signin/code", "/signin/code", code=code(site, key))
    site.later(minutes=40)
    revision = re.search(r'name="revision" value="(\d+)"', approver.get("/cycles/1").text)
    assert revision is not None

    answer = approver.post("/cycles/1/approve", "/cycles/1", revision=revision[1], proof_code=code(site, key))

    assert answer.status_code == 303


def test_approvals_in_bulk_need_the_same_proof(site: Site) -> None:
    approver = reviewed(site)
    (item,) = rows("select id from work_item where kind = 'decide' and state = 'open'")[0]
    page = approver.get(f"/inbox/bulk?act=approve&item={item}")
    assert "proof_password" in page.text and "disabled aria-describedby" not in page.text

    without = approver.post("/inbox/bulk", f"/inbox/bulk?act=approve&item={item}", act="approve", item=str(item),
                            comment="all good")  # fmt: skip
    given = approver.post("/inbox/bulk", f"/inbox/bulk?act=approve&item={item}", act="approve", item=str(item),
                          comment="all good", proof_password=PASSWORD)  # fmt: skip

    assert without.status_code == 401 and "all good" in without.text
    assert given.status_code == 303 and site.world.state(1)["leaf"] != "review"


def test_other_doors_cannot_go_round_the_fresh_proof(site: Site) -> None:
    from qaflow.errors import Unproven

    reviewed(site)

    with pytest.raises(Unproven) as refused:
        site.world.fire(1, "approve", "major")
    assert refused.value.code == "proof.needed"


def test_accounts_that_nobody_uses_are_listed(site: Site) -> None:
    site.browser("lead")
    site.later(days=91)

    page = site.browser("admin").get("/organisation/signin").text

    unused = page.partition('id="unused"')[2]
    assert "lead" in unused and "guest" in unused and ">admin<" not in unused
