"""Public names that are imported on first use, so that importing a package stays light."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping


def exports(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Parameters
    ----------
    package
        The package's ``__name__``.
    homes
        The module in which each public name lives; ``__version__`` is added.
    """

    def get(name: str) -> object:
        if name == "__version__":
            from teadata.provenance import package_version

            return package_version()
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    def names() -> list[str]:
        return sorted([*homes, "__version__"])

    return get, names
