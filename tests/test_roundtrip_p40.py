"""P40: any definition that is accepted survives the way into YAML and back, whatever script its texts are in."""

import dataclasses
import unicodedata
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qaflow.engine import loader
from qaflow.engine.definition import (
    LAYERS,
    NEUTRAL_STAGES,
    Deadline,
    Definition,
    Field,
    Label,
    Level,
    Move,
    NoticeRule,
    QuickLoop,
    Sheet,
    Signers,
    Stage,
)  # fmt: skip
from qaflow.engine.notices import HOWS, OF_A_CYCLE
from qaflow.engine.reading.scalars import blank, forbidden
from qaflow.engine.reading.shapes import fold

EXAMPLES = 300
# One of each kind that a careless writer or reader loses: RTL letters and marks, emoji with joiners and skin tones,
# composed and decomposed, four-byte Han, separators, quotes, YAML's own indicators, line breaks, words of YAML 1.1.
HARD = (
    "مرحبا \u200fעברית", "👩‍👩‍👧‍👦🏽", "é", "e\u0301", "𠀀𠮷", "a\u200db", "\u2028\u2029x", "\"'\\",
    "- a: [b, *c] # &d !e |", "line\nbreak\n\n ", "\ttab", "no", "~", "null", "12", "1e3", "2026-02-30", "=1+1",
    "<script>", "{{7*7}}", "  blanks  ", "\ufeffx", "\uffff!", "---", "...", "% x", "? y", "’″¼①ﬁ",
)  # fmt: skip
letters = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=20)
texts = st.one_of(st.sampled_from(HARD), letters, st.tuples(st.sampled_from(HARD), letters).map("".join))
texts = texts.filter(lambda t: forbidden(t) is None and not blank(t))
labels = st.builds(Label, zh=texts, en=texts)
keys = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True).filter(lambda k: k not in ("end", "none", "null"))
words = keys.filter(lambda k: k not in ("true", "false", "yes", "no", "on", "off"))
days = st.integers(1, 3650)


def distinct(strategy, by, **sizes):
    return st.lists(strategy, unique_by=by, **sizes).map(tuple)


def plain_fields(kinds=("text", "number", "date", "flag")):
    simple = st.builds(
        Field,
        key=words,
        label=labels,
        type=st.sampled_from(kinds),
        required=st.booleans(),
        max_length=st.integers(1, 100_000),
    )
    chosen = st.builds(
        Field, key=words, label=labels, type=st.just("choice"), choices=distinct(texts, fold, min_size=1, max_size=4)
    )
    return st.one_of(simple, chosen)


records = st.builds(
    Field,
    key=words,
    label=labels,
    type=st.just("records"),
    min_items=st.integers(0, 9),
    fields=distinct(plain_fields(), lambda f: f.key, min_size=1, max_size=2),
)
forms = distinct(st.one_of(plain_fields(), records), lambda f: f.key, max_size=3)
deadlines = st.one_of(
    st.none(),
    st.floats(1e-9, 1).map(lambda s: Deadline(share=s)),
    st.dates().filter(lambda d: 1990 <= d.year <= 2200).map(lambda d: Deadline(date=d.isoformat())),
    st.dates().map(lambda d: Deadline(date=d.isoformat()[5:])),
    days.map(lambda n: Deadline(working_days=n)),
)
signers = st.builds(
    lambda role, need, quorum, order, n, also: Signers(
        role=role,
        need=need,
        quorum=min(quorum, 1 + len(also)) if need == "quorum" else 1,
        order=order,
        days=n,
        also=tuple(a for a in also if a != role),
    ),
    words, st.sampled_from(["one", "all"]), st.just(1), st.sampled_from(["any", "sequence"]), days,
    distinct(words, fold, max_size=2),
)  # fmt: skip
quorums = st.builds(Signers, role=words, need=st.just("quorum"), quorum=st.integers(1, 100), days=days)


@st.composite
def stages(draw, key, later):
    form = draw(forms)
    gate = [f"filled({f.key})" for f in form] + ["evidence() >= 0", "not (open_warnings() > 3) or children() == 0"]
    moves = ()
    if later and draw(st.booleans()):
        number = draw(st.integers(0, 9))
        skip = draw(st.sampled_from([*later[1:], None]))
        moves = (
            Move(to=later[0], when=f"evidence() > {number}", automatic=draw(st.booleans())),
            Move(to=skip, when=f"evidence() <= {number}", automatic=draw(st.booleans())),
        )
    return Stage(
        key=key,
        name=draw(labels),
        covers=draw(st.sampled_from([(), (key,)])) if key in NEUTRAL_STAGES else (),
        form=form,
        evidence=draw(st.integers(0, 100)),
        gate=tuple(draw(st.lists(st.sampled_from(gate), max_size=3))),
        submit=draw(words),
        decide=draw(st.one_of(st.none(), signers, quorums)),
        deadline=draw(deadlines),
        auto_advance=draw(st.booleans()),
        moves=moves,
    )


@st.composite
def definitions(draw):
    order = draw(st.lists(st.one_of(st.sampled_from(NEUTRAL_STAGES), words), unique=True, min_size=1, max_size=4))
    order = [k for k in order if k not in ("closed", "cancelled")] or ["goal"]
    levels = sorted(draw(st.lists(days, unique=True, min_size=1, max_size=4)))
    kinds = draw(st.lists(st.sampled_from(["self", "improving", "appraisal"]), unique=True, max_size=3))
    hinge = "implement" in order
    return Definition(
        key=f"{draw(words)}.{draw(words)}",
        version=draw(st.integers(1, 999_999)),
        name=draw(labels),
        layer=draw(st.sampled_from(LAYERS)),
        stages=tuple(draw(stages(key, order[place + 1 :])) for place, key in enumerate(order)),
        quick=draw(st.one_of(st.none(), quick_loops)) if hinge else None,
        ladder=tuple(
            Level(after=n, to="quality_office", act=draw(st.sampled_from(["remind", "reassign"]))) for n in levels
        ),
        sheets=tuple(
            Sheet(kind=k, name=draw(labels), assessor="diagnostician", days=draw(days), form=draw(forms)) for k in kinds
        ),
        catch_up=draw(st.sampled_from(["all", "once", "skip"])),
        overlap=draw(st.sampled_from(["start", "wait", "close"])),
        on_period_end=draw(st.sampled_from(["wait", "lapse"])),
        source=draw(st.one_of(st.just(""), texts)),
        notices=tuple(map(draw, map(rule, draw(st.lists(st.sampled_from(OF_A_CYCLE), unique=True, max_size=3))))),
    )


@st.composite
def rule(draw, what):
    allow = tuple(draw(st.lists(st.sampled_from(HOWS), unique=True, min_size=1)))
    also = tuple(draw(st.lists(st.sampled_from(["supervisor", "leader", "approver"]), unique=True)))
    return NoticeRule(what=what, how=draw(st.sampled_from(allow)), allow=allow, also=also)


quick_loops = st.builds(
    QuickLoop,
    acknowledge_days=days,
    correct_days=days,
    confirm_days=days,
    damping=st.integers(1, 100),
    names=st.tuples(labels, labels, labels),
)


def differing(definition, dump=loader.dump):
    """Return what is wrong with the way there and back: nothing, faults, or "differs"."""
    loaded = loader.read(dump(definition), "dumped")
    if loaded.value is None:
        return [str(f) for f in loaded.faults]
    same = loaded.value == definition and loaded.value.hash == definition.hash
    return [] if same else ["differs"]


def test_every_definition_survives_dump_and_load():
    """Three hundred drawn definitions come back equal, with equal hashes; all the hard texts took part."""
    done = Counter()

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck)
    )
    @given(definitions())
    def run(definition):
        assert differing(definition) == []
        done["definitions"] += 1
        seen = " ".join(_texts(definition))
        done.update(h for h in HARD if h in seen)
        drawn[:] = [definition]

    drawn = []
    run()
    for hard in (h for h in HARD if not done[h] and forbidden(h) is None):  # the draw may miss one of them
        named = dataclasses.replace(drawn[0], name=Label(zh=hard, en=hard))
        assert differing(named) == []
        done[hard] += 1

    assert done["definitions"] >= EXAMPLES
    assert [h for h in HARD if not done[h]] == []


def _texts(value):
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("text", HARD)
def test_each_hard_text_survives_as_a_label(text):
    stage = Stage(key="goal", name=Label(zh=text, en=text))
    ladder = (Level(after=1, to="quality_office"),)

    definition = Definition(key="a.b", version=1, name=stage.name, layer="school", stages=(stage,), ladder=ladder)

    assert differing(definition) == []


def _unquoted(definition):
    return loader.dump(definition).replace('zh: "no"', "zh: no").replace('zh: "12"', "zh: 12")


def _composed(definition):
    return unicodedata.normalize("NFC", loader.dump(definition))


def _forgetful(definition):
    return loader.dump(dataclasses.replace(definition, overlap="start"))


@pytest.mark.parametrize(
    ("mutant", "text", "overlap"),
    [(_unquoted, "no", "start"), (_composed, "e\u0301", "start"), (_forgetful, "x", "close")],
)
def test_a_careless_writer_is_caught(mutant, text, overlap):
    """Mutants of the dump: quotes left out, texts normalised, a field forgotten."""
    stage = Stage(key="goal", name=Label(zh=text, en="x"))
    definition = Definition(
        key="a.b",
        version=1,
        name=Label(zh=text, en="x"),
        layer="school",
        stages=(stage,),
        ladder=(Level(after=1, to="quality_office"),),
        overlap=overlap,
    )

    assert differing(definition) == []
    assert differing(definition, mutant) != []
