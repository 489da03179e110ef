"""Work that fails, and its incidents, written beside the program."""

from browsing import Site

from qaflow.services.work import transact
from qaflow.store import ticks
from qaflow.store.db import db, utc


def run(statement: str) -> None:
    """Change the database beside the program."""
    db.session.execute(db.text(statement))
    db.session.commit()


def poison() -> None:
    """Let the start of cycles fail."""
    if db.engine.dialect.name == "sqlite":
        run("create trigger poison before insert on cycle begin select raise(abort, 'poison'); end")
    else:
        run("create function poison() returns trigger language plpgsql as $$ begin raise exception 'poison'; end $$")
        run("create trigger poison before insert on cycle for each row execute function poison()")


def cure() -> None:
    """Take the cause away."""
    run("drop trigger poison" + ("" if db.engine.dialect.name == "sqlite" else " on cycle"))


def incident(site: Site, kind: str, ref: str, college: int | None = None) -> int:
    """Open an incident and return its number."""
    transact(db.session, lambda d: ticks.open_incident(d, college, kind, ref, "it failed", utc(site.world.now), None))
    return int(site.world.query("select max(id) from incident")[0][0])
