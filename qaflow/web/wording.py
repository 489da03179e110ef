"""What the pages say of errors, ends of sessions and kinds of work, in words for people."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from qaflow.errors import QaflowError

ENDED: dict[str | None, Any] = {
    "idle": _("You were signed out because nothing was done for two hours."),
    "old": _("You were signed out after twelve hours. Sign in again."),
    "password": _("Your password was changed. Sign in with the new one."),
    "roles": _("Your roles were changed. Sign in again."),
    "disabled": _("This account is disabled. Ask your administrator."),
}
"""Why a session is over, where the person did not sign out themselves."""

KINDS: dict[str, Any] = {
    "submit": _("Fill in and submit"),
    "decide": _("Decide"),
    "sign": _("Countersign"),
    "acknowledge": _("Acknowledge a warning"),
    "correct": _("Carry out a correction"),
    "confirm": _("Confirm a correction"),
    "sheet": _("Diagnosis sheet"),
}
"""Kinds of work items."""

FAULTS: dict[str, Any] = {
    "signin.needed": _("Sign in first."),
    "signin.wrong": _("The login or the password is wrong. After many wrong tries sign-in pauses for a while."),
    "signin.too_many": _("Too many wrong passwords for this account. Sign-in is paused."),
    "password.too_short": _("A password has at least ten characters. Four words that do not belong together are good."),
    "password.weak": _("A password is neither blank nor the login."),
    "password.personal": _("A password does not hold your login or name."),
    "password.common": _("This password is among the first that others would try. Take a less usual one."),
    "password.same": _("The new password is the old one."),
    "password.differs": _("The two entries differ."),
    "password.shared": _("Only in a sandbox do people share a password."),
    "password.old": _("The present password is wrong."),
    "account.disabled": _("This account is disabled."),
    "actor.disabled": _("This account is disabled."),
    "text.blank": _("Something must be entered here."),
    "text.too_long": _("This text is too long."),
    "text.control_character": _("The text holds signs that cannot be seen or printed."),
    "date.invalid": _("This is not a day. Write it as 2026-11-19."),
    "value.unknown": _("This choice does not exist."),
    "ref.unknown_user": _("Nobody in your college has this login or name."),
    "ref.ambiguous_user": _("Several persons have this name. Enter the login."),
    "ref.disabled_user": _("This person's account is disabled."),
    "ref.unknown_layer": _("This layer does not exist."),
    "ref.unknown_role": _("This role does not exist."),
    "deputy.self": _("Nobody stands in for themselves."),
    "deputy.dates": _("The last day lies before the first."),
    "deputy.cycle": _("In these days this person's own deputies lead back to you. Choose somebody else or other days."),
    "deputy.chain": _("Too many deputies of deputies. Choose somebody who is there themselves."),
    "deputy.not_found": _("This appointment has ended already."),
    "person.not_found": _("There is no such person, or it is not yours to see."),
    "cycle.not_found": _("There is no such cycle, or it is not yours to see."),
    "college.not_found": _("There is no such college, or it is not yours to see."),
    "object.not_found": _("There is no such thing, or it is not yours to see."),
    "action.forbidden": _("You have no right to do this."),
    "actor.system": _("This account belongs to the program and decides nothing."),
    "approval.own": _("Nobody approves their own work."),
    "approval.not_signer": _("You are not among those who decide here."),
    "transition.not_allowed": _("The present state does not allow this."),
    "visit.stale": _("Somebody changed this in the meantime. Compare both versions, then decide again."),
    "version.stale": _("Somebody changed this in the meantime. Compare both versions, then decide again."),
    "gate.missing": _("Something is still missing before this stage can be submitted."),
    "item.not_open": _("This work is done already."),
    "item.none": _("There is no open work of this kind."),
    "warning.open": _("A warning is still open."),
    "extend.own": _("Nobody extends their own work."),
    "extend.not_later": _("The new day does not lie after the present one."),
    "transfer.same": _("This person holds the work already."),
    "csrf": _("This page was open too long, or it was sent from elsewhere. Nothing was changed."),
    "csrf.origin": _("This was sent from another site's page. Nothing was changed."),
    "calendar.not_adopted": _("The calendar of that year has not been adopted yet."),
    "installation.missing": _("There is no installation yet. Whoever runs the machine types: qaflow init"),
    "database.schema_empty": _("There is no database yet. Whoever runs the machine types: qaflow init"),
    "database.schema_older": _("The database is older than the program. Whoever runs the machine types: qaflow init"),
    "database.schema_newer": _("The database is newer than the program. Install that version of qaflow."),
    "busy": _("Others are changing the same records. Try again in a moment."),
    "database.busy": _("The database is busy. Try again in a moment."),
    "database.unreachable": _("The database does not answer. Try again later."),
    "account.system": _("This account belongs to the program."),
    "action.unknown": _("This action does not exist."),
    "actor.unproven": _("Sign in first."),
    "approval.no_signer": _("Nobody can decide this: the post and all above it are empty. Tell the quality office."),
    "calendar.contradiction": _("This day is said to be both a day off and a working day."),
    "calendar.year": _("This year cannot be adopted."),
    "clock.future": _("This instant has not come yet."),
    "code.blank_inside": _("A code holds no blank."),
    "college.exists": _("This college is there already."),
    "college.invalid": _("The college's file is not right."),
    "copy.may_not_see": _("This person may not see the cycle."),
    "cycle.exists": _("There is a cycle for this subject and period already."),
    "data.invalid": _("Something entered is not right."),
    "date.ambiguous": _("This day can be read in two ways. Write it as 2026-11-19."),
    "def.duplicate_id": _("This key is used twice."),
    "definition.not_found": _("There is no such definition."),
    "definition.version_taken": _("This version is published already, with other content."),
    "file.empty": _("The file is empty."),
    "file.name": _("The name of the file cannot be taken."),
    "file.not_found": _("There is no such file."),
    "file.not_readable": _("The file cannot be read."),
    "file.too_large": _("The file is too large."),
    "file.type_mismatch": _("The content of the file is not what its name says."),
    "file.type_refused": _("Files of this kind are not taken."),
    "grant.not_found": _("This role was taken away already."),
    "handover.self": _("Nobody hands over to themselves."),
    "history.sealed": _("The history of this cycle does not agree with itself. It is read-only until that is cleared."),
    "item.not_found": _("There is no such work."),
    "login.taken": _("This login is taken. Choose another."),
    "migration.unfit": _("This cycle cannot go over to that definition."),
    "number.invalid": _("This is not a number."),
    "office.last": _("Nobody else is of the quality office. Give somebody that role first."),
    "point.target": _("The target of this control point does not fit its limits."),
    "query.unknown": _("This question cannot be asked."),
    "readings.invalid": _("The readings are not right."),
    "ref.unknown_point": _("There is no such control point."),
    "schedule.not_found": _("This subject has no such track."),
    "scope.invalid": _("The scope does not say of what."),
    "scope.unknown": _("This scope does not exist."),
    "sheet.not_assessor": _("This diagnosis sheet is for somebody else to fill in."),
    "sheet.not_found": _("There is no open diagnosis sheet of this kind."),
    "signer.twice": _("This person is among the signers already."),
    "stage.not_decided": _("Only a stage that was decided can be reopened."),
    "stage.not_earlier": _("Only an earlier stage can be returned to."),
    "stage.unknown": _("This stage does not exist."),
    "subject.not_found": _("There is no such subject, or it is not yours to see."),
    "target.ambiguous": _("Several things fit. Say which one is meant."),
    "term.overlap": _("The terms overlap."),
    "term.reversed": _("The term ends before it begins."),
    "text.invalid_unicode": _("The text holds broken characters."),
    "track.in_use": _("This track is in use."),
    "track.not_found": _("This layer has no such track."),
    "value.range": _("This value is out of range."),
    "warning.not_found": _("There is no such warning."),
    "http.400": _("The request cannot be understood."),
    "http.404": _("There is no such page."),
    "http.405": _("This address does not take such a request."),
    "http.413": _("This is too large."),
    "http.415": _("This kind of data is not taken."),
    "internal": _("Something went wrong inside. It was noted; give the reference number to your administrator."),
}
"""What a code of an error means to a person; a code without its sentence falls back to the kind."""

STATUS: dict[int, Any] = {
    400: _("The request cannot be understood."),
    401: _("Sign in first."),
    403: _("You have no right to do this."),
    404: _("There is no such thing, or it is not yours to see."),
    409: _("The present state does not allow this."),
    412: _("Somebody changed this in the meantime. Compare both versions, then decide again."),
    422: _("Something entered is not right."),
    503: _("Something that is needed does not answer. Try again later."),
}
TITLES: dict[int, Any] = {
    400: _("Not understood"),
    401: _("Not signed in"),
    403: _("Not allowed"),
    404: _("Not found"),
    409: _("Not possible now"),
    412: _("Changed in the meantime"),
    413: _("Too large"),
    422: _("Not right yet"),
    429: _("Too many tries"),
    503: _("Not available"),
}


def told(error: QaflowError) -> str:
    """Return what an error means, in the language of the page."""
    return str(FAULTS.get(error.code) or STATUS.get(error.status) or FAULTS["internal"])


def title(status: int) -> str:
    """Return the heading of an error's page."""
    return str(TITLES.get(status) or _("That did not work"))
