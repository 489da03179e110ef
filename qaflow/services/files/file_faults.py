"""The faults of one file: each with its place, all told at once, none of them halfway."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qaflow.errors import Invalid

MOST_ROWS = 200_000
MOST_FAULTS = 200
LETTERS = 26


def column_letters(number: int) -> str:
    """Return a sheet's name of a column: 1 is A, 27 is AA."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


@dataclass(kw_only=True)
class Faults:
    """The faults of one file, each with its place; `raise_any` refuses the file.

    A place is ``file.csv:7:2`` (line and cell), or ``file.xlsx:Sheet1!B7`` where the file is a workbook.
    """

    name: str
    sheet: str | None = None
    found: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def at(self, line: int, column: int) -> str:
        """Return the place of a cell in words of the file's own kind."""
        if self.sheet is None:
            return f"{self.name}:{line}:{column}"
        return f"{self.name}:{self.sheet}!{column_letters(column)}{line}"

    def add(self, line: int, column: int, code: str, detail: str) -> None:
        """Note a fault at a line and a column (the number of the cell)."""
        self.count += 1
        if len(self.found) < MOST_FAULTS:
            where = {} if self.sheet is None else {"sheet": self.sheet, "cell": f"{column_letters(column)}{line}"}
            self.found.append({"at": self.at(line, column), "line": line, "column": column, "code": code,
                               "detail": detail, **where})  # fmt: skip

    def raise_any(self) -> None:
        """Refuse the file if anything was found; one kind of fault gives its own code."""
        if self.count:
            codes = {one["code"] for one in self.found}
            more = f"; the first {MOST_FAULTS} are shown" if self.count > MOST_FAULTS else ""
            first = self.found[0]
            told = f"{self.name} has {self.count} fault(s), nothing was imported{more}; first {first['at']}: "
            told += first["detail"]
            code = codes.pop() if len(codes) == 1 else "import.invalid"
            raise Invalid(code, told, errors=self.found, faults=self.count)

    def stop(self, line: int, column: int, code: str, detail: str) -> Invalid:
        """Return the refusal for a fault behind which nothing can be read."""
        self.add(line, column, code, detail)
        return Invalid(code, f"{self.at(line, column)}: {detail}", errors=self.found, faults=self.count)

    def whole(self, code: str, detail: str) -> Invalid:
        """Return the refusal of the file as such: no line of it can be named."""
        self.count += 1
        self.found.append({"at": self.name, "line": 1, "column": 1, "code": code, "detail": detail})
        return Invalid(code, f"{self.name}: {detail}", errors=self.found, faults=self.count)
