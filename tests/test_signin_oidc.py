"""Sign-in by OpenID Connect against a provider from a package, the whole way of the browser."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from campus import NAMES, WAIT, Campus, Visitor, served

from qaflow.config import Settings
from qaflow.providers import Oidc, RoleRule
from qaflow.services.auditing import audit
from qaflow.store.db import db, utc

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:oidc_provider_mock"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib"),
]

RULES = (RoleRule(attribute="claims.groups", value="qa", role="quality_office"),)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Run the provider in this process."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import oidc_provider_mock

    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def campus(settings: Settings, issuer: str) -> Iterator[Campus]:
    """Serve the program beside it."""
    of = Oidc(key="campus", issuer=issuer, client_id="qaflow", client_secret="s3cret-of-the-client",
              **NAMES, link="claims.employee_number", login="claims.account",
              full_name="claims.full_name", roles=RULES)  # fmt: skip
    with served(settings, of) as made:
        yield made


def known(issuer: str, sub: str, **claims: Any) -> None:
    """Let the provider know a person; it puts what it knows under `claims`."""
    answer = requests.put(f"{issuer}/users/{sub}", json={"claims": claims}, timeout=WAIT)
    assert answer.ok, answer.text


def away(visitor: Visitor, sub: str, target: str = "/me/password") -> requests.Response:
    """Go to the provider, sign in there, and return its answer, which sends the browser back."""
    asked = visitor.look(f"/signin/by/campus?next={target}")
    assert asked.status_code == 303, asked.text
    there = visitor.get(asked.headers["Location"], timeout=WAIT)
    assert "code_challenge_method=S256" in there.url and "nonce=" in there.url
    return visitor.post(there.url, data={"sub": sub}, allow_redirects=False, timeout=WAIT)


def test_an_imported_person_is_linked_by_the_attribute_that_the_mapping_names(campus: Campus, issuer: str) -> None:
    known(issuer, "7f3a", employee_number="lead", full_name="somebody else")
    visitor = campus.visitor()
    before = visitor.look("/signin").text and visitor.cookies["qaflow"]

    arrived = visitor.follow(away(visitor, "7f3a"))

    assert (arrived.status_code, arrived.headers["Location"]) == (303, "/me/password")
    assert visitor.is_in() and visitor.cookies["qaflow"] != before
    assert ("campus", "7f3a", 0) in [(p, s, int(m)) for p, s, m in campus.rows(
        "select provider, subject, made_person from linked_account where person_id = :p",
        p=campus.site.world.persons["lead"])]  # fmt: skip
    assert campus.rows("select kind, actor from journal where kind = 'AccountLinked'") == [("AccountLinked", "system")]
    assert audit.verify(db.session)["verified"]


def test_a_newcomer_is_made_without_rights_and_told_to_wait(campus: Campus, issuer: str) -> None:
    known(issuer, "new-1", account="zhang.san", full_name="张三", email="lead@example.edu.cn")
    visitor = campus.visitor()

    arrived = visitor.follow(away(visitor, "new-1"))

    assert arrived.headers["Location"] == "/signin/waiting"
    assert "zhang.san" in visitor.follow(arrived).text
    assert campus.rows("select login, name from person where login = 'zhang.san'") == [("zhang.san", "张三")]
    assert visitor.look("/organisation").status_code == 403


@pytest.mark.parametrize("claims", [
    {"email": "lead"}, {"email": "lead@example.edu.cn", "name": "lead"}, {"account": "lead"},
])  # fmt: skip
def test_a_mail_address_or_a_login_that_is_the_same_links_nobody(campus: Campus, issuer: str, claims: Any) -> None:
    known(issuer, "stranger", **claims)
    visitor = campus.visitor()

    visitor.follow(away(visitor, "stranger"))

    (made,) = campus.rows("select p.login from linked_account l join person p on p.id = l.person_id")
    assert made == ("campus.stranger",)


def test_somebody_elses_stable_id_does_not_take_a_linked_person(campus: Campus, issuer: str) -> None:
    known(issuer, "first", employee_number="lead")
    known(issuer, "second", employee_number="lead")
    campus.visitor().follow(away((first := campus.visitor()), "first"))
    first.follow(away(first, "first"))
    thief = campus.visitor()

    answer = thief.follow(away(thief, "second"))

    assert answer.status_code == 401 and "signin.link_taken" in answer.text and not thief.is_in()


def roles(campus: Campus, login: str) -> set[tuple[str, str | None]]:
    """Return (role, provider) of somebody's roles."""
    return set(campus.rows("select role, provider from role_grant where person_id = :p",
                           p=campus.site.world.persons[login]))  # fmt: skip


def test_roles_come_and_go_with_the_attribute_and_what_people_gave_stays(campus: Campus, issuer: str) -> None:
    local = roles(campus, "lead")
    known(issuer, "7f3a", employee_number="lead", groups=["qa", "x"])
    visitor = campus.visitor()

    visitor.follow(away(visitor, "7f3a"))
    given = roles(campus, "lead")
    known(issuer, "7f3a", employee_number="lead")
    visitor.follow(away(visitor, "7f3a"))

    assert given == local | {("quality_office", "campus")}
    assert roles(campus, "lead") == local
    assert visitor.is_in()
    kinds = [kind for (kind,) in campus.rows("select kind from journal where stream = :s order by seq",
                                             s=f"person:{campus.site.world.persons['lead']}")]  # fmt: skip
    assert kinds[-3:] == ["AccountLinked", "RoleGranted", "RoleRevoked"]
    assert audit.verify(db.session)["verified"]


def test_a_role_that_people_gave_is_neither_doubled_nor_taken(campus: Campus, issuer: str) -> None:
    before = roles(campus, "office")
    known(issuer, "of", employee_number="office", groups=["qa"])
    visitor = campus.visitor()

    visitor.follow(away(visitor, "of"))
    known(issuer, "of", employee_number="office")
    visitor.follow(away(visitor, "of"))

    assert roles(campus, "office") == before and ("quality_office", None) in before


def test_a_disabled_account_stays_out(campus: Campus, issuer: str) -> None:
    from qaflow.services.accounts import book as accounts

    known(issuer, "7f3a", employee_number="major")
    visitor = campus.visitor()
    visitor.follow(away(visitor, "7f3a"))
    assert visitor.is_in()
    accounts.disable(db.session, campus.site.world.origin(), "major")

    answer = visitor.follow(away(visitor, "7f3a"))

    assert answer.status_code == 401 and "account.disabled" in answer.text and not visitor.is_in()


def test_an_answer_counts_once_and_only_at_the_browser_that_asked(campus: Campus, issuer: str) -> None:
    known(issuer, "7f3a", employee_number="lead")
    visitor, other = campus.visitor(), campus.visitor()
    back = away(visitor, "7f3a").headers["Location"]

    stolen, first, again = other.look(back), visitor.look(back), visitor.look(back)

    assert (stolen.status_code, first.status_code, again.status_code) == (401, 303, 401)
    assert all("signin.state" in one.text and "/signin" in one.text for one in (stolen, again))
    assert not other.is_in()


def test_a_code_is_worth_nothing_in_another_round(campus: Campus, issuer: str) -> None:
    known(issuer, "7f3a", employee_number="lead")
    visitor, thief = campus.visitor(), campus.visitor()
    code = away(visitor, "7f3a").headers["Location"].partition("code=")[2].partition("&")[0]
    asked = thief.look("/signin/by/campus").headers["Location"]
    state = asked.partition("state=")[2].partition("&")[0]

    answer = thief.look(f"/signin/by/campus/back?code={code}&state={state}")

    assert answer.status_code == 401 and not thief.is_in()
    assert "signin.provider" in answer.text  # its nonce is another's


def proof(visitor: Visitor, sub: str) -> requests.Response:
    """Prove oneself anew at the provider, and come back."""
    asked = visitor.look("/signin/by/campus/prove")
    assert asked.status_code == 303 and "prompt=login" in asked.headers["Location"], asked.text
    there = visitor.get(asked.headers["Location"], timeout=WAIT)
    return visitor.follow(visitor.post(there.url, data={"sub": sub}, allow_redirects=False, timeout=WAIT))


def approved(visitor: Visitor) -> int:
    """Approve the cycle as its page offers it."""
    revision = re.search(r'name="revision" value="(\d+)"', visitor.look("/cycles/1").text)
    assert revision is not None
    return visitor.submit("/cycles/1/approve", "/cycles/1", revision=revision[1]).status_code


@pytest.fixture
def review(campus: Campus, issuer: str) -> Visitor:
    """Return the approver, who came by the provider 40 minutes ago, in a college that wants fresh proofs."""
    world = campus.site.world
    known(issuer, "maj", employee_number="major")
    known(issuer, "7f3a", employee_number="lead")
    campus.site.browser("admin").post("/organisation/signin", "/organisation/signin", second_factor="", minutes="15")
    world.start()
    world.fire(1, "submit", "lead", content={"note": "done"})
    visitor = campus.visitor()
    visitor.follow(away(visitor, "maj"))
    campus.site.later(minutes=-40)  # the provider's clock is the machine's
    db.session.execute(db.text("update web_session set proven_at = :at"), {"at": utc(campus.site.clock.instant)})
    db.session.commit()
    campus.site.later(minutes=40)
    return visitor


def test_a_round_to_the_provider_is_the_fresh_proof_of_an_approval(
    campus: Campus, review: Visitor, issuer: str
) -> None:
    assert "/signin/by/campus/prove" in review.look("/cycles/1").text and approved(review) == 401

    arrived = proof(review, "maj")

    assert (arrived.status_code, arrived.headers.get("Location")) == (303, "/signin/proven"), arrived.text
    assert approved(review) == 303 and campus.site.world.state(1)["leaf"] != "review"


def test_somebody_elses_word_is_no_proof_of_mine(campus: Campus, review: Visitor, issuer: str) -> None:
    other = campus.visitor()
    other.follow(away(other, "7f3a"))
    theirs = proof(review, "7f3a")
    unknown = proof(review, "a-newcomer")

    assert (theirs.status_code, unknown.status_code) == (401, 401)
    assert "signin.other" in theirs.text and "signin.other" in unknown.text
    assert review.is_in() and approved(review) == 401
    assert campus.rows("select 1 from person where login like '%newcomer%'") == []


def test_a_round_begun_to_sign_in_proves_nothing_of_whoever_is_in(campus: Campus, review: Visitor, issuer: str) -> None:
    """What comes back from a plain round begins another session; it never freshens one that stands."""
    back = away(review, "maj", target="/cycles/1")
    before = review.cookies["qaflow"]

    review.follow(back)

    assert review.cookies["qaflow"] != before  # a sign-in of its own, whose proof is its own


def test_an_administrator_parts_an_account_from_the_provider(campus: Campus, issuer: str) -> None:
    known(issuer, "7f3a", employee_number="lead", groups=["qa"])
    admin, office = campus.site.browser("admin"), campus.site.browser("office")
    visitor, person = campus.visitor(), campus.site.world.persons["lead"]
    visitor.follow(away(visitor, "7f3a"))
    ((number,),) = campus.rows("select id from linked_account where person_id = :p", p=person)
    path = f"/organisation/people/{person}/links/{number}/drop"
    assert path in admin.get(f"/organisation/people/{person}").text

    refused = office.post(path)
    assert refused.status_code == 403 and visitor.is_in() and ("quality_office", "campus") in roles(campus, "lead")
    assert admin.post(path).status_code == 303

    assert not visitor.is_in() and ("quality_office", "campus") not in roles(campus, "lead")
    assert campus.rows("select 1 from linked_account") == []
    assert ("AccountUnlinked",) in campus.rows("select kind from journal where stream = :s", s=f"person:{person}")
    assert admin.post(path).status_code == 303  # gone already
    assert audit.verify(db.session)["verified"]


def test_a_refusal_of_the_provider_has_a_page(campus: Campus) -> None:
    visitor = campus.visitor()
    there = visitor.get(visitor.look("/signin/by/campus").headers["Location"], timeout=WAIT)
    denied = visitor.post(there.url, data={"action": "deny"}, allow_redirects=False, timeout=WAIT)

    answer = visitor.follow(denied)

    assert answer.status_code == 401 and ("signin.denied" in answer.text or "signin.state" in answer.text)


def test_signing_out_offers_the_providers_own_sign_out(campus: Campus, issuer: str) -> None:
    known(issuer, "7f3a", employee_number="lead")
    visitor = campus.visitor()
    visitor.follow(away(visitor, "7f3a"))

    page = visitor.follow(visitor.submit("/signout", "/me"))
    there = visitor.look("/signin/by/campus/leave").headers["Location"]

    assert "/signin/by/campus/leave" in page.text and not visitor.is_in()
    assert there.startswith(f"{issuer}/") and "id_token_hint=" in there and "post_logout_redirect_uri=" in there
    assert visitor.look("/signin/by/campus/leave").headers["Location"] == "/signin"  # taken once


def test_where_the_provider_is_down_the_page_says_so_and_local_accounts_go_on(settings: Settings) -> None:
    of = Oidc(key="campus", issuer="http://127.0.0.1:9", client_id="qaflow", **NAMES)
    with served(settings, of) as campus:
        visitor = campus.visitor()

        answer = visitor.look("/signin/by/campus")

        assert answer.status_code == 503 and "signin.provider_down" in answer.text
        page = visitor.look("/signin?lang=en")
        assert page.status_code == 200 and "Campus" in page.text
        assert "统一身份认证" in visitor.look("/signin?lang=zh").text
