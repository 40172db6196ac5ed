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
        The module in which each public name lives, ``module:name`` where its name there is
        another, and the module's own name for a module; ``__version__`` is added.
    """

    def get(name: str) -> object:
        if name == "__version__":
            from teadata.provenance import package_version

            return package_version()
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home, _, other = homes[name].partition(":")
        module = importlib.import_module(home)
        return module if home == f"{package}.{name}" else getattr(module, other or name)

    def names() -> list[str]:
        return sorted([*homes, "__version__"])

    return get, names
