"""The entry point: streams in UTF-8, files for their owner alone, then the command line."""

import os
import sys

from qaflow.app import BOOTSTRAP
from qaflow.cli.main import program

PRIVATE = 0o077  # what qaflow writes, nobody else reads


def main() -> None:
    """Run `qaflow` with the arguments of the process."""
    os.umask(PRIVATE)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            # Chinese text must come out under LANG=C too, and half a character in a file name must not stop it.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    program(obj=BOOTSTRAP)


if __name__ == "__main__":
    main()
