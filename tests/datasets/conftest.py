"""The recipes, which are scripts, as modules."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def recipes(repository: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of the recipes, which are scripts, not a package."""
    sys.path.insert(0, str(repository / "datasets" / "recipes"))
    try:
        yield importlib.import_module
    finally:
        sys.path.pop(0)
