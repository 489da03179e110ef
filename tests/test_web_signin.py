"""Sign-in: sessions that die when they must, forms that prove their origin, guesses that run out."""

import hashlib
import re
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from browsing import PAGE, PASSWORD, TOKEN, Browser, Site
from browsing import site as made
from flask import url_for
from rights.table import operation

from qaflow.config import Settings
from qaflow.errors import Invalid
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import passwords, signin
from qaflow.services.accounts.password_rules import settled
from qaflow.store.db import Sql, db

NEW = "quiet river nine"
RIGHT = {"login": "lead", "password": PASSWORD}


def same(page: str) -> str:
    """Return a page without what differs at each request."""
    return re.sub(r'name="csrf_token" value="[^"]+"|value="(lead|ghost|guest)"', "", page)


def test_a_person_signs_in_and_arrives_where_they_wanted_to_go(site: Site) -> None:
    site.password("lead")
    browser = site.browser()
    sent = browser.get("/me/password")

    answer = browser.sign_in("lead", next="/me/password")

    assert (sent.status_code, sent.headers["Location"]) == (303, "/signin?next=/me/password")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/me/password")
    assert browser.is_in()


def test_the_session_id_is_new_at_sign_in_and_the_old_one_is_nobodys(site: Site) -> None:
    site.password("lead")
    browser, planted = site.browser(), site.browser()
    before = browser.token("/signin") and browser.cookie()
    planted.client.set_cookie("qaflow", before)  # somebody gave the victim a session of their own

    browser.sign_in("lead")

    assert browser.cookie() != before
    assert not planted.is_in()


def test_a_proof_from_before_the_sign_in_counts_no_more_after_it(site: Site) -> None:
    site.password("lead")
    browser = site.browser()
    planted = browser.token("/signin")
    browser.sign_in("lead")

    answer = browser.client.post("/me/language", data={"language": "en", "csrf_token": planted}, headers=PAGE)

    assert answer.status_code == 400


def test_two_sign_ins_give_two_sessions_and_the_table_holds_neither_id(site: Site) -> None:
    first, second = site.browser("lead"), site.browser("lead")

    rows = site.world.query("select hash from web_session where ended_at is null")

    assert len(rows) == 2 and first.cookie() != second.cookie()
    assert not any(hash_ in first.cookie() + second.cookie() for (hash_,) in rows)


def grant(site: Site) -> None:
    site.world.person("lead", "diagnostician")


def revoke(site: Site) -> None:
    site.world.vacate("lead")


ENDS: dict[str, Callable[[Site], object]] = {
    "password": lambda s: passwords.password(db.session, s.world.origin(), "lead", "another good passphrase"),
    "disable": lambda s: accounts.disable(db.session, s.world.origin(), "lead", "left"),
    "grant": grant,
    "revoke": revoke,
    "idle": lambda s: s.later(hours=2, minutes=1),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_session_is_dead_at_the_next_request_after(site: Site, how: str) -> None:
    grant(site)
    browser = site.browser("lead")
    assert browser.is_in()

    ENDS[how](site)

    assert not browser.is_in()


def test_a_session_ends_after_twelve_hours_even_in_use(site: Site) -> None:
    browser = site.browser("lead")
    for _ in range(11):
        site.later(hours=1)
        assert browser.is_in()

    site.later(hours=1, minutes=1)

    assert not browser.is_in()


def test_a_stolen_cookie_is_worth_nothing_after_sign_out(site: Site) -> None:
    browser, thief = site.browser("lead"), site.browser()
    thief.client.set_cookie("qaflow", browser.cookie())
    assert thief.is_in()

    answer = browser.post("/signout")

    assert answer.status_code == 303
    assert not browser.is_in() and not thief.is_in()
    assert site.world.query("select ended_why from web_session") == [("out",)]


def test_whoever_is_signed_out_by_a_change_of_roles_is_told_why(site: Site) -> None:
    browser = site.browser("lead", "en")
    grant(site)

    browser.get("/me")

    assert "Your roles were changed" in browser.get("/signin").text


def test_ones_own_password_change_keeps_this_browser_and_ends_the_others(site: Site) -> None:
    here, there = site.browser("lead"), site.browser("lead")
    before = here.cookie()

    answer = here.post("/me/password", old_password=PASSWORD, password=NEW, again_password=NEW)

    assert answer.status_code == 303 and here.cookie() != before
    assert here.is_in() and not there.is_in()
    assert site.browser().sign_in("lead", NEW).status_code == 303
    assert site.browser().sign_in("lead", PASSWORD).status_code == 401


@pytest.mark.parametrize(
    ("old", "new", "again", "told"),
    [
        ("not my password", "quiet river nine", "quiet river nine", "The present password is wrong"),
        (PASSWORD, "quiet river nine", "quiet river ten", "The two entries differ"),
        (PASSWORD, "short", "short", "at least ten characters"),
        (PASSWORD, PASSWORD, PASSWORD, "is the old one"),
        (PASSWORD, "password1234", "password1234", "among the first"),
        (PASSWORD, "", "", "must be entered"),
    ],
)
def test_a_password_change_that_cannot_be_says_why_and_changes_nothing(
    site: Site, old: str, new: str, again: str, told: str
) -> None:
    browser = site.browser("lead", "en")

    answer = browser.post("/me/password", old_password=old, password=new, again_password=again)

    assert answer.status_code == 422 and told in answer.text
    assert new not in answer.text or not new
    assert site.browser().sign_in("lead").status_code == 303


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1234567", "password.too_short"),
        ("          ", "password.weak"),
        ("lead-lead-lead", "password.personal"),  # the login is in it
        ("张三丰张三丰张三丰张", "password.personal"),  # the name
        ("aaaaaaaaaaaa", "password.common"),
        ("1234567890", "password.common"),
        ("0987654321", "password.common"),
        ("qwertyuiop", "password.common"),
        ("1q2w3e4r5t", "password.common"),
        ("P@ssw0rd2026", "password.common"),
        ("Woaini1314!", "password.common"),
        ("13812345678", "password.common"),  # a telephone number
        ("19900101199", "password.common"),
        ("x" * 1001, "text.too_long"),
    ],
)
def test_a_password_that_others_would_guess_is_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        settled("lead", "张三丰", text)

    assert caught.value.code == code


@pytest.mark.parametrize("text", [PASSWORD, "春眠不觉晓处处闻啼鸟", "k7#Tq!zR2p", "password of my old dog Rex"])
def test_a_password_that_nobody_would_guess_is_taken(text: str) -> None:
    assert settled("lead", "张三丰", text) == text


def test_a_password_of_the_list_of_stolen_ones_is_refused_on_every_page_that_sets_one(
    settings: Settings, tmp_path: Path
) -> None:
    """The list is the college's; without it the same password is taken."""
    stolen = "quiet river nine"
    file = tmp_path / "stolen"
    file.write_text(hashlib.sha1(stolen.encode(), usedforsecurity=False).hexdigest().upper() + ":7\n")
    site = made(replace(settings, breached_passwords=file))
    browser, admin = site.browser("lead", "en"), site.browser("admin", "en")
    person = site.world.persons["lead"]

    own = browser.post("/me/password", old_password=PASSWORD, password=stolen, again_password=stolen)
    given = admin.post(f"/organisation/people/{person}/password", f"/organisation/people/{person}", password=stolen)

    assert own.status_code == 422 and "list of stolen ones" in own.text and stolen not in own.text
    assert given.status_code == 422 and "list of stolen ones" in given.text
    assert site.browser().sign_in("lead", stolen).status_code == 401
    other = "quiet river nine lamps"
    assert browser.post("/me/password", old_password=PASSWORD, password=other, again_password=other).status_code == 303
    db.session.remove()
    db.engine.dispose()


def test_long_passwords_count_to_their_last_character(site: Site) -> None:
    long = "".join(chr(0x4E00 + i) for i in range(1000))
    site.password("lead", long)

    assert site.browser().sign_in("lead", long[:-1] + "x").status_code == 401
    assert site.browser().sign_in("lead", long).status_code == 303


def test_a_password_is_the_same_however_the_keyboard_composes_it(site: Site) -> None:
    browser = site.browser("lead")
    composed = "café crème brûlée"
    apart = unicodedata.normalize("NFD", composed)

    browser.post("/me/password", old_password=PASSWORD, password=apart, again_password=apart)

    assert apart != composed
    assert site.browser().sign_in("lead", composed).status_code == 303


@pytest.mark.parametrize("typed", ["LEAD", " lead ", "ｌｅａｄ", "Lead"])
def test_a_login_is_known_in_any_case_and_width(site: Site, typed: str) -> None:
    site.password("lead")

    assert site.browser().sign_in(typed).status_code == 303


def test_unknown_disabled_and_passwordless_accounts_answer_as_a_wrong_password_does(site: Site) -> None:
    site.password("lead")
    site.password("guest")
    accounts.disable(db.session, site.world.origin(), "guest", "left")
    wrong = site.browser().sign_in("lead", "not my password")

    for login in ("ghost", "guest", "new", "system"):
        answer = site.browser().sign_in(login)
        assert answer.status_code == wrong.status_code == 401
        assert same(answer.text.replace(login, "lead")) == same(wrong.text)


def test_an_unknown_account_costs_as_long_as_a_known_one(site: Site) -> None:
    """Without the hash of nobody it would take a hundredth."""
    site.password("lead")

    def seconds(login: str) -> float:
        began = time.perf_counter()
        site.browser().sign_in(login, "not my password")
        return time.perf_counter() - began

    known, unknown = min(seconds("lead") for _ in range(5)), min(seconds("ghost") for _ in range(5))

    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "https://evil.example/",
               "/\t/evil.example", "/\n/evil.example", "evil", "", "///evil.example", "http:evil.example"],
)  # fmt: skip
def test_sign_in_leads_nowhere_but_to_this_site(site: Site, target: str) -> None:
    site.password("lead")

    answer = site.browser().sign_in("lead", next=target)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def wrong(site: Site, count: int, device: str = "", login: str = "lead", first: int = 1) -> None:
    """Write so many wrong tries at an account as made on Monday at nine."""
    account = signin.key_of(site.app.extensions["qaflow"], login)
    rows = [{"n": first + i, "a": account, "d": device} for i in range(count)]
    insert = Sql("insert into sign_in_guess (id, account, device, address, at, fits) values (:n, :a, :d, '', "
                 "'2025-09-01T01:00:00.000000Z', false)")  # fmt: skip
    site.world.within(lambda d: d.many(insert, rows))


def tries(browser: Browser, count: int, login: str = "lead", **headers: str) -> list[int]:
    """Return the answers to so many wrong passwords."""
    form = {"csrf_token": browser.token("/signin"), "login": login, "password": "not my password"}
    return [browser.client.post("/signin", data=form, headers=PAGE | headers).status_code for _ in range(count)]


def test_guesses_of_strangers_run_out_and_the_owners_browser_still_gets_in(site: Site) -> None:
    owner = site.browser("lead")
    owner.post("/signout")
    wrong(site, signin.STRANGERS - 8, first=100)

    def attack(number: int) -> list[int]:
        with site.app.app_context():
            spelling = ("lead", "LEAD", " lead ")[number % 3]
            forged = {"X-Forwarded-For": f"10.0.0.{number}"}
            return tries(Browser(site, site.app.test_client()), 4, spelling, **forged)

    with ThreadPoolExecutor(4) as pool:  # at once, so that they race for the last guess
        answers = [status for one in pool.map(attack, range(4)) for status in one]

    assert sorted(answers) == [401] * 8 + [429] * 8
    assert site.browser().sign_in("lead").status_code == 429  # the right password is not even looked at
    assert owner.sign_in("lead").status_code == 303
    assert site.world.query("select count(*) from sign_in_guess where not fits") == [(signin.STRANGERS,)]


def test_a_known_browser_has_a_share_of_its_own(site: Site) -> None:
    owner = site.browser("lead")
    owner.post("/signout")
    ((device,),) = site.world.query("select device from web_session")
    wrong(site, signin.DEVICE - 1, device, first=100)

    assert tries(owner, 2) == [401, 429]
    assert site.browser().sign_in("lead").status_code == 303  # strangers' share is untouched


def test_all_browsers_together_have_a_limit(site: Site) -> None:
    owner = site.browser("lead")
    owner.post("/signout")

    wrong(site, signin.ALL, "many known ones", first=100)

    assert owner.sign_in("lead").status_code == 429


def test_one_accounts_pause_is_no_other_accounts_and_ends_with_the_hour(site: Site) -> None:
    site.password("lead")
    site.password("guest")
    wrong(site, signin.STRANGERS)

    paused = site.browser().sign_in("lead")

    assert paused.status_code == 429 and "10:00" in paused.text  # Monday 09:00 in Shanghai, and an hour
    assert site.browser().sign_in("guest").status_code == 303
    site.later(minutes=61)
    assert site.browser().sign_in("lead").status_code == 303


def test_every_spelling_of_a_login_draws_on_the_same_allowance(site: Site) -> None:
    """The letter ı is I in capitals, but folds to itself: each one of a login would double the guesses."""
    site.world.person("QI-II")
    site.password("QI-II")
    spellings = ["QI-II", "qi-ii", "qı-II", "qI-ıI", "qı-ıı", "ＱＩ-ii"]

    tries = [site.browser().sign_in(spellings[n % 6], "wrong guess").status_code for n in range(signin.STRANGERS + 6)]

    assert tries.count(401) == signin.STRANGERS and set(tries[signin.STRANGERS :]) == {429}


def test_what_was_typed_as_a_login_is_not_kept(site: Site) -> None:
    site.browser().sign_in("my-secret-typed-in-the-wrong-box")

    ((account, address),) = site.world.query("select account, address from sign_in_guess")

    assert "secret" not in account and address == "127.0.0.1"


def unsafe(site: Site) -> list[str]:
    """Return the address of every page's route that changes something; the API's take no session (test_api.py)."""
    verbs = {"POST", "PUT", "PATCH", "DELETE"}
    with site.app.test_request_context():
        rules = [rule for rule in site.app.url_map.iter_rules() if rule.methods and rule.methods & verbs
                 and rule.endpoint != "signin.ended" and not operation(site.app, rule.endpoint)]  # fmt: skip
        values = [{name: "goals" if name == "what" else "1" for name in rule.arguments} for rule in rules]
        return [url_for(rule.endpoint, **given) for rule, given in zip(rules, values, strict=True)]


FORM = {"login": "lead", "password": NEW, "old_password": PASSWORD, "again_password": NEW,
        "language": "en", "who": "deputy", "starts": "2025-09-02", "ends": "2025-09-03"}  # fmt: skip


def everything(site: Site) -> list[object]:
    """Return what unsafe routes change."""
    return [site.world.query(f"select * from {table}") for table in ("person", "deputy", "web_session", "journal")]


@pytest.mark.parametrize("proof", ["none", "foreign", "other user's", "wrong origin", "other site", "signed-out"])
def test_no_route_acts_without_proof_that_our_page_sent_it(site: Site, proof: str) -> None:
    browser, other = site.browser("lead"), site.browser("guest")
    tokens = {"foreign": "IjEyMyI.aaaa.bbbb", "other user's": other.token(), "none": ""}
    headers = {"wrong origin": {"Origin": "https://evil.example"}, "other site": {"Sec-Fetch-Site": "cross-site"}}
    routes = unsafe(site)
    before = everything(site)
    assert len(routes) >= 6

    for path in routes:
        token = tokens.get(proof, browser.token())
        sender = site.browser() if proof == "signed-out" else browser
        answer = sender.client.post(path, data=FORM | {"csrf_token": token}, headers=PAGE | headers.get(proof, {}))
        assert answer.status_code in (400, 401, 403), (path, answer.status_code)

    assert everything(site) == before
    assert browser.is_in()


@pytest.mark.parametrize("origin", ["http://[", "http://]", "null", "", "http://", "//", "\x00", "http://[::1"])
def test_an_origin_that_is_none_is_another_sites_and_no_fault(site: Site, origin: str) -> None:
    """Asked of everybody who sends anything, signed in or not."""
    for path in ("/signin", "/api/v1/tokens"):
        answer = site.app.test_client().post(path, headers={"Origin": origin})
        assert (answer.status_code, "csrf.origin" in answer.text) == (403, True), path


def test_a_get_changes_nothing(site: Site) -> None:
    browser = site.browser("lead")
    before = everything(site)

    for path in unsafe(site):
        answer = browser.client.get(path, query_string=FORM, headers=PAGE)
        assert answer.status_code in (200, 303, 403, 404, 405), path

    assert everything(site) == before


def test_a_form_without_proof_is_given_back_with_its_text_but_no_password(site: Site) -> None:
    browser = site.browser("lead", "en")
    data = {"who": "<b>deputy</b>", "starts": "2025-09-02", "password": "hush hush hush", "csrf_token": "old"}

    answer = browser.client.post("/me/deputies", data=data, headers=PAGE)

    assert answer.status_code == 400 and "Send again" in answer.text
    assert "&lt;b&gt;deputy&lt;/b&gt;" in answer.text and "hush" not in answer.text


def test_a_form_sent_after_the_session_ended_keeps_its_text(site: Site) -> None:
    browser = site.browser("lead")
    token = browser.token()
    site.later(hours=3)

    answer = browser.client.post("/me/deputies", data={"reason": "a long story", "csrf_token": token}, headers=PAGE)

    assert answer.status_code == 401 and "a long story" in answer.text


def test_cookies_are_out_of_reach_of_scripts_other_sites_and_plain_http(settings: Settings) -> None:
    found = made(replace(settings, base_url="https://qaflow.example.edu.cn"))
    found.password("lead")
    base = "https://qaflow.example.edu.cn"
    page = found.app.test_client().get("/signin", base_url=base)
    assert page.headers["Strict-Transport-Security"]
    client = found.app.test_client()
    token = TOKEN.search(client.get("/signin", base_url=base).text)
    assert token
    answer = client.post("/signin", data=RIGHT | {"csrf_token": token[1]}, base_url=base,
                         headers=PAGE | {"Referer": base + "/signin"})  # fmt: skip

    cookies = answer.headers.getlist("Set-Cookie")
    assert answer.status_code == 303 and len(cookies) == 2
    for cookie in cookies:
        assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert any(cookie.startswith("__Host-qaflow=") and "Path=/" in cookie for cookie in cookies)


def test_sign_in_works_alike_on_both_databases(store_settings: Settings) -> None:
    found = made(store_settings)
    browser = found.browser("lead")
    assert tries(found.browser(), 1) == [401]
    wrong(found, signin.STRANGERS, first=100)

    assert found.browser().sign_in("lead").status_code == 429
    assert browser.is_in()
    found.later(minutes=5)
    assert browser.is_in()  # and notes that the person was here
    browser.post("/signout")
    assert not browser.is_in()
    assert found.world.query("select ended_why, seen_at from web_session") == [("out", "2025-09-01T01:05:00.000000Z")]
    db.session.remove()
    db.engine.dispose()
