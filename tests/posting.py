"""Everybody's mailbox for tests of notices: sweeps at an instant, and what each person got by it."""

import datetime as dt
from collections import defaultdict

from qaflow import testing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.ports import Notice, Post
from qaflow.services.sweeping.tick import swept
from qaflow.services.work import Origin
from qaflow.store.db import db

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
EIGHT = dt.datetime(2025, 9, 8, 0, tzinfo=dt.UTC)  # Monday 08:00 in Shanghai
POST = Post(base_url="https://qa.example.edu.cn")


class Box:
    """A mailbox of everybody."""

    def __init__(self) -> None:
        self.of: dict[str, list[Notice]] = defaultdict(list)

    def send(self, notice: Notice) -> None:
        """Keep a message."""
        self.of[notice.to].append(notice)

    def taken(self) -> dict[str, int]:
        """Return how many messages each has got since the last time asked."""
        found, self.of = {to: len(many) for to, many in self.of.items()}, defaultdict(list)
        return found


def tick(world: testing.World, at: dt.datetime, box: Box) -> None:
    """Sweep and hand over at an instant."""
    world.now = at
    swept(db.session, Origin(now=at, recorded=at, door="test"), limit=400 * DAY, mailer=box, post=POST)


def signed(world: testing.World, login: str) -> SignedIn:
    """Return somebody as signed in."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="zh", device="", kinds=frozenset(), titles=())  # fmt: skip
