"""Small runs into a temporary folder."""

from pathlib import Path

import pytest
from small_runs import TINY, Planned
from trouble import Trouble

from initbench.config import load_text
from initbench.execute import Schedule, schedule
from initbench.inits import INITS


@pytest.fixture(autouse=True)
def _trouble_in_the_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(INITS._classes, "trouble", Trouble)


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """A schedule of the tiny experiment, with ``overrides``, against a folder."""

    def make(*overrides: str, folder: str = "results") -> Schedule:
        return schedule(load_text(TINY, "tiny.yaml", overrides), tmp_path / folder, tmp_path)

    return make
