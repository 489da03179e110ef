"""What an outside review rests on: random samples, and the evidence kept still from a day on."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.figures import label
from qaflow.api.files import FileAnswer
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.engine.definition import LAYERS
from qaflow.services.auditing import freeze_checks, freezing, sampling
from qaflow.services.auditing.freeze_checks import STATES
from qaflow.services.auditing.freezing import Line, Wanted
from qaflow.services.auditing.sampling import MOST, SEED, Sample
from qaflow.services.cycles import evidence

resource = Resource("api_reviews", __name__, url_prefix="/audit", description="Samples and freezes for a review")
JSON = "application/json"
FILES = 1_000_000  # of one freeze
COUNTS = ("sound", "checked", "faults", "cycles", "broken", "texts", "lost", "added")
AT_SAMPLE = {"ref.unknown_layer": "layer", "text.control_character": "seed", "text.too_long": "seed"}
AT_FREEZE = {"ref.unknown_layer": "layer", "text.blank": "reason", "freeze.future": "day", "freeze.nothing": "day"}


class Drawn(s.Strict):
    """A sample as it was drawn; `id` is its place in the college's stream."""

    id = s.ident(required=True)
    at = s.instant(required=True)
    by = s.text(s.NAME, 0, required=True)
    n = s.whole(required=True)
    seed = s.text(SEED, required=True)
    given = s.flag(required=True)
    layer = s.text(s.NAME, 0, required=True)
    strata = s.flag(required=True)
    population = s.whole(required=True)
    digest = s.text(s.NAME, required=True)
    cycles = s.many(s.ident(), MOST * len(LAYERS), required=True)


class Shown(Drawn):
    """A sample, whether drawing again gives the same, and how many cycles started since."""

    same = s.flag(required=True)
    newer = s.whole(required=True)


class Drawing(s.Strict):
    """How a sample is drawn; under the same word `once` it is drawn once."""

    n = s.whole(1, MOST, required=True)
    seed = s.text(SEED, load_default="")
    layer = s.choice(LAYERS, load_default="")
    strata = s.flag(load_default=False)
    once = s.once()


class Frozen(s.Strict):
    """A freeze; texts that were erased are null."""

    id = s.ident(required=True)
    day = s.day(required=True)
    layer = s.text(s.NAME, required=True, allow_none=True)
    reason = s.text(s.TEXT, 0, required=True, allow_none=True)
    cycles = s.whole(required=True)
    files = s.whole(required=True)
    digest = s.text(64, 64, required=True)
    frozen_at = s.instant(required=True)
    by = s.text(s.NAME, 0, required=True)
    lifted_at = s.instant(required=True, allow_none=True)
    lifted_by = s.text(s.NAME, 0, required=True)
    lifted_why = s.text(s.TEXT, 0, required=True, allow_none=True)


class Page(s.Strict):
    """A page of a freeze's files, or of the whole freeze those files that are not as they were."""

    whole = s.choice(("true", "false"), load_default="false")
    after = s.text(2000)


class Held(s.Strict):
    """A file of the manifest, and how it stands now."""

    id = s.ident(required=True)
    cycle = s.ident(required=True)
    subject = s.text(s.NAME, required=True)
    stage = s.one(s.Named, required=True)
    name = s.text(s.NAME, required=True)
    hash = s.text(64, 64, required=True)
    size = s.whole(required=True)
    at = s.instant(required=True)
    state = s.choice(STATES, required=True)


class Checked(s.Strict):
    """A freeze held against the present, and of its files a page, or all that are not the same.

    `sound`: the manifest is the one that was frozen; nothing else is looked into where it is not. Of the files
    `checked` were looked into, `faults` are not the same, `added` came to these cycles since. `cycles` histories begin
    as they did, those of `broken` do not. Of the `texts` `lost` are altered or erased.
    """

    sound = s.flag(required=True)
    checked = s.whole(required=True)
    faults = s.whole(required=True)
    cycles = s.whole(required=True)
    broken = s.many(s.ident(), freezing.MOST, required=True)
    texts = s.whole(required=True)
    lost = s.whole(required=True)
    added = s.whole(required=True)
    items = s.many(Held, FILES, required=True)
    next = s.text(2000, required=True, allow_none=True)


class Covering(s.Strict):
    """What is to be frozen: the cycles whose period began by a day, of one layer or of all."""

    day = s.day(required=True)
    layer = s.choice(LAYERS, load_default="")
    reason = s.text(freezing.REASON, required=True)


class Freezing(Covering):
    """A freeze to be made; under the same word `once` it is made once."""

    once = s.once()


class Covered(s.Strict):
    """How much a freeze would cover."""

    cycles = s.whole(required=True)
    files = s.whole(required=True)


class Why(s.Strict):
    """Why a freeze is lifted."""

    reason = s.text(freezing.REASON, required=True)


@resource.get("/samples", gives=s.listing(Drawn))
def samples(call: Call) -> dict[str, Any]:
    """List the samples, the newest first."""
    return call.page([_sample(one) for one in sampling.listed(call.session, call.origin, call.me)], None)


@resource.post("/samples", scope="office", takes=Drawing, gives=Shown, status=201)
def draw(call: Call) -> Answer:
    """Draw a sample by lot."""
    with by_code(AT_SAMPLE):
        number = sampling.draw(call.session, call.origin, call.me, sampling.Wanted(**call.body))
    return Answer(body=sample(call, number), location=f"/api/v1/audit/samples/{number}")


@resource.get("/samples/<int:number>", gives=Shown)
def sample(call: Call, number: int) -> dict[str, Any]:
    """Show a sample, drawn again to compare."""
    found = sampling.show(call.session, call.origin, call.me, number)
    return _sample(found.sample) | {"same": found.same, "newer": found.newer}


@resource.get("/freezes", gives=s.listing(Frozen))
def freezes(call: Call) -> dict[str, Any]:
    """List the freezes, the newest first."""
    return call.page([_frozen(one) for one in freezing.listed(call.session, call.origin, call.me)], None)


@resource.post("/freezes/plan", scope="office", takes=Covering, gives=Covered)
def plan(call: Call) -> Answer:
    """Tell how much a freeze would cover; its tag is what the freeze names."""
    with by_code(AT_FREEZE):
        found = freezing.preview(call.session, call.origin, call.me, _wanted(call.body))
    return Answer(body={"cycles": found.cycles, "files": found.files}, tag=found.agreed)


@resource.post("/freezes", scope="office", takes=Freezing, gives=Frozen, status=201, matches=True)
def freeze(call: Call) -> Answer:
    """Freeze what was planned."""
    with by_code(AT_FREEZE):
        number = freezing.freeze(call.session, call.origin, call.me, _wanted(call.body | {"agreed": call.match}))
    return Answer(body=_one(call, number), location=f"/api/v1/audit/freezes/{number}")


@resource.get("/freezes/<int:number>", gives=Frozen)
def show(call: Call, number: int) -> dict[str, Any]:
    """Show a freeze."""
    return _one(call, number)


@resource.post("/freezes/<int:number>/lift", scope="office", takes=Why, gives=Frozen)
def lift(call: Call, number: int) -> dict[str, Any]:
    """Lift a freeze; one that is lifted stays as it is."""
    with by_code(AT_FREEZE):
        freezing.lift(call.session, call.origin, call.me, number, call.body["reason"])
    return _one(call, number)


@resource.get("/freezes/<int:number>/manifest", hands=(JSON,))
def manifest(call: Call, number: int) -> FileAnswer:
    """Hand out the manifest as it was frozen."""
    row, text = freezing.manifest(call.session, call.origin, call.me, number)
    return FileAnswer(name=f"freeze-{row.id}-{row.day}.json", media=JSON, data=text.encode())


@resource.get("/freezes/<int:number>/check", asks=Page, gives=Checked)
def check(call: Call, number: int) -> dict[str, Any]:
    """Hold a freeze against the present; the whole of one that covers many files takes its time."""
    whole = call.query["whole"] == "true"
    files = evidence.keeper(call.ports.files)
    found = freeze_checks.check(call.session, call.origin, call.me, files, number, call.after() or 0, whole)
    counts = {name: getattr(found, name) for name in COUNTS}
    held = [one._asdict() | {"stage": label(one.stage)} for one in found.files]
    return counts | call.page(held, found.following or None)


def _one(call: Call, number: int) -> dict[str, Any]:
    return _frozen(freezing.one(call.session, call.origin, call.me, number))


def _wanted(asked: dict[str, Any]) -> Wanted:
    return Wanted(**asked | {"day": asked["day"].isoformat()})


def _sample(one: Sample) -> dict[str, Any]:
    return {"id": one.seq, "at": one.at, "by": one.by, "n": one.n, "seed": one.seed, "given": one.given,
            "layer": one.layer, "strata": one.strata, "population": one.population, "digest": one.digest,
            "cycles": one.ids}  # fmt: skip


def _frozen(one: Line) -> dict[str, Any]:
    return one.row._asdict() | {"reason": one.reason, "by": one.by, "lifted_by": one.lifted_by,
                                "lifted_why": one.lifted_why}  # fmt: skip
