"""All SQL lives here, one module an aggregate; whoever imports any of it has all tables known."""

from qaflow.store import (
    tables_api,
    tables_chains,
    tables_cycles,
    tables_desk,
    tables_events,
    tables_journal,
    tables_notices,
    tables_organisation,
    tables_people,
    tables_reviews,
    tables_sessions,
    tables_voices,
    tables_work,
)

__all__ = [
    "tables_api", "tables_chains", "tables_cycles", "tables_desk", "tables_events", "tables_journal", "tables_notices",
    "tables_organisation", "tables_people", "tables_reviews", "tables_sessions", "tables_voices", "tables_work",
]  # fmt: skip
