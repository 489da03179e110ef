"""Style sheets, scripts and icons: the program's own and those inside installed wheels, squeezed, named by their hash.

Nothing third-party is copied into the program, and nothing comes from another host.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from flask import Blueprint, Response, abort, request, url_for

from qaflow.engine.drawing import svg
from qaflow.paths import PACKAGE
from qaflow.web.figures import library as chart_library
from qaflow.web.requests import ports

OWN = PACKAGE / "web" / "static"
WHEELS = {
    "bootstrap.css": ("flask_bootstrap", "static/bootstrap5/css/bootstrap.min.css"),
    "htmx.js": ("js_lib_htmx", "static/htmx/htmx.min.js"),
}
"""Assets that lie in a wheel: name on our pages, package, path in it."""
ICON_SHEET = ("flask_bootstrap", "static/bootstrap5/icons/bootstrap-icons.svg")
ICONS = (
    "arrow-counterclockwise", "arrow-right", "arrow-return-left", "bell", "bookmark", "box-arrow-right", "building",
    "calendar3", "chat", "check", "check-lg", "chevron-down", "chevron-left", "chevron-right", "circle", "circle-half",
    "clock", "cpu", "diamond-fill", "download", "exclamation-triangle", "eye", "file-earmark", "funnel", "gear",
    "inbox", "info-circle", "list", "lock", "moon", "paperclip", "pencil", "people", "person-circle", "plus-lg",
    "printer", "question-circle", "record-circle", "search", "shield-check", "sliders", "sun", "three-dots",
    "translate", "trash", "upload", "x-lg",
    "check-circle-fill", "exclamation-diamond-fill",
)  # fmt: skip
"""The icons that pages use: the wheel's whole sheet weighs 1.1 MB, more than a page may."""
KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
HASH_SIGNS = 12
SYMBOL = re.compile(r'<symbol [^>]*viewBox="([^"]+)" id="([^"]+)">(.*?)</symbol>', re.DOTALL)

assets = Blueprint("assets", __name__)


class Asset(NamedTuple):
    """One file as it is served."""

    hash: str
    plain: bytes
    squeezed: bytes


@cache
def asset(name: str) -> Asset:
    """Return an asset by name; it is read and squeezed once a process."""
    if name == chart_library.NAME:
        data = chart_library.script(ports().settings.home / chart_library.FOLDER)
        return Asset(_hash(name), data, gzip.compress(data, mtime=0))
    data = _made(name) or (_wheel(*WHEELS[name]) if name in WHEELS else _own(name))
    return Asset(hashlib.sha256(data).hexdigest()[:HASH_SIGNS], data, gzip.compress(data, mtime=0))


def asset_url(name: str) -> str:
    """Return an asset's address, which changes with its content."""
    return _address(request.script_root, name)


@cache
def _address(_root: str, name: str) -> str:
    """Return the address below a root; a page asks for that of its icons twenty times."""
    return url_for("assets.static", digest=_hash(name), name=name)


def _hash(name: str) -> str:
    """Return an asset's hash; that of the charts' library needs not its bytes, which take seconds to make."""
    return chart_library.digest()[:HASH_SIGNS] if name == chart_library.NAME else asset(name).hash


def _made(name: str) -> bytes:
    """Return what the program makes itself: the icons that pages use, and the sheet of the 8 as its drawing has it."""
    return _icons() if name == "icons.svg" else svg.CSS.encode() if name == "q8.css" else b""


def _own(name: str) -> bytes:
    known = {file.name: file for file in OWN.iterdir()}
    if name not in known:
        raise KeyError(name)
    return known[name].read_bytes()


def _wheel(package: str, path: str) -> bytes:
    return files(package).joinpath(path).read_bytes()


def _icons() -> bytes:
    found = {key: (box, body) for box, key, body in SYMBOL.findall(_wheel(*ICON_SHEET).decode())}
    symbols = "".join(f'<symbol id="{key}" viewBox="{found[key][0]}">{found[key][1]}</symbol>' for key in ICONS)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'.encode()


@assets.get("/assets/<digest>/<name>")
def static(digest: str, name: str) -> Response:
    """Serve an asset; under an old hash there is nothing, so that no cache mixes two versions."""
    try:
        if digest != _hash(name):
            abort(404)
        found = asset(name)
    except KeyError:
        abort(404)
    squeeze = request.accept_encodings["gzip"] > 0
    response = Response(found.squeezed if squeeze else found.plain, mimetype=KINDS[name.rpartition(".")[2]])
    if squeeze:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response
