"""The compiler and the view of charts for the browser, out of the wheel that also draws them without one."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

NAME = "vega.js"
WHEEL = "vl-convert-python"
FOLDER = "cache"
"""Under the installation's home; it may be emptied at any time."""
SIGNS = 12
TAIL = "window.vegaEmbed = vegaEmbed;"
"""What the library leaves in the window; by itself it would write styles, which the pages' policy bars."""


def script(folder: Path) -> bytes:
    """Return Vega and Vega-Lite as one script; the wheel puts it together in some seconds, a folder keeps it.

    What lies in the folder is taken only where its own hash stands in its name.
    """
    kept = next(folder.glob(f"vega-{digest()[:SIGNS]}-*.js"), None)
    if kept is not None:
        found = kept.read_bytes()
        if kept.stem.rpartition("-")[2] == hashlib.sha256(found).hexdigest():
            return found
    import vl_convert  # here: it is heavy, and only the first page with a chart needs it

    made = vl_convert.javascript_bundle(TAIL).encode()
    with suppress(OSError):  # a folder that cannot be written makes it anew in each process
        keep(folder, made)
    return made


def keep(folder: Path, made: bytes) -> None:
    """Write the script beside its name in one step, so that nobody reads half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"vega-{digest()[:SIGNS]}-{hashlib.sha256(made).hexdigest()}.js"
    half = name.with_suffix(f".{os.getpid()}")
    half.write_bytes(made)
    half.replace(name)


def digest() -> str:
    """Return what the script's bytes follow from, so that a page can name them before they are made."""
    return hashlib.sha256(f"{WHEEL} {version(WHEEL)} {TAIL}".encode()).hexdigest()
