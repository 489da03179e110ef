"""Settings: `QAFLOW_*` read once into one frozen value; what is unsafe or malformed is refused with what to type."""

import os
import re
import secrets
import stat
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from environs import Env
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from qaflow import paths
from qaflow.errors import ConfigError, Unavailable

if TYPE_CHECKING:
    from qaflow.providers import Provider

MIN_SECRET = 32
MIN_VARIETY = 8
MIN_TOKEN = 16
EXAMPLE_SECRETS = ("changeme", "change-me", "secret", "example", "password", "qaflow", "dev")
HOW_TO_MAKE_A_KEY = "export QAFLOW_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_urlsafe(48))')"
KEY_FILE = "secret"
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
MAIL_SCHEMES = ("console", "file")
SMTP_SCHEMES = ("smtp", "smtps")
ADDRESS = re.compile(r"[^@\s<>,;\"]{1,64}@[A-Za-z0-9.-]{1,255}")  # of mail
ADDRESS_LENGTH = 320  # characters of one at most
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
TICK_RANGE = (1, 3600)
PORT_RANGE = (1, 65535)
THREAD_RANGE = (1, 64)
CATCH_UP_RANGE = (1, 3660)
NEVER_TARGETS = (
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "100.100.100.200/32",
    "168.63.129.16/32", "::/127", "::ffff:0:0/96", "64:ff9b::/96", "2001::/32", "2002::/16", "fe80::/10", "ff00::/8",
    "fd00:ec2::254/128",
)  # fmt: skip
"""Where no event goes, whatever is allowed: the machine itself, its link, clouds' metadata, wrapped addresses."""
API_RATE_RANGE = (1, 1_000_000)
OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that an installation may decide. `repr` shows no secret."""

    home: Path
    database_url: str = field(repr=False)
    secret_key: str = field(default="", repr=False)  # "" until `init`, `demo` or the operator gives one
    timezone: str = "Asia/Shanghai"
    language: str = "zh"
    host: str = "127.0.0.1"
    port: int = 5000
    threads: int = 4  # more wait for each other: of 32 programs that decide at once, none waits longer with four
    base_url: str = "http://127.0.0.1:5000"
    allowed_hosts: tuple[str, ...] = ()
    mail_url: str = field(default="console:", repr=False)
    tick_seconds: int = 30
    max_catch_up: int = 400  # days without a tick after which automatic steps wait for `tick --confirm`
    webhook_allow: tuple[str, ...] = ()  # networks of the campus to which events may be sent
    api_rate: int = 600  # requests that a token may send in a minute
    metrics_token: str = field(default="", repr=False)  # by which monitoring elsewhere may ask for the figures
    providers: "tuple[Provider, ...]" = ()  # by which a campus signs in, beside local accounts
    breached_passwords: Path | None = None  # a sorted list that no new password may stand in
    token: str = field(default="", repr=False)  # whose acts these are, on the command line of an installation

    @property
    def zone(self) -> ZoneInfo:
        """The college's time zone, where no college says otherwise."""
        return ZoneInfo(self.timezone)

    @property
    def database(self) -> URL:
        """The database's address in parts."""
        return make_url(self.database_url)

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file, or None on PostgreSQL."""
        if self.database.get_backend_name() != "sqlite":
            return None
        return Path(self.database.database or "")

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """The names under which this server answers: those allowed, that of the base URL and the machine's own."""
        named = urlsplit(self.base_url).hostname or ""
        return tuple(sorted({*self.allowed_hosts, named, *LOOPBACK} - {""}))

    def shown(self) -> dict[str, Any]:
        """Return the settings for reports, secrets masked."""
        return vars(self) | {
            "home": str(self.home),
            "providers": [f"{type(one).__name__.lower()} {one.key}" for one in self.providers],
            "breached_passwords": str(self.breached_passwords or ""),
            "database_url": self.database.render_as_string(hide_password=True),
            "mail_url": mask(self.mail_url),
            "secret_key": "***" if self.secret_key else "",
            "token": "***" if self.token else "",
            "metrics_token": "***" if self.metrics_token else "",
        }


def load() -> Settings:
    """Read the settings from the environment of the process; raise ConfigError for the first bad one."""
    if os.environ.get("FLASK_DEBUG", "").lower() not in {"", "0", "false", "no"}:
        raise ConfigError("config.debug", "debugging is on; type: unset FLASK_DEBUG")
    env = Env(prefix="QAFLOW_")
    folder = home()
    port = _whole(env, "PORT", 5000, PORT_RANGE)
    return Settings(
        home=folder,
        database_url=_database_url(_text(env, "DATABASE_URL", f"sqlite:///{folder}/qaflow.db"), folder),
        secret_key=_secret_key(_text(env, "SECRET_KEY", ""), folder),
        timezone=_timezone(_text(env, "TIMEZONE", "Asia/Shanghai")),
        language=_one_of("LANGUAGE", _text(env, "LANGUAGE", "zh"), ("zh", "en")),
        host=_text(env, "HOST", "127.0.0.1"),
        port=port,
        threads=_whole(env, "THREADS", 4, THREAD_RANGE),
        base_url=_base_url(_text(env, "BASE_URL", f"http://127.0.0.1:{port}")),
        allowed_hosts=_hosts(_text(env, "ALLOWED_HOSTS", "")),
        mail_url=_mail_url(_text(env, "MAIL_URL", "console:")),
        tick_seconds=_whole(env, "TICK_SECONDS", 30, TICK_RANGE),
        max_catch_up=_whole(env, "MAX_CATCH_UP", 400, CATCH_UP_RANGE),
        webhook_allow=_networks(_text(env, "WEBHOOK_ALLOW", "")),
        api_rate=_whole(env, "API_RATE", 600, API_RATE_RANGE),
        metrics_token=_metrics_token(_text(env, "METRICS_TOKEN", "")),
        providers=_providers(_text(env, "SIGNIN", ""), folder),
        breached_passwords=_breached(_text(env, "BREACHED_PASSWORDS", ""), folder),
        token=_text(env, "TOKEN", ""),
    )


def home() -> Path:
    """Return the folder that the installation owns; it need not exist yet."""
    text = _text(Env(prefix="QAFLOW_"), "HOME", "")
    folder = Path.cwd() / Path(text).expanduser() if text else paths.default_home()
    if folder.exists() and not folder.is_dir():
        raise ConfigError("config.home", f"QAFLOW_HOME={folder} is a file; name a folder")
    return folder


def ensure_secret(settings: Settings) -> Settings:
    """Return the settings with a secret key; where there is none, write a random one into the home, mode 0600."""
    if settings.secret_key:
        return settings
    file = paths.make_private(settings.home) / KEY_FILE
    try:
        _write_once(file, secrets.token_urlsafe(48))
    except OSError as error:
        raise Unavailable("config.home", f"cannot write {file}: {error.strerror}") from error
    return replace(settings, secret_key=_secret_key("", settings.home))


def require_secret(settings: Settings) -> Settings:
    """Return the settings, or refuse where there is no secret key."""
    if not settings.secret_key:
        raise ConfigError("config.secret_key", f"there is no secret key; type: qaflow init, or: {HOW_TO_MAKE_A_KEY}")
    return settings


def require_private(settings: Settings) -> Settings:
    """Refuse a database that other users of this machine may read."""
    file = settings.sqlite_file
    if file and file.is_file() and _reachable_by_others(file):
        raise ConfigError("config.database_readable", f"others may read {file}; type: chmod 600 {file}", path=str(file))
    return settings


def _providers(text: str, home: Path) -> "tuple[Provider, ...]":
    if not text:
        return ()
    from qaflow import providers  # here, so that quick commands need not load it

    return providers.load(home / Path(text).expanduser())


def _breached(text: str, home: Path) -> Path | None:
    if not text:
        return None
    from qaflow import breached

    return breached.checked(home / Path(text).expanduser())


def _metrics_token(text: str) -> str:
    """Return the token of monitoring, or refuse one that could be guessed."""
    if text and len(text) < MIN_TOKEN:
        raise ConfigError("config.metrics_token", f"QAFLOW_METRICS_TOKEN needs at least {MIN_TOKEN} characters")
    return text


def mask(url: str) -> str:
    """Return the address with its password hidden."""
    return re.sub(r"(://[^:/@]*:)[^@]*@", r"\1***@", url)


def _write_once(file: Path, text: str) -> None:
    """Write the file whole, for its owner alone; where another process was first, its file stands."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _reachable_by_others(file: Path) -> bool:
    """Tell whether others may read the file, and come to it through its folder."""
    return bool(file.stat().st_mode & stat.S_IROTH and file.parent.stat().st_mode & stat.S_IXOTH)


def _database_url(text: str, home: Path) -> str:
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError) as error:
        raise _bad_database("is not a database address") from error
    if url.drivername not in DRIVERS:
        raise _bad_database(f"names the driver {url.drivername!r}, which qaflow does not use")
    if url.get_backend_name() == "postgresql":
        return _postgresql(url)
    return _sqlite(url, home)


def _postgresql(url: URL) -> str:
    if not url.database:
        raise _bad_database("names no database")
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _sqlite(url: URL, home: Path) -> str:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise _bad_database("names no file, so that everything would be lost at the end")
    file = home / Path(url.database).expanduser()  # a relative name lies in the home, wherever one stands
    kind = paths.filesystem(file)
    if kind in paths.NETWORK_FILESYSTEMS:
        raise ConfigError(
            "config.database_network",
            f"{file} lies on {kind}, where SQLite's locks do not hold; "
            "type: export QAFLOW_HOME=<a folder on a local disk>, or use PostgreSQL",
        )
    return url.set(database=str(file)).render_as_string(hide_password=False)


def _bad_database(what: str) -> ConfigError:
    # The address is not repeated: where it is malformed there is no telling which part is the password.
    return ConfigError(
        "config.database_url",
        f"QAFLOW_DATABASE_URL {what}; type: export QAFLOW_DATABASE_URL=sqlite:////srv/qaflow/qaflow.db "
        "or =postgresql+psycopg://user:password@host/name",
    )


def _secret_key(text: str, home: Path) -> str:
    if text:
        return _strong(text, "QAFLOW_SECRET_KEY")
    file = home / KEY_FILE
    try:
        mode = file.stat().st_mode
        if mode & OPEN_TO_OTHERS:
            what = f"others may read {file}; type: chmod 600 {file}"
            raise ConfigError("config.secret_readable", what, path=str(file))
        return _strong(file.read_text(encoding="utf-8-sig").strip(), str(file))
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("config.secret_key", f"cannot read {file}: {error}", path=str(file)) from error


def _strong(key: str, where: str) -> str:
    plain = key.lower()
    weak = len(key) < MIN_SECRET or len(set(key)) < MIN_VARIETY
    if weak or any(plain.startswith(example) for example in EXAMPLE_SECRETS):
        raise ConfigError(
            "config.secret_key",
            f"{where} is too short or an example; {MIN_SECRET} random characters are needed; type: {HOW_TO_MAKE_A_KEY}",
        )
    return key


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ConfigError(
            "config.timezone", f"QAFLOW_TIMEZONE={name} is not a time zone; type: export QAFLOW_TIMEZONE=Asia/Shanghai"
        ) from error
    return name


def _base_url(text: str) -> str:
    parts = _split(text)
    if parts is None or parts[0] not in {"http", "https"} or not parts[1]:
        raise ConfigError(
            "config.base_url",
            "QAFLOW_BASE_URL is not an address; type: export QAFLOW_BASE_URL=https://qaflow.example.edu.cn",
        )
    scheme, host = parts
    if scheme == "http" and host not in LOOPBACK:
        raise ConfigError(
            "config.base_url",
            f"QAFLOW_BASE_URL goes over plain http to {host}, where passwords can be read; "
            f"type: export QAFLOW_BASE_URL=https://{host}",
        )
    return text.rstrip("/")


def _split(text: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    if parts.username or parts.password or parts.query or parts.fragment:
        return None
    return parts.scheme, parts.hostname or ""


def _hosts(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    wrong = [name for name in names if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name)]
    if wrong:
        raise ConfigError(
            "config.allowed_hosts",
            f"QAFLOW_ALLOWED_HOSTS holds {wrong[0]!r}, which is no host name; "
            "type: export QAFLOW_ALLOWED_HOSTS=qaflow.example.edu.cn,10.0.0.5",
        )
    return names


def _networks(text: str) -> tuple[str, ...]:
    """Return the networks that are named, or refuse one that holds the machine itself or a cloud's metadata."""
    return tuple(str(_network(name.strip())) for name in text.split(",") if name.strip())


def _network(name: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(name)
    except ValueError as error:
        raise _bad_network(name, "which is no network") from error
    for closed in map(ip_network, NEVER_TARGETS):
        if network.version == closed.version and network.overlaps(closed):
            raise _bad_network(name, f"which holds addresses of {closed}: the machine itself or a cloud's metadata")
    return network


def _bad_network(name: str, why: str) -> ConfigError:
    return ConfigError(
        "config.webhook_allow",
        f"QAFLOW_WEBHOOK_ALLOW holds {name!r}, {why}; type: export QAFLOW_WEBHOOK_ALLOW=10.1.2.0/24",
    )


def _mail_url(text: str) -> str:
    scheme = text.partition(":")[0]
    if ":" not in text or not (scheme in MAIL_SCHEMES or (scheme in SMTP_SCHEMES and _smtp(text))):
        # The address is not repeated: it may hold a password
        raise ConfigError(
            "config.mail_url",
            "QAFLOW_MAIL_URL is not known; type: export QAFLOW_MAIL_URL=console: or =file:///srv/qaflow/mail "
            "or ='smtps://user:password@smtp.college.edu.cn?from=qaflow@college.edu.cn&domain=college.edu.cn'",
        )
    return text


def _smtp(text: str) -> bool:
    """Tell whether an address names a mail server, who sends, and nothing that is not known."""
    try:
        parts = urlsplit(text)
        _ = parts.port
        unquote((parts.username or "") + (parts.password or "")).encode("ascii")  # the library writes no other
        asked = parse_qs(parts.query, strict_parsing=True)
    except ValueError:
        return False
    plain = parts.path in ("", "/") and not parts.fragment and asked.keys() <= {"from", "domain"}
    domain = re.fullmatch(r"[A-Za-z0-9.-]{1,255}", asked.get("domain", ["-"])[0])
    return bool(plain and parts.hostname and domain and ADDRESS.fullmatch(asked.get("from", [""])[0]))


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ConfigError(f"config.{name.lower()}", f"QAFLOW_{name}={value} is not one of {', '.join(choices)}")
    return value


def _whole(env: Env, name: str, default: int, bounds: tuple[int, int]) -> int:
    low, high = bounds
    text = _text(env, name, str(default))
    # Western digits only: int() would take ١٢ as well.
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise ConfigError(
            f"config.{name.lower()}",
            f"QAFLOW_{name} must be a whole number from {low} to {high}; type: export QAFLOW_{name}={default}",
            minimum=low,
            maximum=high,
        )
    return int(text)


def _text(env: Env, name: str, default: str) -> str:
    """Return the setting; an empty one counts as not given."""
    return env.str(name, "").strip() or default
