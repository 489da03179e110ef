"""What the browser's tests share: one browser, one demo served."""

from collections.abc import Iterator
from pathlib import Path

import driving
import pytest
from driving import Served
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Debian's Chromium."""
    with driving.opened() as found:
        yield found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return the demo, served."""
    home: Path = tmp_path_factory.mktemp("demo")
    told = driving.lived(home)
    with driving.serving(home, told["password"], told["accounts"]) as site:
        yield site
