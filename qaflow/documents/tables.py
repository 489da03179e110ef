"""Tables as CSV: UTF-8 with a mark, so that spreadsheets read it, and no text among them that could be a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date

from qaflow.errors import Invalid
from qaflow.services.files.guarding import guarded
from qaflow.services.ports import Cell, Leaf, Value

MARK = "\ufeff"


class CsvTables:
    """Writes one sheet as comma-separated values; numbers stay numbers, days are written as 2026-11-19."""

    def write(self, leaves: Sequence[Leaf]) -> bytes:
        """Return the file's bytes; raises `Invalid` for several sheets, which CSV cannot hold."""
        if len(leaves) != 1:
            raise Invalid("export.sheets", f"a csv file holds one sheet, not {len(leaves)}: use xlsx")
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([guarded(heading) for heading in leaves[0].headings])
        writer.writerows([[_plain(value) for value in row] for row in leaves[0].rows])
        return (MARK + out.getvalue()).encode()


def _plain(given: Value) -> str | float:
    value = given.value if isinstance(given, Cell) else given
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value
