"""Settings: what is read, what is refused, and what to type instead; beside each refusal its nearest valid twin."""

import os
import stat
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from qaflow import config, paths
from qaflow.errors import ConfigError, Forbidden, Invalid, Missing

GOOD_KEY = "R7s-kQ2_vX9mB4nC8zL1pW6tY3uJ5hG0aEoDi"
HTTPS = "https://qaflow.example.edu.cn"

# name, a value that is refused, the code, its nearest valid twin
REFUSED = [
    ("WEBHOOK_ALLOW", "10.1.2.0/33", "config.webhook_allow", "10.1.2.0/24"),
    ("WEBHOOK_ALLOW", "127.0.0.0/8", "config.webhook_allow", "10.1.2.0/24,192.168.7.0/24"),
    ("WEBHOOK_ALLOW", "0.0.0.0/0", "config.webhook_allow", "fd12:3456::/32"),
    ("WEBHOOK_ALLOW", "169.254.169.254/32", "config.webhook_allow", "172.16.0.0/12"),
    ("SECRET_KEY", "changeme", "config.secret_key", GOOD_KEY),
    ("SECRET_KEY", GOOD_KEY[:8], "config.secret_key", GOOD_KEY[:32]),
    ("SECRET_KEY", GOOD_KEY[:31], "config.secret_key", GOOD_KEY[:32]),
    ("SECRET_KEY", "changeme" + GOOD_KEY, "config.secret_key", GOOD_KEY),
    ("SECRET_KEY", "ab" * 32, "config.secret_key", GOOD_KEY),
    ("DATABASE_URL", "qaflow.db", "config.database_url", "sqlite:///qaflow.db"),
    ("DATABASE_URL", "sqlite://", "config.database_url", "sqlite:///qaflow.db"),
    ("DATABASE_URL", "sqlite:///:memory:", "config.database_url", "sqlite:///memory.db"),
    ("DATABASE_URL", "mysql://u:p@h/d", "config.database_url", "postgresql://u:p@h/d"),
    ("DATABASE_URL", "postgresql+psycopg2://u:p@h/d", "config.database_url", "postgresql+psycopg://u:p@h/d"),
    ("DATABASE_URL", "postgresql://u:p@h", "config.database_url", "postgresql://u:p@h/d"),
    ("DATABASE_URL", "postgresql://u:p@h:port/d", "config.database_url", "postgresql://u:p@h:5432/d"),
    ("TIMEZONE", "Asia/Shanghay", "config.timezone", "Asia/Urumqi"),
    ("TIMEZONE", "../../etc/passwd", "config.timezone", "UTC"),
    ("LANGUAGE", "fr", "config.language", "en"),
    ("BASE_URL", "qaflow.example.edu.cn", "config.base_url", HTTPS),
    ("BASE_URL", "ftp://qaflow.example.edu.cn", "config.base_url", HTTPS),
    ("BASE_URL", "http://qaflow.example.edu.cn", "config.base_url", HTTPS),
    ("BASE_URL", "https://user:word@qaflow.example.edu.cn", "config.base_url", HTTPS),
    ("BASE_URL", "http://127.0.0.1:port", "config.base_url", "http://127.0.0.1:5000"),
    ("ALLOWED_HOSTS", "*", "config.allowed_hosts", "a.example"),
    ("ALLOWED_HOSTS", "a.example,.example", "config.allowed_hosts", "a.example, 10.0.0.5"),
    ("MAIL_URL", "console", "config.mail_url", "console:"),
    ("MAIL_URL", "telnet://h", "config.mail_url", "file:///srv/mail"),
    ("MAIL_URL", "smtp://qa:gr%C3%BCn@h?from=a@b.cn", "config.mail_url", "file:///srv/mail"),  # the library's ASCII
    ("TICK_SECONDS", "0", "config.tick_seconds", "1"),
    ("TICK_SECONDS", "1000000000", "config.tick_seconds", "3600"),
    ("TICK_SECONDS", "-1", "config.tick_seconds", "1"),
    ("TICK_SECONDS", "٣٠", "config.tick_seconds", "30"),
    ("TICK_SECONDS", "30.5", "config.tick_seconds", "31"),
    ("MAX_CATCH_UP", "-1", "config.max_catch_up", "1"),
    ("MAX_CATCH_UP", "4000", "config.max_catch_up", "3660"),
    ("PORT", "0", "config.port", "1"),
    ("PORT", "65536", "config.port", "65535"),
    ("PORT", "http", "config.port", "80"),
    ("THREADS", "0", "config.threads", "1"),
]


@pytest.mark.parametrize(("name", "bad", "code", "good"), REFUSED)
def test_bad_setting_is_refused_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, name: str, bad: str, code: str, good: str
) -> None:
    monkeypatch.setenv(f"QAFLOW_{name}", bad)
    with pytest.raises(ConfigError) as refused:
        config.load()
    assert (refused.value.code, refused.value.exit) == (code, 2)
    assert "type: export QAFLOW_" in refused.value.detail or "is not one of" in refused.value.detail

    monkeypatch.setenv(f"QAFLOW_{name}", good)
    config.load()


def test_defaults_need_no_setting_but_the_home(tmp_path: Path) -> None:
    settings = config.load()

    assert settings.home == tmp_path / "home"
    assert settings.sqlite_file == tmp_path / "home" / "qaflow.db"
    assert settings.zone == ZoneInfo("Asia/Shanghai")
    assert (settings.max_catch_up, settings.secret_key) == (400, "")
    assert not settings.home.exists()


def test_empty_setting_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAFLOW_TICK_SECONDS", "")

    assert config.load().tick_seconds == 30


def test_home_defaults_to_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("QAFLOW_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    assert config.load().home == tmp_path / "data" / "qaflow"


def test_home_that_is_a_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("QAFLOW_HOME", str(tmp_path / "file"))

    with pytest.raises(ConfigError, match="name a folder"):
        config.load()


def test_relative_sqlite_file_lies_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QAFLOW_DATABASE_URL", "sqlite:///other.db")

    assert config.load().sqlite_file == tmp_path / "home" / "other.db"


def test_postgresql_is_spoken_to_with_psycopg_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAFLOW_DATABASE_URL", "postgresql://u:p%40ss@h/d")

    assert config.load().database_url == "postgresql+psycopg://u:p%40ss@h/d"


def test_debugging_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with pytest.raises(ConfigError, match="unset FLASK_DEBUG"):
        config.load()

    monkeypatch.setenv("FLASK_DEBUG", "0")
    config.load()


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAFLOW_SECRET_KEY", GOOD_KEY)
    monkeypatch.setenv("QAFLOW_TOKEN", "tok-3f9a")
    monkeypatch.setenv("QAFLOW_DATABASE_URL", "postgresql://u:geheim@h/d")

    settings = config.load()

    for text in (repr(settings), str(settings.shown())):
        assert not any(secret in text for secret in (GOOD_KEY, "tok-3f9a", "geheim"))
    assert config.mask("smtp://u:geheim@h") == "smtp://u:***@h"


def test_malformed_address_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAFLOW_DATABASE_URL", "mysql://u:geheim@h/d")

    with pytest.raises(ConfigError) as refused:
        config.load()

    assert "geheim" not in refused.value.detail


def test_secret_is_made_once_for_its_owner_alone() -> None:
    first = config.ensure_secret(config.load())
    second = config.ensure_secret(config.load())

    file = first.home / config.KEY_FILE
    assert first.secret_key == second.secret_key == file.read_text()
    assert len(first.secret_key) >= config.MIN_SECRET
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.home.stat().st_mode) == 0o700
    assert [each.name for each in first.home.iterdir()] == [config.KEY_FILE]


def test_two_homes_have_two_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = config.ensure_secret(config.load())
    monkeypatch.setenv("QAFLOW_HOME", str(tmp_path / "other"))

    assert config.ensure_secret(config.load()).secret_key != first.secret_key


def test_missing_secret_is_refused_with_a_command_that_makes_one() -> None:
    with pytest.raises(ConfigError) as refused:
        config.require_secret(config.load())

    assert refused.value.code == "config.secret_key"
    assert "secrets.token_urlsafe" in refused.value.detail


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_secret_that_others_may_read_is_refused(mode: int) -> None:
    file = config.ensure_secret(config.load()).home / config.KEY_FILE
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {file}"):
        config.load()

    file.chmod(0o600)
    config.load()


def test_secret_file_with_byte_order_mark_and_windows_line_end_is_accepted() -> None:
    file = config.ensure_secret(config.load()).home / config.KEY_FILE
    file.write_bytes(b"\xef\xbb\xbf" + GOOD_KEY.encode() + b"\r\n")

    assert config.load().secret_key == GOOD_KEY


def test_database_that_others_may_read_is_refused() -> None:
    settings = config.ensure_secret(config.load())
    file = settings.home / "qaflow.db"
    file.touch(0o644)
    config.require_private(settings)  # nobody comes to it through the closed home

    settings.home.chmod(0o755)
    with pytest.raises(ConfigError, match=f"chmod 600 {file}"):
        config.require_private(settings)

    file.chmod(0o600)
    config.require_private(settings)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/share/qaflow.db", "nfs4"),
        ("/srv/share2/qaflow.db", "ext4"),  # a name that only begins alike
        ("/srv/share/local/qaflow.db", "ext4"),  # a local disk inside the share
        ("/srv/my share/qaflow.db", "cifs"),
        ("/home/qaflow.db", "tmpfs"),  # the later of two on one place
    ],
)
def test_file_system_is_that_of_the_nearest_mount(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\nserver:/x /srv/share nfs4 rw 0 0\n/dev/sdb /srv/share/local ext4 rw 0 0\n"
        "//server/y /srv/my\\040share cifs rw 0 0\n/dev/sdc /home xfs rw 0 0\ntmpfs /home tmpfs rw 0 0\n"
    )

    assert paths.filesystem(Path(path), mounts) == kind


def test_sqlite_on_a_network_file_system_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = paths.filesystem(tmp_path)
    config.load()

    monkeypatch.setattr(paths, "NETWORK_FILESYSTEMS", frozenset({here}))
    with pytest.raises(ConfigError) as refused:
        config.load()

    assert (refused.value.code, refused.value.exit) == ("config.database_network", 2)


def test_input_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x")

    assert paths.read_input(tmp_path / "a.csv", limit=1) == b"x"


def test_input_that_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "long").write_bytes(b"xx")

    for name, kind, code in [
        ("none", Missing, "file.not_found"),
        ("long/under", Missing, "file.not_found"),
        (".", Invalid, "file.not_regular"),
        ("fifo", Invalid, "file.not_regular"),
        ("long", Invalid, "file.too_large"),
    ]:
        with pytest.raises(kind) as refused:
            paths.read_input(tmp_path / name, limit=1)
        assert (refused.value.code, refused.value.exit) == (code, 3)
        assert str(tmp_path / name) in refused.value.detail


def test_unreadable_input_is_not_permitted(tmp_path: Path) -> None:
    told = paths._unreadable(tmp_path / "x", PermissionError(13, "Permission denied"))

    assert isinstance(told, Forbidden)
    assert (told.code, told.exit) == ("file.not_readable", 5)
