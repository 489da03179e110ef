"""The private calendar: its page, and the calendar itself (iCalendar, RFC 5545) for whoever knows the address."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from icalendar import Alarm, Calendar, Event
from werkzeug.wrappers import Response

from qaflow.services.events import feeds
from qaflow.services.events.feeds import Diary, Entry
from qaflow.services.running.installation import now_of
from qaflow.store.db import db
from qaflow.web.access import me, mine, public
from qaflow.web.requests import ports
from qaflow.web.wording import KINDS

RINGS = time(9)  # on the working day before, by the college's clocks
STATUS = {"open": "CONFIRMED", "stopped": "TENTATIVE"}
REFRESH = timedelta(hours=1)

pages = Blueprint("feeds", __name__)


@pages.get("/me/calendar")
def show() -> str:
    """Tell whether one has a calendar, without its address."""
    return _page()


@pages.post("/me/calendar")
def renew() -> str:
    """Make the calendar's address, or a new one, and show it this once."""
    token = feeds.renew(db.session, mine(), me())
    return _page(feeds.address(_base(), token))


@pages.post("/me/calendar/revoke")
def revoke() -> Response:
    """Close the calendar."""
    feeds.revoke(db.session, me())
    flash(_("The calendar is closed; its address opens nothing any more."), "ok")
    return redirect(url_for("feeds.show"), 303)


@pages.get("/calendar/<token>.ics")
@public
def calendar(token: str) -> Response:
    """Give the calendar that has this address, in its owner's language."""
    found = feeds.read(db.session, token, now_of(db.session, ports())[0])
    g.lang = found.language
    answer = make_response(written(found, _base()))
    answer.content_type = "text/calendar; charset=utf-8"
    answer.headers["Content-Disposition"] = 'inline; filename="qaflow.ics"'
    answer.add_etag()
    return answer.make_conditional(request)


def written(of: Diary, base: str) -> bytes:
    """Write a calendar; ``base`` is the installation's address."""
    whole = Calendar()
    name = _("Quality work, %(college)s", college=of.college)
    for key, value in (("prodid", "-//qaflow//calendar//EN"), ("version", "2.0"), ("name", name),
                       ("x-wr-calname", name), ("x-wr-timezone", of.zone.key)):  # fmt: skip
        whole.add(key, value)
    whole.add("refresh-interval", REFRESH, {"VALUE": "DURATION"})
    for entry in of.entries:
        whole.add_component(_event(of, entry, base))
    whole.add_missing_timezones()
    return bytes(whole.to_ical())


def _event(of: Diary, entry: Entry, base: str) -> Event:
    """Write the last day of an item: from midnight to midnight by the college's clocks, wherever one reads it."""
    made = Event()
    starts = datetime.combine(entry.day, time(), of.zone)
    made.add("uid", f"item-{entry.id}@{urlsplit(base).hostname}")
    made.add("sequence", entry.sequence)
    made.add("dtstamp", entry.changed)
    made.add("dtstart", starts)
    made.add("dtend", datetime.combine(entry.day + timedelta(days=1), time(), of.zone))
    made.add("summary", _title(of, entry))
    made.add("status", STATUS.get(entry.state, "CANCELLED"))
    made.add("transp", "TRANSPARENT")  # it blocks nobody's day
    made.add("url", base + (f"/cycles/{entry.cycle}" if entry.cycle else "/inbox"))
    if entry.state == "open":
        made.add_component(_alarm(_title(of, entry), datetime.combine(entry.before, RINGS, of.zone) - starts))
    return made


def _title(of: Diary, entry: Entry) -> str:
    stage = [getattr(entry.stage, of.language)] if entry.stage else []
    return " · ".join([str(KINDS.get(entry.kind, entry.kind)), entry.subject, *stage])


def _alarm(text: str, before: timedelta) -> Alarm:
    made = Alarm()
    made.add("action", "DISPLAY")
    made.add("description", text)
    made.add("trigger", before)
    return made


def _base() -> str:
    return ports().settings.base_url.rstrip("/")


def _page(address: str = "") -> str:
    return render_template("calendar_feed.html", feed=feeds.mine(db.session, me()), address=address)
