"""Acts on a cycle as programs send them: what people's forms do is done here as well, said once for every door."""

from __future__ import annotations

from collections.abc import Callable

from qaflow.engine import decide as engine
from qaflow.engine.snapshot import Data
from qaflow.errors import Invalid, QaflowError
from qaflow.services.desk import overdue
from qaflow.services.work import AnySession, Origin
from qaflow.store.db import Contended, Duplicate

from . import acts, saying
from . import page as cycle_page
from .page import CyclePage


def act(session: AnySession, origin: Origin, cycle: int, action: str, args: Data, revision: int | None) -> Data | None:
    """Let a person act: a comment names people, a copy goes to several, a reminder twice is one.

    Returns where the cycle stands after, where that is known without another look.
    """
    try:
        return SENT.get(action, acts.fire)(session, origin, cycle, action, args, revision)
    except (Contended, Duplicate):
        raise
    except QaflowError:
        cycle_page.look(session, origin, cycle)  # who cannot see it hears that there is none, whatever they sent
        raise


def _comment(session: AnySession, origin: Origin, cycle: int, action: str, args: Data, revision: int | None) -> None:
    saying.comment(session, origin, cycle, acts.check_args(action, args)["text"], revision)


def _copy(session: AnySession, origin: Origin, cycle: int, action: str, args: Data, revision: int | None) -> None:
    to = acts.check_args(action, args)["to"]
    if not isinstance(to, str):
        raise Invalid("type.expected_string", "to: must name persons by login")
    saying.copy(session, origin, cycle, [one.strip() for one in to.split(",") if one.strip()], revision)


def _remind(session: AnySession, origin: Origin, cycle: int, action: str, args: Data, revision: int | None) -> None:
    overdue.remind(session, origin, cycle, args, revision)


SENT: dict[str, Callable[[AnySession, Origin, int, str, Data, int | None], Data | None]] = {
    "comment": _comment, "copy": _copy, "remind": _remind,
}  # fmt: skip
"""Acts that are more than the engine's command."""


def allowed(page: CyclePage) -> list[str]:
    """Return the acts that this person may do on a cycle, its warnings and its work, in the engine's order."""
    offered = {*page.acts, *(a for w in page.warnings for a in w.acts), *(a for o in page.owed for a in o.acts)}
    return [one for one in engine.ACTIONS if one in offered]
