"""The one table of problem codes in docs/api.md says what the program says."""

import re
from pathlib import Path

from qaflow.api import calling, limiting, problems, strict
from qaflow.errors import QaflowError
from qaflow.web.wording import FAULTS

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
MARK = "<!-- made by `python tests/test_api_codes.py` from wording.FAULTS -->\n"
ROOM = Path(problems.__file__).parent
CODE = re.compile(r'"([a-z_]+\.[a-z_]+)"')
NO_CODES = {"api.internal", "openapi.json", "api_docs.html", "api_docs_part.html", "definition.yaml", "frame.yaml",
            "file.csv", "file.xlsx", "file.xls"}  # fmt: skip


def table() -> str:
    """Return the table."""
    rows = (f"| `{code}` | {text._args[0]} |" for code, text in sorted(FAULTS.items()))
    return "\n".join(("", "| code | meaning |", "|---|---|", *rows, ""))


def test_the_table_holds_every_code_in_the_words_of_the_pages() -> None:
    assert PAGE.read_text(encoding="utf-8").partition(MARK)[2] == table(), "run: python tests/test_api_codes.py"


def test_every_code_of_the_door_is_in_the_table() -> None:
    classes = [c for m in (calling, limiting, strict) for c in vars(m).values() if isinstance(c, type)
               and issubclass(c, QaflowError) and c.__module__ == m.__name__]  # fmt: skip
    told = {code for file in ROOM.glob("*.py") for code in CODE.findall(file.read_text(encoding="utf-8"))}

    assert {c.code for c in classes} <= FAULTS.keys()
    assert set(problems.WORDS) <= FAULTS.keys()
    assert {code for code in told if not code.startswith("qaflow.")} - NO_CODES <= FAULTS.keys()


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(text + MARK + table(), encoding="utf-8")
