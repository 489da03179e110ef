"""Pictures of every page for each role, in both languages and two widths: `make screens`, to be looked at."""

import argparse
import sys
import tempfile
from pathlib import Path

import driving
from driving import kind_of, visiting, wandered

ROLES = ("student", "course_leader", "major_leader", "unit_head", "vice_president", "quality_office", "diagnostician",
         "administrator")  # fmt: skip
FOLDER = Path("screens")


def main() -> int:
    """Make the demo, serve it, and picture what each role sees; returns 1 where nothing was pictured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", action="append", choices=ROLES, help="only this role (may be repeated)")
    parser.add_argument("--lang", action="append", choices=("zh", "en"), help="only this language")
    parser.add_argument("--width", action="append", type=int, choices=tuple(driving.HEIGHT), help="only this width")
    parser.add_argument("--dark", action="store_true", help="by night")
    chosen = parser.parse_args()
    count = 0
    with tempfile.TemporaryDirectory() as home, driving.opened() as browser:
        told = driving.lived(Path(home))
        with driving.serving(Path(home), told["password"], told["accounts"]) as site:
            for role in chosen.role or ROLES:
                for lang in chosen.lang or ("zh", "en"):
                    for width in chosen.width or driving.HEIGHT:
                        count += pictured(browser, site, role, lang, width, "dark" if chosen.dark else "light")
    sys.stdout.write(f"{count} pictures in {FOLDER}/\n")
    return 0 if count else 1


def pictured(browser: driving.Browser, site: driving.Served, role: str, lang: str, width: int, scheme: str) -> int:
    """Picture one page of each kind that a role reaches; returns how many."""
    folder = FOLDER / role
    folder.mkdir(parents=True, exist_ok=True)
    with visiting(browser, site, lang, width, scheme) as visitor:
        visitor.sign_in(site.login(role))
        pages = wandered(visitor)
        for kind, path in pages.items():
            visitor.open(path)
            name = kind_of(kind).strip("/").replace("/", "-").replace(":", ".") or "home"
            night = "-dark" if scheme == "dark" else ""
            visitor.page.screenshot(path=folder / f"{name}-{lang}-{width}{night}.png", full_page=True)
    return len(pages)


if __name__ == "__main__":
    sys.exit(main())
