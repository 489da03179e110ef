"""Backup and restore: one file with the database of one moment and the evidence, every part with its hash.

A restored database is in the past: what waited to be sent may have gone out since, and what the tick does next may
have been done before.  So notices that wait are dropped unless they are asked for again, and automatic steps wait for
`qaflow tick --confirm`.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qaflow import __version__
from qaflow.config import Settings
from qaflow.errors import CorruptHistory, Invalid, Missing, Refused, Unavailable
from qaflow.paths import make_private
from qaflow.services.college import forget
from qaflow.services.work import AnySession, transact
from qaflow.store import backup as store
from qaflow.store import db as database
from qaflow.store import journal, outbox, ticks
from qaflow.store.schema import REVISIONS, SCHEMA_HEAD

FORMAT = 1
KIND = "qaflow-backup"
MANIFEST = "manifest.json"
DATABASE = "database.sqlite3"
EVIDENCE = "evidence"
CHUNK = 1 << 20
MOST_MANIFEST = 256 << 20
RESTORED = "restored"
"""How the reason of a pause begins that a restore left."""
_MEMBER = re.compile(r"(database\.sqlite3|tables/[a-z_]+\.copy|evidence(/[0-9A-Za-z][0-9A-Za-z._-]*)+)")


def make(session: AnySession, settings: Settings, target: Path, now: dt.datetime) -> dict[str, Any]:
    """Write the backup file, whole or not at all; writers go on meanwhile."""
    if target.exists():
        raise Refused("file.exists", f"{target} is there already; name a new file", path=str(target))
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with tempfile.TemporaryDirectory(prefix="backup-", dir=make_private(settings.home)) as name:
            folder = Path(name)
            entries = _copied(session, settings, folder)
            manifest = _written(draft, folder, settings, entries, now)
        draft.replace(target)
    except OSError as error:
        raise Unavailable("file.not_writable", f"cannot write {target}: {error.strerror}", path=str(target)) from error
    finally:
        draft.unlink(missing_ok=True)
    return {k: v for k, v in manifest.items() if k != "files"} | {
        "file": str(target), "bytes": target.stat().st_size,
        "evidence": sum(name.startswith(EVIDENCE + "/") for name in manifest["files"]),
    }  # fmt: skip


def _copied(session: AnySession, settings: Settings, folder: Path) -> int:
    source = settings.sqlite_file
    if source is not None:
        if not source.exists():
            raise Missing("database.missing", f"there is no database {source}", path=str(source))
        store.copy_sqlite(source, folder / DATABASE)
        return store.look_into(folder / DATABASE)[0]
    (folder / "tables").mkdir()
    return store.dump_postgresql(session, folder / "tables")


def _written(draft: Path, folder: Path, settings: Settings, entries: int, now: dt.datetime) -> dict[str, Any]:
    """Write the archive; evidence is read after the database, so that every file it names is there."""
    files: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(draft, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for root, base in ((folder, folder), (settings.home / EVIDENCE, settings.home)):
            for file in sorted(p for p in root.rglob("*") if p.is_file()):
                name = file.relative_to(base).as_posix()
                if not _MEMBER.fullmatch(name):
                    continue  # a draft of an upload: no fact names it
                files[name] = _added(archive, name, file)
        manifest = {
            "kind": KIND, "format": FORMAT, "at": database.utc(now), "program": __version__, "schema": SCHEMA_HEAD,
            "dialect": settings.database.get_backend_name(), "entries": entries, "files": files,
        }  # fmt: skip
        archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True))
    return manifest


def _added(archive: zipfile.ZipFile, name: str, file: Path) -> dict[str, Any]:
    hasher, size = hashlib.sha256(), 0
    with file.open("rb") as source, archive.open(name, "w", force_zip64=True) as out:
        while part := source.read(CHUNK):
            hasher.update(part)
            size += len(part)
            out.write(part)
    return {"sha256": hasher.hexdigest(), "size": size}


def restore(
    app: Any, session: AnySession, settings: Settings, source: Path, now: dt.datetime, *, resend: bool = False
) -> dict[str, Any]:
    """Put a backup into an empty place; every part is checked against its hash before anything is touched.

    `Refused` (``restore.target_not_empty``) where the database is in use or holds anything.
    """
    with _opened(source) as archive:
        manifest = _manifest(archive, settings)
        with _unused(settings), tempfile.TemporaryDirectory(prefix="restore-", dir=make_private(settings.home)) as name:
            folder = Path(name)
            _refuse_filled(session, settings)
            _extracted(archive, manifest["files"], folder)
            _placed(app, session, settings, folder, manifest)
    forget(session)
    missing = journal.missing_triggers(session)
    session.rollback()
    if missing:
        raise CorruptHistory("journal.triggers", f"the journal's triggers do not stand: {', '.join(missing)}")
    reason = f"{RESTORED if resend else ticks.QUIETLY} from the backup of {manifest['at']}"

    def body(d: database.Driver) -> int:
        store.pause(d, reason)
        return 0 if resend else outbox.drop_waiting(d, database.utc(now))

    dropped = transact(session, body)
    return {k: v for k, v in manifest.items() if k != "files"} | {
        "notices_dropped": dropped, "paused": reason, "files": len(manifest["files"]),
    }  # fmt: skip


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    if not source.is_file():
        raise Missing("file.not_found", f"there is no file {source}", path=str(source))
    try:
        archive = zipfile.ZipFile(source)
    except PermissionError:
        raise Invalid("file.not_readable", f"{source} may not be read", path=str(source)) from None
    except (zipfile.BadZipFile, OSError) as error:
        raise Invalid("backup.invalid", f"{source} is no backup: {error}", path=str(source)) from error
    with archive:
        yield archive


def _manifest(archive: zipfile.ZipFile, settings: Settings) -> dict[str, Any]:
    try:
        if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST:
            raise ValueError("its manifest is too long")
        found = json.loads(archive.read(MANIFEST))
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise Invalid("backup.invalid", f"{archive.filename} is no backup: {error}") from error
    if (
        not isinstance(found, dict)
        or found.get("kind") != KIND
        or found.get("format") != FORMAT
        or not isinstance(found.get("files"), dict)
    ):
        raise Invalid("backup.invalid", f"{archive.filename} is no backup of format {FORMAT}")
    if found["schema"] not in REVISIONS:
        raise Refused("schema.newer", "the backup was made by a later program; install that version or a later one")
    here = settings.database.get_backend_name()
    if found["dialect"] != here:
        raise Refused("restore.other_database", f"the backup is of {found['dialect']}, this installation uses {here}")
    return found


@contextmanager
def _unused(settings: Settings) -> Iterator[None]:
    """Hold the lock that `qaflow run` holds; refuse where a server has it."""
    file = settings.sqlite_file
    if file is None:
        yield
        return
    make_private(file.parent)
    lock = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _occupied(f"a running qaflow serves {file}") from error
        yield
    finally:
        os.close(lock)


def _occupied(why: str) -> Refused:
    return Refused(
        "restore.target_not_empty", f"{why}; a backup is restored into an empty home: export QAFLOW_HOME=<a new folder>"
    )


def _refuse_filled(session: AnySession, settings: Settings) -> None:
    file = settings.sqlite_file
    filled = store.filled_sqlite(file) if file is not None else store.filled_postgresql(database.reading(session))
    session.rollback()
    if filled:
        raise _occupied(f"the database {file or settings.database.database} is not empty")


def _extracted(archive: zipfile.ZipFile, files: dict[str, Any], folder: Path) -> None:
    """Unpack what the manifest names, and nothing else, checking each size and hash."""
    held = {i.filename for i in archive.infolist()} - {MANIFEST}
    if held != set(files):
        raise Invalid("backup.corrupt", f"the backup does not hold what its manifest names: {min(held ^ set(files))!a}")
    for name, wanted in files.items():
        if not _MEMBER.fullmatch(name) or ".." in name:
            raise Invalid("backup.corrupt", f"{name!a} is no part of a backup")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            same = _unpacked(archive, name, target, wanted["size"]) == wanted["sha256"]
        except (zipfile.BadZipFile, OSError, EOFError, KeyError, TypeError) as error:
            raise Invalid("backup.corrupt", f"{name} cannot be read: {error}") from error
        if not same:
            raise Invalid("backup.corrupt", f"{name} is not what was backed up: its hash differs")


def _unpacked(archive: zipfile.ZipFile, name: str, target: Path, size: int) -> str:
    """Write one part and return its hash; more bytes than the manifest says are not written."""
    hasher, left = hashlib.sha256(), size
    with archive.open(name) as source, target.open("wb") as out:
        while part := source.read(min(CHUNK, left + 1)):
            left -= len(part)
            if left < 0:
                return ""
            hasher.update(part)
            out.write(part)
    return hasher.hexdigest()


def _placed(app: Any, session: AnySession, settings: Settings, folder: Path, manifest: dict[str, Any]) -> None:
    file = settings.sqlite_file
    if file is not None:
        entries, _ = store.look_into(folder / DATABASE)
        if entries != manifest["entries"]:
            raise CorruptHistory(
                "backup.corrupt", f"the backup holds {entries} entries, its manifest says {manifest['entries']}"
            )
        session.remove() if hasattr(session, "remove") else session.close()
        _dispose(session)
        for stale in ("-wal", "-shm", "-journal"):
            Path(f"{file}{stale}").unlink(missing_ok=True)
        (folder / DATABASE).chmod(0o600)
        (folder / DATABASE).replace(file)
    else:
        if manifest["schema"] != SCHEMA_HEAD:
            raise Refused(
                "schema.older", f"the backup has schema {manifest['schema']}; restore it with the program that made it"
            )
        database.upgrade(app)
        transact(session, lambda d: store.fill_postgresql(d, folder / "tables"))
    _evidence(folder / EVIDENCE, settings.home / EVIDENCE)


def _dispose(session: AnySession) -> None:
    bind: Any = session.get_bind()
    getattr(bind, "engine", bind).dispose()


def _evidence(source: Path, target: Path) -> None:
    for file in sorted(p for p in source.rglob("*") if p.is_file()):
        place = target / file.relative_to(source)
        make_private(place.parent)
        if not place.exists():
            shutil.move(file, place)
