"""`qaflow user`: accounts, their passwords and tokens, and the handover of a leaver's work."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from qaflow import paths
from qaflow.cli import output
from qaflow.cli.frame import Group, Whole, installation, ports
from qaflow.errors import Usage
from qaflow.services.accounts import book as service
from qaflow.services.accounts import deputies, enrolling, password_rules, passwords, reseating
from qaflow.services.running.installation import operator
from qaflow.services.work import Origin
from qaflow.store.db import db

VARIABLE = "QAFLOW_PASSWORD"
MOST_BYTES = 4096
MOST_NUMBER = 2**63 - 1
COLUMNS = [("cycle", "cycle"), ("item", "item"), ("kind", "kind"), ("due", "due")]


class OnTheLine(click.Option):
    """`--password`: everybody on the machine could read it in the list of processes, so it is refused."""

    def __init__(self, *names: Any, **more: Any) -> None:
        """Take the value only to refuse it, without saying it again."""
        more |= {"hidden": True, "expose_value": False, "is_eager": True, "callback": _refused}
        super().__init__(*names, **more)


def _refused(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value is not None:
        raise _no_password()


def _no_password() -> Usage:
    return Usage("password.on_command_line", "a password on the command line can be read by others: leave it out and "
                 f"type it when asked, or use --password-file FILE or {VARIABLE}")  # fmt: skip


password_file = click.option("--password-file", metavar="FILE", help="Read the password from a file.")
no_password = click.option("--password", cls=OnTheLine)


@click.group(cls=Group)
def user() -> None:
    """Add and disable people, set passwords, give tokens, enter deputies, hand a leaver's work over."""


@user.command()
@click.argument("login")
@click.option("--name", required=True, help="The person's name.")
@click.option("--college", help="Key of the college; may be left out where there is only one.")
@click.option("--language", type=click.Choice(service.LANGUAGES), default="zh", show_default=True)
@click.option("--role", "roles", multiple=True, metavar="ROLE@SCOPE",
              help="Scopes: college, unit:CODE, layer:KEY, subject:LAYER/CODE.")  # fmt: skip
@password_file
@no_password
def add(login: str, as_json: bool, password_file: str | None, **given: Any) -> None:
    """Add a person, with roles; a password only where a file or QAFLOW_PASSWORD gives one."""
    with installation():
        secret = _given(password_file)
        if secret is not None:
            password_rules.settled(login, given["name"], secret, ports().settings.breached_passwords)
        added = enrolling.enrol(db.session, operator(db.session, ports()), login, **given)
        if secret is not None:
            _set(operator(db.session, ports()), login, secret)
        output.emit(added, as_json, lines=[f"{added['login']} is account {added['id']} of {added['college']}"])


@user.command()
@click.argument("login")
@click.option("--reason", default="", help="Why; kept with the account's history.")
def disable(login: str, reason: str, as_json: bool) -> None:
    """Disable an account and its tokens; its open work is listed, and falls to the quality office."""
    with installation():
        left = service.disable(db.session, operator(db.session, ports()), login, reason)
        items = [{"cycle": i.cycle, "item": i.no, "kind": i.kind, "due": i.due, "state": i.state} for i in left]
        then = ": qaflow user handover passes them on" if items else ""
        lines = [f"{login} is disabled; {len(items)} work items are left{then}"]
        document = {"login": login, "disabled": True, **output.listed(items)}
        output.emit(document, as_json, COLUMNS if items else (), lines)


@user.command()
@click.argument("login")
@click.argument("surplus", nargs=-1, type=click.UNPROCESSED, metavar="")
@password_file
@no_password
def passwd(login: str, surplus: tuple[str, ...], password_file: str | None, as_json: bool) -> None:
    """Set a password: asked for, or from a file or QAFLOW_PASSWORD; never on the command line."""
    if surplus:
        raise _no_password()
    with installation():
        origin = operator(db.session, ports())
        secret = _given(password_file)
        _set(origin, login, _asked() if secret is None else secret)
        output.emit({"login": login, "changed": True}, as_json, lines=[f"{login} has a new password"])


def _set(origin: Origin, login: str, secret: str) -> None:
    passwords.password(db.session, origin, login, secret, ports().settings.breached_passwords)


@user.command()
@click.argument("login")
@click.option("--name", default="", help="What it is for.")
@click.option("--days", type=Whole(1, passwords.MOST_DAYS), help="How long it lasts; without end unless told.")
@click.option("--revoke", is_flag=True, help="Revoke every token of the person instead.")
def token(login: str, name: str, days: int | None, revoke: bool, as_json: bool) -> None:
    """Make a token for QAFLOW_TOKEN; it is shown this once."""
    with installation():
        if revoke:
            count = passwords.revoke_tokens(db.session, operator(db.session, ports()), login)
            output.emit({"login": login, "revoked": count}, as_json, lines=[f"{count} tokens of {login} are revoked"])
            return
        text = passwords.token_for(db.session, operator(db.session, ports()), login, name, days)
        output.emit({"login": login, "token": text}, as_json, lines=[text])
        output.note("it is shown this once: export QAFLOW_TOKEN=...")


@user.command()
@click.argument("leaver", metavar="FROM")
@click.argument("to")
@click.option("--reason", default="", help="Why; kept with each item.")
def handover(leaver: str, to: str, reason: str, as_json: bool) -> None:
    """Pass a leaver's subjects and open work on to somebody else, in one step."""
    with installation():
        done = reseating.handover(db.session, operator(db.session, ports()), leaver, to, reason)
        told = f"{done['subjects']} subjects and {done['items']} work items passed from {leaver} to {to}"
        if done["left"]:
            output.note(f"{len(done['left'])} items found nobody who may hold them: they fall to the quality office")
        output.emit(done, as_json, lines=[told])


@user.group(cls=Group)
def deputy() -> None:
    """Let somebody stand in for an absent person, or end that early."""


@deputy.command("add")
@click.argument("login")
@click.argument("stand_in", metavar="DEPUTY")
@click.option("--from", "starts", required=True, metavar="DAY", help="First day, as YYYY-MM-DD.")
@click.option("--to", "ends", required=True, metavar="DAY", help="Last day, as YYYY-MM-DD.")
@click.option("--role", help="For one role of the absent person only.")
@click.option("--layer", help="For one layer only.")
@click.option("--reason", default="", help="Why; kept with the appointment.")
def add_deputy(login: str, stand_in: str, as_json: bool, **terms: Any) -> None:
    """Let DEPUTY act in their own name for LOGIN between two days, both included."""
    with installation():
        number = deputies.enter(db.session, operator(db.session, ports()), login, stand_in, **terms)
        told = f"{stand_in} stands in for {login} from {terms['starts']} to {terms['ends']}: appointment {number}"
        output.emit({"deputy": number, "person": login, "to": stand_in, **terms}, as_json, lines=[told])


@deputy.command("end")
@click.argument("number", type=Whole(1, MOST_NUMBER))
def end_deputy(number: int, as_json: bool) -> None:
    """End an appointment before its last day."""
    with installation():
        deputies.end(db.session, operator(db.session, ports()), number)
        output.emit({"deputy": number, "ended": True}, as_json, lines=[f"appointment {number} has ended"])


def _given(file: str | None) -> str | None:
    """Return the password of the file or of the environment, None where neither gives one."""
    if file is None:
        return os.environ.get(VARIABLE) or None
    try:
        text = paths.read_input(file, MOST_BYTES).decode()
    except UnicodeDecodeError:
        raise Usage("encoding.not_utf8", f"{file} is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")


def _asked() -> str:
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        raise Usage("password.missing", f"nobody can be asked here: use --password-file FILE or {VARIABLE}")
    asked: str = click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    return asked
