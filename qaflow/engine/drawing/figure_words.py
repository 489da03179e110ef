"""The words of the 8 in both languages: what stands at the seam, in the loops, and what a bead says aloud."""

from __future__ import annotations

from collections.abc import Iterator

from qaflow.engine.definition import Definition, Stage

from .captions import width, wrap
from .figure_values import Format, Mark, Part, Progress, Readout, Text
from .lemniscate import Point, left_half, right_half

READOUT = 0.60  # how far into a loop its readout stands, as a share of the loop's height
LOOP_ROOM = 0.62  # of the slow loop's height: the width that large words in it may take
WORDS_ROOM = 0.72  # and small ones
STATE_WORDS = {
    "zh": {
        "passed": "通过", "passed_late": "迟后通过", "current": "当前", "late": "逾期", "returned": "退回",
        "again": "待重走", "ahead": "未到", "warning": "预警",
    },
    "en": {
        "passed": "passed", "passed_late": "passed late", "current": "current", "late": "late", "returned": "returned",
        "again": "to be walked again", "ahead": "not yet", "warning": "warning",
    },
}  # fmt: skip


def head_line(definition: Definition, language: str, progress: Progress | None) -> str:
    """Return the picture's title."""
    name: str = getattr(definition.name, language)
    if progress is None:
        return name
    return f"{name} 第 {progress.round} 轮" if language == "zh" else f"{name}, round {progress.round}"


def spoken(number: int | None, name: str, mark: Mark, language: str) -> str:
    """Return what a bead says aloud: number, name, state and note, nothing twice."""
    state = STATE_WORDS[language].get(mark.state, "")
    said = "" if state in mark.note else state
    return " ".join(str(w) for w in (number, name, said, mark.note) if w)


def stage_note(stage: Stage, language: str, short: bool = False) -> str:
    """Return a stage's deadline in a few words, for the figure of a definition."""
    due = stage.deadline
    if due is None:
        return ""
    if due.working_days is not None:
        days = due.working_days
        if short:
            return f"{days} 日" if language == "zh" else f"{days} d"
        return f"{days} 个工作日" if language == "zh" else f"{days} working day{'' if days == 1 else 's'}"
    if due.share is not None:
        share = f"{due.share * 100:g}%"
        return share if short else f"期程 {share}" if language == "zh" else f"by {share}"
    return _date(due.date or "", language, short)


def _date(text: str, language: str, short: bool) -> str:
    if short:
        return text[-5:]
    month, _, day = text.partition("-")
    if language == "zh" and month.isdigit() and day.isdigit() and len(month) == 2:
        return f"至 {int(month)}月{int(day)}日"
    return f"至 {text}" if language == "zh" else f"by {text}"


def seam_texts(language: str, progress: Progress | None, form: Format) -> Iterator[Text]:
    """Yield the two words at the seam: from which round this one comes and to which it leads."""
    cross, a = form.cross, form.slow
    inner = cross[1] + right_half(a).at(0.0)[1] + 25.5
    outer = cross[1] + left_half(a).at(left_half(a).length)[1] - 9.7
    before, after = _rounds(language, progress)
    if before:
        yield _line(
            before,
            (cross[0] + (2 if language == "zh" else -8), inner),
            12.5,
            "mute",
            target="round:before" if progress else "",
        )
    yield _line(after, (cross[0] + 4, outer), 12.5, "mute", target="round:after" if progress else "")


def _rounds(language: str, progress: Progress | None) -> tuple[str, str]:
    if progress is None:
        return ("承上一轮", "启下一轮") if language == "zh" else ("‹ Last round", "Next round ›")
    last, following = progress.round - 1, progress.round + 1
    if language == "zh":
        return (f"承第 {last} 轮" if last else ""), f"启第 {following} 轮"
    return (f"‹ Round {last}" if last else ""), f"Round {following} ›"


def readout_texts(definition: Definition, language: str, progress: Progress | None, form: Format) -> Iterator[Text]:
    """Yield what stands in the slow loop: the definition's name, or where the round stands and how long it has."""
    a = form.slow
    centre = (form.cross[0], form.cross[1] - READOUT * a)
    if progress is None:
        yield from _name_texts(definition, language, centre, a)
        return
    yield _line(_where(definition, language, progress, a), (centre[0], centre[1] - 0.136 * a), 13.5, "mute")
    if progress.readout is not None:
        yield from _readout(progress.readout, centre, a)


def _name_texts(definition: Definition, language: str, centre: Point, a: float) -> Iterator[Text]:
    lines = wrap(getattr(definition.name, language), LOOP_ROOM * a, 20, most=3)
    for place, line in enumerate(lines):
        yield _line(line, (centre[0], centre[1] + (place - (len(lines) - 1) / 2) * 26), 20, bold=True)
    count = len(definition.stages)
    stages = f"{count} 个阶段" if language == "zh" else f"{count} stage{'' if count == 1 else 's'}"
    version = f"第 {definition.version} 版" if language == "zh" else f"version {definition.version}"
    joint = "·" if language == "zh" else " · "
    yield _line(stages + joint + version, (centre[0], centre[1] + (len(lines) - 1) * 13 + 28), 13.5, "mute")


def _where(definition: Definition, language: str, progress: Progress, a: float) -> str:
    stage = definition.by_key.get(progress.current or "")
    closed = "已结束" if language == "zh" else "closed"
    name = getattr(stage.name, language) if stage else closed
    line = f"第 {progress.round} 轮·{name}" if language == "zh" else f"Round {progress.round} · {name}"
    return wrap(line, LOOP_ROOM * a, 13.5, most=1)[0]


def _readout(readout: Readout, centre: Point, a: float) -> Iterator[Text]:
    side = 18.0
    big = 54.0 if width(readout.big, 54) + width(readout.before + readout.unit, side) < LOOP_ROOM * a else 40.0
    parts = [Part(text=readout.before, size=side)] if readout.before else []
    parts.append(Part(text=readout.big, size=big, bold=True, gap=6 if readout.before else 0))
    if readout.unit:
        parts.append(Part(text=readout.unit, size=side, gap=6))
    x, y = centre
    yield Text(place=(x, y + 15.1), parts=tuple(parts), tone="late" if readout.late else "")
    y += 39.6
    for place, line in enumerate(readout.lines[:2]):
        for part in wrap(line, WORDS_ROOM * a, 13.5 - place, bold=False):
            yield _line(part, (x, y), 13.5 - place, "mute" if place else "")
            y += 18
        y += 3.5


def quick_texts(language: str, progress: Progress | None, form: Format) -> Iterator[Text]:
    """Yield what stands in the quick loop: its name, or the number of open warnings."""
    x, y = form.cross[0], form.cross[1] + READOUT * form.quick
    if progress is None:
        yield _line("常态纠偏" if language == "zh" else "Quick loop", (x, y + 5), 13.5, "mute")
        return
    count = progress.open_warnings
    yield _line(str(count), (x, y + 6.1), 34, "warn" if count else "", bold=True)
    words = "条未结预警" if language == "zh" else f"open warning{'' if count == 1 else 's'}"
    yield _line(words, (x, y + 24.6), 12.5, "mute")


def _line(text: str, place: Point, size: float, tone: str = "", *, bold: bool = False, target: str = "") -> Text:
    return Text(place=place, parts=(Part(text=text, size=size, bold=bold),), tone=tone, target=target)
