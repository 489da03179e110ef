"""The sign-in over the API: the college's rules as they were read, who lacks what, and accounts at providers parted."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program

from qaflow.providers import Oidc, RoleRule
from qaflow.services.auditing import audit
from qaflow.services.ports import Identity
from qaflow.services.signin import linking
from qaflow.store.db import db

RULES = "/signin/rules"
CAMPUS = Oidc(key="campus", name_zh="统一身份认证", name_en="Campus", issuer="https://id.test", client_id="qaflow",
              client_secret="s", link="number",
              roles=(RoleRule(attribute="groups", value="qa", role="quality_office"),))  # fmt: skip


def arrive(site: Site, subject: str, **said: tuple[str, ...]) -> int:
    """Let somebody in whom the campus vouches for; returns who they are here."""
    identity = Identity(provider="campus", subject=subject, attributes=said)
    return linking.admitted(db.session, site.world.origin(), CAMPUS, identity).person


def facts(site: Site) -> list[tuple[Any, ...]]:
    """Return what the college was told about its rules."""
    return site.world.query("select data from journal where kind = 'SignInRulesSet'")


def test_the_rules_are_set_as_they_were_read(site: Site, admin: Program) -> None:
    first = admin.get(RULES)
    wanted = {"second_factor": True, "approval_minutes": 30}

    changed = admin.ask("PUT", RULES, wanted, If_Match=first.headers["ETag"])
    late = admin.ask("PUT", RULES, {"second_factor": False, "approval_minutes": None}, If_Match=first.headers["ETag"])
    again = admin.ask("PUT", RULES, wanted, If_Match=changed.headers["ETag"])

    assert first.get_json() == {"second_factor": False, "approval_minutes": None}
    assert changed.get_json() == again.get_json() == admin.get(RULES).get_json() == wanted
    assert changed.headers["ETag"] == again.headers["ETag"] == admin.get(RULES).headers["ETag"]
    assert code(late) == (412, "version.stale")
    assert code(admin.ask("PUT", RULES, wanted)) == (428, "match.missing")
    assert len(facts(site)) == 1
    assert site.browser("admin").get("/organisation/signin").headers["Location"] == "/me/second"  # it is asked for now


@pytest.mark.parametrize("sent", [
    {"second_factor": True}, {"second_factor": "yes", "approval_minutes": None},
    {"second_factor": True, "approval_minutes": 0}, {"second_factor": True, "approval_minutes": 721},
    {"second_factor": True, "approval_minutes": 5, "college": 2},
])  # fmt: skip
def test_rules_that_cannot_be_are_refused(site: Site, admin: Program, sent: dict[str, Any]) -> None:
    assert code(admin.ask("PUT", RULES, sent, If_Match="*")) == (422, "data.invalid")
    assert facts(site) == []


def test_who_waits_and_who_lacks_a_second_factor_is_named(site: Site, admin: Program) -> None:
    person = arrive(site, "u-1")

    found = admin.get("/signin").get_json()

    assert [(one["id"], one["provider"]) for one in found["waiting"]] == [(person, "campus")]
    assert {"admin", "office"} <= {one["login"] for one in found["lacking"]}
    assert "lead" not in {one["login"] for one in found["lacking"]}
    assert found["rules"] == {"second_factor": False, "approval_minutes": None}


def test_a_link_is_shown_and_parted_with_the_roles_that_came_by_it(site: Site, admin: Program) -> None:
    person = arrive(site, "u-1", number=("new",), groups=("qa",))
    path = f"/people/{person}"
    (link,) = admin.get(f"{path}/signin").get_json()["links"]
    had = [one["role"] for one in admin.get(path).get_json()["roles"]]

    parted = admin.ask("DELETE", f"{path}/links/{link['id']}")

    assert (link["provider"], link["subject"], link["made_person"], had) == ("campus", "u-1", False, ["quality_office"])
    assert parted.status_code == 204
    assert admin.get(path).get_json()["roles"] == admin.get(f"{path}/signin").get_json()["links"] == []
    assert code(admin.ask("DELETE", f"{path}/links/{link['id']}")) == (404, "link.not_found")
    assert audit.verify(db.session)["verified"]


def test_a_link_is_parted_from_its_own_person_alone(site: Site, admin: Program) -> None:
    person, other = arrive(site, "u-1"), site.world.persons["lead"]
    (link,) = admin.get(f"/people/{person}/signin").get_json()["links"]

    assert code(admin.ask("DELETE", f"/people/{other}/links/{link['id']}")) == (404, "link.not_found")
    assert code(admin.ask("DELETE", f"/people/987654/links/{link['id']}")) == (404, "person.not_found")
    assert len(admin.get(f"/people/{person}/signin").get_json()["links"]) == 1


@pytest.mark.parametrize("login", ["lead", "office", "vp"])
def test_only_the_administrator_keeps_the_sign_in(site: Site, login: str) -> None:
    person = arrive(site, "u-1")
    other = program(site, login)

    for path in ("/signin", RULES, f"/people/{person}/signin"):
        assert code(other.get(path)) == (403, "action.forbidden")
    assert code(other.ask("DELETE", f"/people/{person}/links/1")) == (403, "action.forbidden")
    wanted = {"second_factor": True, "approval_minutes": 5}
    assert code(other.ask("PUT", RULES, wanted, If_Match="*")) == (403, "action.forbidden")
