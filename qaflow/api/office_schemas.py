"""What the quality office's figures are asked by, and how they are given."""

from __future__ import annotations

from qaflow.api import schemas as s
from qaflow.api.figures import ADDRESSED, Said
from qaflow.engine.definition import NEUTRAL_STAGES
from qaflow.services.figures.dashboard import AGES, PILES
from qaflow.store.dashboard import LISTS, STUCK

MANY = 1000


class Filters(s.Strict):
    """Of which term (its key, `all`; the running one where none is named), layer, track and unit with those below."""

    term = s.text(ADDRESSED, load_default="")
    layer = s.text(ADDRESSED, load_default="")
    track = s.text(ADDRESSED, load_default="")
    unit = s.ident(loose=True, load_default=0)


class Wanted(Filters):
    """Which number is meant; `stage` is a neutral stage or a run of them, `age` how late, `round` its first day."""

    what = s.choice(LISTS, load_default="running")
    stage = s.text(ADDRESSED, load_default="")
    age = s.whole(0, len(AGES), loose=True, load_default=0)
    holder = s.ident(loose=True, load_default=0)
    why = s.text(ADDRESSED, load_default="")
    round = s.day()
    after = s.text(2000)


class Surveyed(s.Strict):
    """The term that is counted; `lists` says whether numbers open their lists to whoever asks."""

    term = s.text(s.NAME, required=True)
    lists = s.flag(required=True)


class Sum(s.Strict):
    """Running cycles: how many, how many of them overdue, how many waiting for a decision."""

    many = s.whole(required=True)
    late = s.whole(required=True)
    waiting = s.whole(required=True)


class Cell(Sum):
    """A stage of a track, and the run of neutral stages that it stands for."""

    stage = s.text(s.NAME, required=True)
    name = s.one(Said, required=True)


class Row(s.Strict):
    """A track of a layer, stage by stage."""

    layer = s.text(s.NAME, required=True)
    layer_name = s.one(Said, required=True)
    track = s.text(s.NAME, required=True)
    track_name = s.one(Said, required=True)
    stages = s.many(Cell, len(NEUTRAL_STAGES), required=True)
    total = s.one(Sum, required=True)


class Late(s.Strict):
    """A layer's overdue cycles by working days late: up to 3, up to 7, up to 15, more."""

    layer = s.text(s.NAME, required=True)
    name = s.one(Said, required=True)
    many = s.many(s.whole(), len(AGES) + 1, required=True)


class Heat(Surveyed):
    """Where the running cycles of a term's rounds stand."""

    rows = s.many(Row, MANY, required=True)
    total = s.one(Sum, required=True)
    late = s.many(Late, MANY, required=True)
    unstarted = s.whole(required=True)


class Round(s.Strict):
    """A round, how its cycles stand, and how many subjects it did not start for."""

    layer = s.text(s.NAME, required=True)
    track = s.text(s.NAME, required=True)
    name = s.one(Said, required=True)
    start = s.day(required=True)
    end = s.day(required=True)
    cycles = s.whole(required=True)
    running = s.whole(required=True)
    suspended = s.whole(required=True)
    closed = s.whole(required=True)
    unstarted = s.whole(required=True)


class Rounds(Surveyed):
    """The rounds of a term; `steers` says whether whoever asks may act on them."""

    steers = s.flag(required=True)
    rounds = s.many(Round, MANY, required=True)


class Rate(s.Strict):
    """Of a unit's stages whose deadline passed, how many were handed in by it; `share` is null where none did."""

    unit = s.ident(required=True, allow_none=True)
    name = s.one(Said, required=True, allow_none=True)
    many = s.whole(required=True)
    met = s.whole(required=True)
    share = s.number(0, 1, required=True, allow_none=True)


class Rates(Surveyed):
    """Units by how punctual they are, those with too few stages to rank apart, and all together."""

    ranked = s.many(Rate, MANY, required=True)
    few = s.many(Rate, MANY, required=True)
    total = s.one(Rate, required=True)


class Took(s.Strict):
    """Working days: of how many stages, the median, and within which nine of ten lay."""

    many = s.whole(required=True)
    median = s.whole(required=True)
    most = s.whole(required=True)


class Stage(s.Strict):
    """A neutral stage: how long it was worked on, and how long it waited for a decision."""

    stage = s.choice(NEUTRAL_STAGES, required=True)
    working = s.one(Took, required=True, allow_none=True)
    waiting = s.one(Took, required=True, allow_none=True)


class Pile(s.Strict):
    """Somebody's open decisions, and those of them that are overdue; without a person nobody has them."""

    person = s.ident(required=True, allow_none=True)
    name = s.text(s.NAME, required=True, allow_none=True)
    many = s.whole(required=True)
    late = s.whole(required=True)


class Times(Surveyed):
    """Time by stage, and with whom decisions pile up, those with most overdue first."""

    stages = s.many(Stage, len(NEUTRAL_STAGES), required=True)
    piles = s.many(Pile, PILES, required=True)


class Reason(s.Strict):
    """How many cycles take no next step soon for this reason."""

    why = s.choice(STUCK, required=True)
    many = s.whole(required=True)


class Held(s.Strict):
    """For how many subjects no cycle started for this reason."""

    why = s.text(s.NAME, required=True)
    many = s.whole(required=True)


class Stuck(Surveyed):
    """What takes no next step soon; one cycle may have several reasons."""

    reasons = s.many(Reason, len(STUCK), required=True)
    unstarted = s.many(Held, MANY, required=True)


class Cycle(s.Strict):
    """A cycle, where it stands and its next deadline; in a list of stages or decisions, those that are meant."""

    id = s.ident(required=True)
    subject = s.text(s.NAME, required=True)
    layer = s.text(s.NAME, required=True)
    track = s.text(s.NAME, required=True)
    number = s.whole(required=True)
    stage = s.text(s.NAME, required=True)
    stage_name = s.one(Said, required=True)
    status = s.text(s.NAME, required=True)
    due = s.day(required=True, allow_none=True)
    who = s.text(s.NAME, required=True, allow_none=True)
    unit = s.one(Said, required=True)


class Unstarted(s.Strict):
    """A subject for which no cycle started, and why."""

    id = s.ident(required=True)
    code = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    layer = s.text(s.NAME, required=True)
    track = s.text(s.NAME, required=True)
    start = s.day(required=True, allow_none=True)
    why = s.text(s.NAME, required=True)
    who = s.text(s.NAME, required=True, allow_none=True)


class Line(s.Strict):
    """A line of a list: a cycle, or (in the list `unstarted`) a subject; the other is null."""

    cycle = s.one(Cycle, required=True, allow_none=True)
    unstarted = s.one(Unstarted, required=True, allow_none=True)
