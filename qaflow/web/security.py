"""Headers that every answer carries."""

from flask import Flask, Response, current_app, request, session

from qaflow.services.ports import Ports

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ONE_YEAR = 31_536_000


def register(app: Flask) -> None:
    """Send the headers with every answer of the app, refusals included."""
    app.after_request(protect)


def protect(response: Response) -> Response:
    """Add the headers; pages are never stored, assets (named by their hash) for a year."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    is_asset = response.status_code in {200, 304} and request.endpoint == "assets.static"
    if is_asset:
        session.accessed = False  # flask-login looks into it at every answer: assets would vary by cookie
    response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable" if is_asset else "no-store"
    ports: Ports = current_app.extensions["qaflow"]
    if ports.settings.base_url.startswith("https:"):
        response.headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}"
    return response
