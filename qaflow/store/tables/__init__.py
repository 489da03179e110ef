"""The tables, by what they are about; whoever imports the package has all of them known."""

from . import (
    api,
    chains,
    cycles,
    desk,
    events,
    journal,
    notices,
    organisation,
    people,
    reviews,
    sessions,
    signin,
    voices,
    work,
)

__all__ = [
    "api",
    "chains",
    "cycles",
    "desk",
    "events",
    "journal",
    "notices",
    "organisation",
    "people",
    "reviews",
    "sessions",
    "signin",
    "voices",
    "work",
]
