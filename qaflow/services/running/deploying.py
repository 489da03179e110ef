"""Is this installation safe to open to others: settings, files and the machine's clock (`qaflow doctor --deploy`)."""

from __future__ import annotations

import datetime as dt
import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

from qaflow import config, paths
from qaflow.config import LOOPBACK, Settings
from qaflow.errors import ConfigError, QaflowError
from qaflow.services.auditing.checkpoints import KEY_FILE
from qaflow.services.ports import Ports
from qaflow.services.scopes import Scopes
from qaflow.services.signin import linking
from qaflow.services.work import AnySession
from qaflow.store import doctor as store
from qaflow.store.driver import driver

from . import outside
from .outside import Finding, unsafe

SKEW = dt.timedelta(seconds=30)


def check(session: AnySession, settings: Settings, now: dt.datetime, ports: Ports | None = None) -> list[Finding]:
    """Return what stands against opening the installation to others, each with what to type.

    With ``ports`` the providers of the sign-in are asked whether they answer, and the channels are looked at.
    """
    found = [_of(error) for error in _refusals(settings)]
    found += _address(settings, sandbox=_is_sandbox(session)) + _files(settings) + _clock(session, now)
    found += _signin(session, settings)
    if ports is not None:
        found += outside.check(session, ports, now)
    session.rollback()
    return found


def _of(error: ConfigError) -> Finding:
    why, _, remedy = error.detail.partition("; type: ")
    return unsafe(error.code, why, remedy)


def _refusals(settings: Settings) -> list[ConfigError]:
    found = []
    for demand in (config.require_secret, config.require_private):
        try:
            demand(settings)
        except ConfigError as error:
            found.append(error)
    return found


def _is_sandbox(session: AnySession) -> bool:
    from qaflow.store.audit import is_sandbox

    return is_sandbox(driver(session))


def _address(settings: Settings, sandbox: bool) -> list[Finding]:
    found = []
    base = urlsplit(settings.base_url)
    if base.scheme != "https" and not (sandbox and base.hostname in LOOPBACK):
        found.append(unsafe("config.base_url", f"{settings.base_url} is plain http: passwords and cookies can be read",
                             "export QAFLOW_BASE_URL=https://<the name people type>"))  # fmt: skip
    if settings.host not in LOOPBACK and not settings.allowed_hosts:
        found.append(unsafe("config.allowed_hosts", f"the server listens on {settings.host} and names no hosts",
                             "export QAFLOW_ALLOWED_HOSTS=<the name people type>"))  # fmt: skip
    if sandbox and settings.host not in LOOPBACK:
        found.append(unsafe("installation.sandbox", "a sandbox, where anybody may act for anybody, is open to others",
                             "export QAFLOW_HOST=127.0.0.1"))  # fmt: skip
    return found


def _files(settings: Settings) -> list[Finding]:
    found = []
    private = [settings.home / config.KEY_FILE, settings.home / KEY_FILE]
    if settings.sqlite_file is not None:
        private.append(settings.sqlite_file)
        kind = paths.filesystem(settings.sqlite_file)
        if kind in paths.NETWORK_FILESYSTEMS:
            found.append(unsafe("config.database_network", f"the database lies on {kind}, where locks do not hold",
                                 "export QAFLOW_HOME=<a folder on a local disk>"))  # fmt: skip
        found += _processes(settings.sqlite_file)
    for file in private:
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            found.append(unsafe("config.readable", f"others may read {file}", f"chmod 600 {file}"))
    if settings.home.exists() and settings.home.stat().st_mode & stat.S_IWOTH:
        found.append(unsafe("config.home", f"others may write in {settings.home}", f"chmod 700 {settings.home}"))
    return found


def _processes(file: Path) -> list[Finding]:
    workers = os.environ.get("WEB_CONCURRENCY", "1")
    if workers.isdigit() and int(workers) > 1:
        return [unsafe("config.sqlite_single_process", f"{workers} web processes on {file.name}: SQLite serves one",
                        "unset WEB_CONCURRENCY")]  # fmt: skip
    return []


def _signin(session: AnySession, settings: Settings) -> list[Finding]:
    """Return the providers whose college or roles this installation does not have: nobody would get in, or in vain."""
    found = []
    for of in settings.providers:
        try:
            scopes = Scopes(driver(session), linking.college_of(session, driver(session), of))
            for rule in of.roles:
                scopes.grant(rule.role)
        except QaflowError as error:
            found.append(unsafe("config.signin", f"the provider {of.key}: {error.detail}",
                                 "correct the file that QAFLOW_SIGNIN names"))  # fmt: skip
    return found


def _clock(session: AnySession, now: dt.datetime) -> list[Finding]:
    there = store.clock(driver(session))
    if there is None or abs(there - now) <= SKEW:
        return []
    return [unsafe("clock.skew", f"the database's clock is {abs(there - now).total_seconds():.0f} s off this one",
                    "timedatectl set-ntp true")]  # fmt: skip
