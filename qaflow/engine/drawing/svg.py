"""The 8 as SVG: one self-contained, accessible picture, or one for a page with a strict content policy.

Shapes come first and colours last: every state has its own outline, so that the picture survives a grey printer.
Presentation hangs on classes; there is no style attribute.  A page leaves the embedded style out and serves `CSS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from qaflow.engine.definition import Definition
from qaflow.engine.markup import safe

from .captions import NOTE_SIZE, TALL, Caption
from .figure import Bead, Chevron, Figure, Progress, Stroke, Text, lay_out
from .lemniscate import Point

Link = Callable[[str], str | None]
TONES = {"": "", "mute": "m", "warn": "w", "late": "l", "now": "k"}
STROKES = {"plan": "plan", "gone": "gone", "ahead": "ahead", "fast": "fast", "idle": "fast idle", "back": "back"}
TIPS = {
    "plan": ("", 7.0), "gone": ("", 7.0), "ahead": ("a", 6.0),
    "fast": ("", 5.5), "idle": ("a", 5.5), "back": ("r", 7.0),
}  # fmt: skip
HALO = {"late": 6.6, "returned": 6.6}  # paper round a bead beyond its radius, where it is not 4
FONT = '"PingFang SC","Microsoft YaHei","Noto Sans SC","Noto Sans CJK SC",system-ui,sans-serif'
LIGHT = {
    "ink": "#26323d", "mute": "#5b6873", "rule": "#85929e", "paper": "#fff", "accent": "#22577f", "late": "#a9271c",
    "warn": "#855700",
}  # fmt: skip
DARK = {
    "ink": "#dfe5ea", "mute": "#9ca8b3", "rule": "#6f7c88", "paper": "#1a2027", "accent": "#86b8de", "late": "#ff9d90",
    "warn": "#e8bd62",
}  # fmt: skip
RULES = """\
.q8 text{fill:var(--ink);font-variant-numeric:tabular-nums}
.q8 .m{fill:var(--mute)}.q8 .w{fill:var(--warn)}.q8 .l{fill:var(--late)}.q8 .k{fill:var(--accent)}
.q8 .b{font-weight:600}
.q8 .plan{fill:none;stroke:var(--ink);stroke-width:3.5;stroke-linecap:round}
.q8 .gone{fill:none;stroke:var(--ink);stroke-width:4.5;stroke-linecap:round}
.q8 .ahead{fill:none;stroke:var(--rule);stroke-width:2;stroke-dasharray:1 6;stroke-linecap:round}
.q8 .fast{fill:none;stroke:var(--ink);stroke-width:2.5}
.q8 .fast.idle{stroke:var(--rule);stroke-width:2;stroke-dasharray:1 6;stroke-linecap:round}
.q8 .back{fill:none;stroke:var(--late);stroke-width:2;stroke-dasharray:7 4}
.q8 .tip{fill:var(--ink)}.q8 .tip.a{fill:var(--rule)}.q8 .tip.r{fill:var(--late)}
.q8 .s-plan{fill:var(--paper);stroke:var(--ink);stroke-width:2.5}
.q8 .s-next{fill:var(--paper);stroke:var(--rule);stroke-width:2}
.q8 .s-done{fill:var(--ink);stroke:var(--paper);stroke-width:2}
.q8 .s-redo{fill:var(--paper);stroke:var(--ink);stroke-width:2;stroke-dasharray:4 3}
.q8 .s-now{fill:var(--paper);stroke:var(--accent);stroke-width:4.5}
.q8 .s-now.small{stroke-width:2.5}
.q8 .s-dot{fill:var(--accent)}
.q8 .s-late{fill:var(--late);stroke:var(--paper);stroke-width:2}
.q8 .s-back{fill:var(--paper);stroke:var(--late);stroke-width:3}
.q8 .s-warn{fill:var(--paper);stroke:var(--warn);stroke-width:3}
.q8 .halo{fill:var(--paper)}
.q8 .g{fill:none;stroke:var(--paper);stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}
.q8 .g.i{stroke:var(--ink)}.q8 .g.r{stroke:var(--late)}.q8 .g.w{stroke:var(--warn)}
.q8 .ring{fill:none}.q8 a:focus-visible .ring{stroke:var(--accent);stroke-width:2}
"""


def _tokens(palette: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in palette.items())


CSS = (
    f".q8{{{_tokens(LIGHT)};font-family:{FONT}}}\n{RULES}"
    f"@media(prefers-color-scheme:dark){{:root:not([data-bs-theme=light]) .q8{{{_tokens(DARK)}}}}}\n"
    f"[data-bs-theme=dark] .q8{{{_tokens(DARK)}}}\n"
)
"""The style sheet for pages, which follows their theme."""


def _style() -> str:
    """Return the style of a stand-alone picture: plain colours, since many viewers know no CSS variables."""
    light, dark = (_coloured(palette) for palette in (LIGHT, DARK))
    return f".q8{{font-family:{FONT}}}\n{light}@media(prefers-color-scheme:dark){{\n{dark}}}\n"


def _coloured(palette: dict[str, str]) -> str:
    return re.sub(r"var\(--(\w+)\)", lambda found: palette[found[1]], RULES)


def draw(
    definition: Definition,
    language: str = "zh",
    *,
    phone: bool = False,
    progress: Progress | None = None,
    standalone: bool = True,
    link: Link | None = None,
    ident: str = "q8",
) -> str:
    """Draw a definition or a running cycle.

    ``link`` gives the address of a stage key, of ``quick:monitor`` (``warn``, ``correct``), ``round:before`` and
    ``round:after``, or None.  ``ident`` begins the ids, for a page with several figures.
    """
    figure = lay_out(definition, language, phone, progress)
    return "\n".join(_document(figure, language, standalone, link or (lambda key: None), safe(ident))) + "\n"


def _document(figure: Figure, language: str, standalone: bool, link: Link, ident: str) -> Iterator[str]:
    wide, high = _n(figure.width), _n(figure.height)
    lang = "zh-CN" if language == "zh" else "en"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="q8" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
        f' role="group" lang="{lang}" aria-labelledby="{ident}-title" aria-describedby="{ident}-desc">'
    )
    yield f'<title id="{ident}-title">{safe(figure.title)}</title>'
    yield f'<desc id="{ident}-desc">{safe(figure.description)}</desc>'
    if standalone:
        yield f"<style>{_style()}</style>"
    yield f'<rect class="halo" width="{wide}" height="{high}"/>'
    yield from (f'<path class="{STROKES[s.kind]}" d="{_smooth(s.points)}"/>' for s in _ordered(figure.strokes))
    yield from map(_tip, figure.chevrons)
    yield from (_linked(_text(t), link(t.target) if t.target else None) for t in figure.texts)
    yield from (_bead(b, link(b.key)) for b in figure.beads)
    yield from (_bead(b, link(f"quick:{b.key}")) for b in figure.quick)
    yield "</svg>"


def _ordered(strokes: Iterable[Stroke]) -> list[Stroke]:
    """What is travelled lies over what is ahead."""
    return sorted(strokes, key=lambda s: s.kind != "ahead")


def _smooth(points: Sequence[Point]) -> str:
    """Return cubic curves through the points, each with its neighbours' direction."""
    ends = [points[0], *points, points[-1]]
    parts = [f"M{_xy(points[0])}"]
    for before, start, end, after in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        first = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
        second = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
        parts.append(f"C{_xy(first)} {_xy(second)} {_xy(end)}")
    return "".join(parts)


def _tip(chevron: Chevron) -> str:
    tone, size = TIPS[chevron.kind]
    back, half = _n(-0.7 * size), 0.8 * size
    turn = _n(math.degrees(chevron.heading))
    return (
        f'<path class="tip {tone}" transform="translate({_xy(chevron.place)}) rotate({turn})"'
        f' d="M{back} {_n(-half)}L{_n(size)} 0L{back} {_n(half)}Z"/>'
    )


def _text(text: Text) -> str:
    x, y = text.place
    runs = "".join(
        f'<tspan font-size="{_n(p.size)}"{_dx(p.gap)}{_class("b" if p.bold else "")}>{safe(p.text)}</tspan>'
        for p in text.parts
    )
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="middle"{_class(TONES[text.tone])}>{runs}</text>'


def _linked(content: str, address: str | None) -> str:
    return f'<a href="{safe(address)}">{content}</a>' if address else content


def _bead(bead: Bead, address: str | None) -> str:
    label = safe(bead.spoken)
    x, y = bead.place
    halo = bead.radius + (HALO.get(bead.state, 4.0 if bead.number else 7.6))
    if bead.radius > 15:
        halo += 3
    circle = f'cx="{_n(x)}" cy="{_n(y)}"'
    body = f'<circle class="halo" r="{_n(halo)}" {circle}/><circle class="ring" r="{_n(halo)}" {circle}/>'
    body += f'<g transform="translate({_xy(bead.place)})">{"".join(_shape(bead))}</g>{"".join(_caption(bead.caption))}'
    if any(line.endswith("…") for line in bead.caption.lines):
        body = f"<title>{safe(bead.full)}</title>{body}"
    if address:
        return f'<a href="{safe(address)}" aria-label="{label}">{body}</a>'
    return f'<g role="img" aria-label="{label}">{body}</g>'


def _shape(bead: Bead) -> Iterator[str]:
    if bead.number is None:
        yield from _small(bead)
        return
    r, f = bead.radius, bead.radius / 13
    tick = f"M{_xy((-5.5 * f, 0.3 * f))}L{_xy((-1.3 * f, 4.7 * f))}L{_xy((6 * f, -4.4 * f))}"
    match bead.state:
        case "passed" | "passed_late":
            yield f'<circle class="s-done" r="{_n(r + 1)}"/><path class="g" d="{tick}"/>'
            if bead.state == "passed_late":
                yield _diamond(7.3, f' transform="translate({_xy((0.86 * r, -0.86 * r))})"')
        case "current":
            yield f'<circle class="s-now" r="{_n(r + 2)}"/><circle class="s-dot" r="{_n(0.52 * r)}"/>'
        case "late":
            yield _diamond(1.95 * r) + f'<path class="g" d="M0 {_n(-9 * f)}V{_n(2.2 * f)}M0 {_n(9 * f)}v.1"/>'
        case "returned":
            corner, side = _n(-1.26 * r), _n(2.52 * r)
            yield f'<rect class="s-back" x="{corner}" y="{corner}" width="{side}" height="{side}" rx="3"/>'
            yield f'<path class="g r" d="{_hook(f)}"/>'
        case "again":
            yield f'<circle class="s-redo" r="{_n(r)}"/><path class="g i" d="{tick}"/>'
        case state:
            kind, tone = ("s-plan", "") if state == "plan" else ("s-next", "m")
            size = f'y="{_n(4.3 * f)}" font-size="{_n(12 * f)}"'
            yield f'<circle class="{kind}" r="{_n(r)}"/>'
            yield f'<text {size} text-anchor="middle"{_class(tone)}>{bead.number}</text>'


def _small(bead: Bead) -> Iterator[str]:
    r = bead.radius
    match bead.state:
        case "warning":
            yield '<g transform="translate(0 2)">'
            yield '<path class="s-warn" stroke-linejoin="round" d="M0 -15.5L16.8 12.1H-16.8Z"/>'
            yield '<path class="g w" d="M0 -5.9V2.8M0 7.8v.1"/></g>'
        case "current":
            yield f'<circle class="s-now small" r="{_n(r + 1)}"/><circle class="s-dot" r="{_n(0.45 * r)}"/>'
        case "passed":
            yield f'<circle class="s-done" r="{_n(r)}"/>'
        case state:
            yield f'<circle class="{"s-plan" if state == "plan" else "s-next"}" r="{_n(r)}"/>'


def _diamond(half: float, place: str = "") -> str:
    d = _n(half)
    return f'<path class="s-late"{place} d="M0 -{d}L{d} 0L0 {d}L-{d} 0Z"/>'


def _hook(f: float) -> str:
    """Return the bent arrow of a returned stage, for a bead of 13 f."""
    corners = ((-1.6, -9.4), (-8.1, -3.1), (-1.6, 3.1), (-7.5, -3.1), (2.8, -3.1), (2.8, 8.1))
    at = [_xy((x * f, y * f)) for x, y in corners]
    turn = _n(5.6 * f)
    return f"M{at[0]}L{at[1]}L{at[2]}M{at[3]}L{at[4]}A{turn} {turn} 0 0 1 {at[5]}H{_n(-2.8 * f)}"


def _caption(caption: Caption) -> Iterator[str]:
    where = f'x="{_n(caption.x)}" text-anchor="{caption.anchor}"'
    name = " ".join(["b", TONES[caption.tone]]).strip()
    for place, line in enumerate(caption.lines):
        y = caption.y + place * caption.size * TALL
        yield f'<text {where} y="{_n(y)}" font-size="{_n(caption.size)}" class="{name}">{safe(line)}</text>'
    if caption.note:
        look = f'font-size="{_n(NOTE_SIZE)}" class="{TONES[caption.note_tone]}"'
        yield f'<text {where} y="{_n(caption.note_y)}" {look}>{safe(caption.note)}</text>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _dx(gap: float) -> str:
    return f' dx="{_n(gap)}"' if gap else ""


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.05 else "0"


def _xy(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"
