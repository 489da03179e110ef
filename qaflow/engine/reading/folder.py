"""A college's folder: its files read together, and what must agree between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..college import College, Track
from ..definition import Definition
from ..faults import Fault, brief, meant
from ..incidents import Rules
from ..selftest import Form
from .places import unit_names
from .shapes import fold


@dataclass(frozen=True)
class Folder:
    """Everything a folder holds; parts that are missing or could not be read are None or empty."""

    college: College | None
    calendar: dict[str, Any] | None
    organisation: dict[str, Any] | None
    definitions: dict[str, Definition]
    points: dict[str, Any] | None
    tasks: tuple[dict[str, Any], ...]  # one a file: {source, plan, tasks}
    plans: tuple[dict[str, Any], ...]  # entries of the goal chain
    standards: tuple[dict[str, Any], ...]  # entries of the standard chain
    selftests: tuple[Form, ...]
    incidents: Rules | None
    faults: tuple[Fault, ...]


Note = Callable[[Any, Sequence[str | int], str, str, str], None]


class Files:
    """The files of a folder that could be shaped, and the faults found between them."""

    def __init__(self, loaded: Iterable[Any]) -> None:
        self.loaded = [one for one in loaded if one.draft is not None]
        self.faults: list[Fault] = []

    def of(self, kind: str) -> list[Any]:
        """Return the files of a kind, in the order of their names."""
        return [one for one in self.loaded if one.kind == kind]

    def only(self, kind: str) -> Any:
        """Return the one file of a kind, or None; a second one is a fault."""
        found = self.of(kind)
        for extra in found[1:]:
            self.note(extra, (), "def.duplicate_id", f"a second file of kind {kind} beside {found[0].name}", "keep one")
        return found[0] if found else None

    def note(self, file: Any, path: Sequence[str | int], code: str, message: str, remedy: str) -> None:
        """Note an error at a path of a file."""
        line, col = file.marks.at(path)
        self.faults.append(Fault(file.name, line, col, code, message, remedy))

    def entries(
        self, kind: str, name: str | None = None
    ) -> Iterator[tuple[Any, tuple[str | int, ...], dict[str, Any]]]:
        """Yield (file, path, entry) of every entry of a list in all files of a kind."""
        listed = name or kind
        for file in self.of(kind):
            for place, entry in enumerate(file.draft[listed]):
                yield file, (listed, place), entry


def combine(loaded: Sequence[Any]) -> Folder:
    """Check what the files say of each other and put them together."""
    files = Files(loaded)
    college, calendar, organisation = (files.only(kind) for kind in ("college", "calendar", "organisation"))
    definitions = _definitions(files, college)
    if college is not None:
        for place, track in enumerate(college.draft.tracks):
            _track(files, college, place, track, definitions)
    units = unit_names(organisation.draft) if organisation is not None else None
    _points(files)
    _tasks(files)
    _chains(files)
    _selftests(files, college)
    for kind in ("tasks", "plans", "standards"):
        for file, path, entry in files.entries(kind):
            _departments(files, file, path, entry, units)
    return Folder(
        college=college.draft if college is not None else None,
        calendar=calendar.draft if calendar is not None else None,
        organisation=organisation.draft if organisation is not None else None,
        definitions={key: file.draft for key, file in definitions.items()},
        points=_merged_points(files),
        tasks=tuple(_inherit(f.draft, "tasks", units) for f in files.of("tasks")),
        plans=tuple(e for f in files.of("plans") for e in _inherit(f.draft, "plans", units)["plans"]),
        standards=tuple(e for f in files.of("standards") for e in _inherit(f.draft, "standards", units)["standards"]),
        selftests=tuple(file.draft for file in files.of("selftest")),
        incidents=getattr(files.only("incidents"), "draft", None),
        faults=tuple(files.faults),
    )


def _definitions(files: Files, college: Any) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for file in files.of("definition"):
        key = file.draft.key
        if key in known:
            files.note(
                file, ("key",), "def.duplicate_id", f'"{key}" stands also in {known[key].name}', "keep one of the two"
            )
        known.setdefault(key, file)
        if college is not None and key.partition(".")[0] != college.draft.key:
            files.note(file, ("key",), "def.foreign_key", f'"{brief(key)}" does not begin with the college\'s key',
                       f"write {college.draft.key}.<name>")  # fmt: skip
    return known


def _track(files: Files, college: Any, place: int, track: Track, definitions: dict[str, Any]) -> None:
    path = ("tracks", place)
    file = definitions.get(track.definition)
    if file is None:
        files.note(college, (*path, "definition"), "ref.unknown_definition",
                   f'the folder has no definition "{brief(track.definition)}"',
                   meant(track.definition, definitions))  # fmt: skip
        return
    definition: Definition = file.draft
    if definition.layer != track.layer:
        files.note(college, (*path, "definition"), "ref.layer", f"a definition of the layer {definition.layer} "
                   f"on a track of the layer {track.layer}", "let both name the same layer")  # fmt: skip
    if track.children and definition.covering("implement") is None:
        files.note(college, (*path, "children"), "def.no_hinge",
                   f"children run inside implement, which no stage of {definition.key} covers",
                   "let a stage cover implement")  # fmt: skip
    for number, one in enumerate(track.diagnoses):
        if definition.sheet(one.kind) is None:
            files.note(college, (*path, "diagnoses", number), "ref.unknown_sheet",
                       f"{definition.key} has no sheet of kind {one.kind}", "add it to its `sheets`")  # fmt: skip


def _points(files: Files) -> None:
    _differ(files, files.entries("points", "control_points"), "key")
    known = {e["key"] for _, _, e in files.entries("points", "control_points")}
    codes = _codes(files)
    for file, path, item in files.entries("points", "items"):
        for leaf in (leaf for element in item["elements"] for leaf in element["points"]):
            for name in leaf["control_points"]:
                if name not in known:
                    files.note(file, path, "ref.unknown_point", f'no control point "{name}" (named by {leaf["code"]})',
                               meant(name, known))  # fmt: skip
    for file, path, entry in files.entries("points", "control_points"):
        if entry["point"] is not None and entry["point"] not in codes:
            files.note(file, (*path, "point"), "ref.unknown_point", f'no diagnosis point "{brief(entry["point"])}"',
                       meant(entry["point"], codes))  # fmt: skip


def _codes(files: Files) -> set[str]:
    elements = [e for _, _, item in files.entries("points", "items") for e in item["elements"]]
    return {e["code"] for e in elements} | {leaf["code"] for e in elements for leaf in e["points"]}


def _tasks(files: Files) -> None:
    codes = _codes(files)
    first: dict[str, Any] = {}
    for file in files.of("tasks"):
        key = file.draft["plan"]["key"]
        if key in first:
            files.note(file, ("plan", "key"), "def.duplicate_id", f'the plan "{key}" stands also in {first[key].name}',
                       "give each plan its own key")  # fmt: skip
        first.setdefault(key, file)
    for file, path, entry in files.entries("tasks"):
        if entry["point"] is not None and entry["point"] not in codes:
            files.note(file, (*path, "point"), "ref.unknown_point", f'no diagnosis point "{brief(entry["point"])}"',
                       meant(entry["point"], codes))  # fmt: skip


def _chains(files: Files) -> None:
    plans = {e["key"]: e for _, _, e in files.entries("plans")}
    _differ(files, files.entries("plans"), "key")
    _differ(files, files.entries("standards"), "key")
    for file, path, entry in files.entries("plans"):
        above = entry["parent"]
        if above is not None and above not in plans:
            files.note(file, (*path, "parent"), "ref.unknown_plan", f'no plan "{brief(above)}"', meant(above, plans))
        elif _circles(entry["key"], plans):
            files.note(
                file, (*path, "parent"), "ref.cycle", f'"{entry["key"]}" serves itself', "let the chain end above"
            )
    for file, path, entry in files.entries("standards"):
        if entry["plan"] is not None and entry["plan"] not in plans:
            files.note(file, (*path, "plan"), "ref.unknown_plan", f'no plan "{brief(entry["plan"])}"',
                       meant(entry["plan"], plans))  # fmt: skip


def _selftests(files: Files, college: Any) -> None:
    first: dict[str, Any] = {}
    for file in files.of("selftest"):
        form: Form = file.draft
        before = first.setdefault(form.key, file)
        if before is not file:
            files.note(file, ("key",), "def.duplicate_id", f'"{brief(form.key)}" stands also in {before.name}',
                       "give each self-test its own key")  # fmt: skip
        if college is not None and form.layer not in {layer.key for layer in college.draft.layers}:
            files.note(file, ("layer",), "ref.unknown_layer", f"the college has no layer {form.layer}",
                       meant(form.layer, [layer.key for layer in college.draft.layers]))  # fmt: skip


def _circles(start: str, plans: dict[str, Any]) -> bool:
    seen: set[str] = set()
    here = plans[start]["parent"]
    while here in plans and here not in seen:
        seen.add(here)
        here = plans[here]["parent"]
    return start in seen


def _differ(files: Files, entries: Iterable[tuple[Any, tuple[str | int, ...], dict[str, Any]]], key: str) -> None:
    """Note keys that stand in two files; within one file the reading has told them."""
    first: dict[str, Any] = {}
    for file, path, entry in entries:
        before = first.setdefault(fold(entry[key]), file)
        if before is not file:
            message = f'"{brief(entry[key])}" stands also in {before.name}'
            files.note(file, (*path, key), "def.duplicate_id", message, "give each its own key")


def _departments(
    files: Files, file: Any, path: tuple[str | int, ...], entry: dict[str, Any], units: dict[str, str] | None
) -> None:
    for number, name in enumerate(entry["departments"]):
        if units is None or fold(name) not in units:
            remedy = meant(name, units.values()) if units is not None else "add organisation.yaml"
            files.note(file, (*path, "departments", number), "ref.unknown_unit", f'no unit "{brief(name)}"', remedy)


def _inherit(draft: dict[str, Any], name: str, units: dict[str, str] | None) -> dict[str, Any]:
    """Return a file's data whose entries name units by code and carry the file's source where they have none."""

    def mended(entry: dict[str, Any]) -> dict[str, Any]:
        codes = [(units or {}).get(fold(d), d) for d in entry["departments"]]
        return entry | {"departments": tuple(dict.fromkeys(codes)), "source": entry["source"] or draft["source"]}

    return draft | {name: tuple(mended(e) for e in draft[name])}


def _merged_points(files: Files) -> dict[str, Any] | None:
    found = files.of("points")
    if not found:
        return None
    return {
        "source": "; ".join(f.draft["source"] for f in found if f.draft["source"]),
        "items": tuple(i for f in found for i in f.draft["items"]),
        "control_points": tuple(c for f in found for c in f.draft["control_points"]),
    }
