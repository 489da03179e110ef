"""`qaflow audit`: verify the journal, sign a checkpoint, pack one cycle's history and verify a pack."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from qaflow.cli import output
from qaflow.cli.frame import Group, Whole, installation, ports
from qaflow.errors import Invalid, Unavailable
from qaflow.paths import read_input
from qaflow.services.auditing import audit as service
from qaflow.services.auditing import checkpoints, packs
from qaflow.services.running import installation as installations
from qaflow.store.db import db

LISTED = 20
FILE = click.Path(readable=False, dir_okay=True, path_type=Path)


@click.group(cls=Group)
def audit() -> None:
    """Prove the journal: verify, checkpoint, pack, verify-pack."""


@audit.command("verify")
@click.option("--checkpoint", type=FILE, help="A checkpoint kept outside: then a cut or rewritten tail is found too.")
def verify(checkpoint: Path | None, as_json: bool) -> None:
    """Hash and replay every journal, and compare with the tables."""
    given = document(checkpoint) if checkpoint else None
    with installation():
        report = service.verify(db.session, given)
        if given is not None:
            own = checkpoints.own_key(ports().settings.home)
            report["checkpoint"]["own_key"] = own is not None and own == given["public_key"]
    output.told(report, as_json, _verified(report), None if report["verified"] else unsound("audit.broken", report))


@audit.command("checkpoint")
@click.option("--out", type=FILE, required=True, help="Where to write it; keep it outside this machine.")
def checkpoint(out: Path, as_json: bool) -> None:
    """Sign all stream heads of this moment into a file to be kept elsewhere."""
    with installation():
        made = checkpoints.make(db.session, installations.operator(db.session, ports()), ports().settings.home)
    write_new(out, json.dumps(made, ensure_ascii=False, indent=1) + "\n")
    told = {k: v for k, v in made.items() if k != "heads"} | {"file": str(out)}
    lines = [f"{out}: {made['entries']} entries in {made['streams']} streams", f"public key {made['public_key']}",
             "keep this file outside this machine: what is written anew later can only be seen against it"]  # fmt: skip
    output.emit(told, as_json, lines=lines)


@audit.command("pack")
@click.argument("cycle", type=Whole(1, 10**15))
@click.option("--out", type=FILE, required=True, help="Where to write the pack.")
def pack(cycle: int, out: Path, as_json: bool) -> None:
    """Write one cycle's whole history into a file that proves itself."""
    with installation():
        made = packs.make(db.session, cycle)
    write_new(out, packs.as_text(made))
    told = {"file": str(out), "cycle": cycle, "entries": made["length"], "head": made["head"]}
    output.emit(told, as_json, lines=[f"{out}: {made['length']} entries, head {made['head']}"])


@audit.command("verify-pack")
@click.argument("file", type=FILE)
@click.option("--checkpoint", type=FILE, help="A checkpoint from a source you trust.")
def verify_pack(file: Path, checkpoint: Path | None, as_json: bool) -> None:
    """Verify a pack with nothing but the file, and against a checkpoint where you have one."""
    report = packs.verify(document(file), document(checkpoint) if checkpoint else None)
    output.told(report, as_json, _packed(report), None if report["consistent"] else unsound("pack.broken", report))


def document(file: Path) -> dict[str, Any]:
    """Return the JSON object that a file holds."""
    try:
        found = json.loads(read_input(file, limit=1 << 30).decode())
    except (ValueError, RecursionError) as error:
        raise Invalid("json.invalid", f"{file} is no JSON: {error}", path=str(file)) from error
    if not isinstance(found, dict):
        raise Invalid("json.not_object", f"{file} holds no JSON object", path=str(file))
    return found


def write_new(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Unavailable("file.not_writable", f"cannot write {file}: {error.strerror}", path=str(file)) from error


def unsound(code: str, report: dict[str, Any]) -> Invalid:
    """Return the refusal that names the first bad entry."""
    first = report["first_bad"]
    where = f"{first['stream']} entry {first['seq']}: {first['why']}" if first else report["findings"][0]["why"]
    return Invalid(code, where, **report)


def _verified(report: dict[str, Any]) -> list[str]:
    lines = [_finding(f) for f in report["findings"][:LISTED]]
    more = len(report["findings"]) - LISTED + report.get("unlisted", 0)
    lines += [f"… and {more} more"] if more > 0 else []
    known = report.get("checkpoint")
    if known is not None:
        key = "this installation's key" if known["own_key"] else f"the key {known['public_key']}"
        lines.append(
            f"checkpoint of {known['at']}, signed by {key}: {known['same']} of {known['streams']} streams agree"
        )
    elif report["verified"]:
        lines.append("without a checkpoint a tail that was cut or written anew, rows and all, cannot be seen")
    return [
        *lines,
        f"{'' if report['verified'] else 'NOT '}verified: {report['entries']} entries, {report['streams']} streams",
    ]


def _finding(found: dict[str, Any]) -> str:
    place = f"{found['stream']} entry {found['seq']}: " if found["stream"] else ""
    told = f"{place}{found['why']}"
    if "expected" in found or "found" in found:
        told += f" (expected {found.get('expected')}, found {found.get('found')})"
    return told


def _packed(report: dict[str, Any]) -> list[str]:
    lines = [_finding(f) for f in report["findings"][:LISTED]]
    if not report["consistent"]:
        return [*lines, f"NOT consistent after {report['entries']} entries"]
    lines.append(f"consistent: {report['entries']} entries")
    known = report["checkpoint"]
    if known is None:
        return [
            *lines,
            f"head {report['head']}",
            "compare this head with one from a source you trust, or give --checkpoint",
        ]
    beyond = report["entries"] - known["length"]
    return [*lines, f"agrees with the checkpoint of {known['at']} ({known['public_key']}) up to entry {known['length']}"
            + (f"; {beyond} later entries are not covered by it" if beyond else "")]  # fmt: skip
