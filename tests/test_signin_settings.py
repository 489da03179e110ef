"""What the settings of the sign-in refuse at start, and the list of breached passwords."""

import hashlib
from pathlib import Path

import pytest

from qaflow import breached, providers
from qaflow.errors import ConfigError

HEAD = "providers:\n  - key: campus\n    kind: oidc\n    name: {zh: 甲, en: A}\n    client_id: q\n"
HTTPS = "    issuer: https://id.example.edu.cn\n"


@pytest.mark.parametrize(("text", "told"), [
    ("", "must hold"), ("providers: []", "1 to"), (HEAD, "issuer"),
    (HEAD + "    issuer: http://id.example.edu.cn\n", "https"),
    (HEAD + HTTPS + "    surprise: 1\n", "surprise"), (HEAD + HTTPS + "    client_secret: {env: NOT_SET}\n", "NOT_SET"),
    (HEAD + HTTPS + "    ca_file: /nowhere\n", "/nowhere"), (HEAD.replace("oidc", "saml"), "kind"),
    (HEAD + HTTPS + "    key: again\n", "line"), ("a: [", "line"),
    ("providers: [{key: d, kind: ldap, name: {zh: a, en: b}, url: 'ldap://x.example', base: dc=x}]", "ldaps://"),
    ("providers: [{key: d, kind: ldap, name: {zh: a, en: b}, url: 'ldaps://x', base: dc=x, filter: (uid=x)}]",
     "{login}"),
])  # fmt: skip
def test_what_is_wrong_or_unsafe_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "signin.yaml"
    file.write_text(text)

    with pytest.raises(ConfigError) as refused:
        providers.load(file)

    assert told in refused.value.detail and refused.value.exit == 2


def test_a_file_that_holds_secrets_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "signin.yaml"
    file.write_text(HEAD + HTTPS + "    client_secret: rather-secret\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        providers.load(file)
    file.chmod(0o600)

    (made,) = providers.load(file)

    assert "rather-secret" not in repr(made)


def test_a_listed_password_is_found_and_no_other(tmp_path: Path) -> None:
    words = [f"word number {n}" for n in range(2000)]
    hashes = sorted(hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper() for word in words)
    files = {"whole": [f"{one}:3" for one in hashes], "begun": [one[:12] for one in hashes], "plain": sorted(words)}

    for name, lines in files.items():
        file = tmp_path / name
        file.write_text("\n".join(lines) + "\n")
        assert breached.checked(file) == file
        assert all(breached.holds(file, word) for word in words)
        assert not any(breached.holds(file, f"other number {n}") for n in range(500))


def test_a_list_that_is_not_sorted_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text("b\na\n")

    with pytest.raises(ConfigError, match="sort -u"):
        breached.checked(file)
