import os
from rights.table import Table, fault
def test_rows(rights):
    for programs in (True, False):
        table = Table(programs=programs)
        pats = os.environ["ROWS"].split()
        cells = [c for c in table.cells() if any(p in c.row.path for p in pats)]
        heard = {}
        faults = [f for c in cells if (f := fault(rights, table, c, heard))]
        print(len(cells), len([c for c in cells if table.allowed(c)]))
        assert faults == []
