"""What other installed packages add: entry points, each imported when it is first needed.

A plugin is an installed package, and runs with all rights of the user, as everything does that is
installed and imported: install only what you trust.  Nothing else is loaded as one: no file of a
folder, no dataset, no prediction.

One that fails, or gives what is not expected, is named in one line and passed over.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

OURS = "tea-benchmark"
"""The distribution whose entry points come first."""


class PluginWarning(UserWarning):
    """A plugin is passed over; the message says which, and why."""


@dataclass(frozen=True)
class Plugin:
    """An entry point, loaded.

    Parameters
    ----------
    group, name
        Of the entry point.
    package
        Name and version of the distribution that has it.
    value
        What it names.
    """

    group: str
    name: str
    package: str
    value: Any

    def pass_over(self, why: object) -> None:
        """Warn that this plugin, or a part of what it gives, is not used."""
        _warn(self.group, self.name, self.package, why)


def _warn(group: str, name: str, package: str, why: object) -> None:
    said = " ".join(str(why).split()) or "it says nothing"
    if isinstance(why, BaseException) and type(why).__module__ == "builtins":
        said = f"{type(why).__name__}: {said}"
    text = f"the plugin {name!r} ({group}) of {package} is passed over: {said}"
    warnings.warn(text, PluginWarning, stacklevel=3)


def _entries(group: str) -> list[tuple[str, str, EntryPoint]]:
    """Name and version of the package of each entry point: ours first, then by name."""
    from importlib.metadata import entry_points

    found = []
    for point in entry_points(group=group):
        distribution = point.dist
        name = "an unknown package" if distribution is None else distribution.name
        version = "" if distribution is None else f" {distribution.version}"
        found.append((name, f"{name}{version}", point))
    return sorted(found, key=lambda item: (item[0] != OURS, item[0], item[2].name))


def names(group: str) -> list[str]:
    """Names of the entry points of a group; none of them is imported."""
    return list(dict.fromkeys(point.name for _, _, point in _entries(group)))


@functools.cache
def loaded(group: str) -> tuple[Plugin, ...]:
    """The entry points of a group, imported once; this package's own come first.

    One that cannot be imported is named in a :class:`PluginWarning` and left out.

    Parameters
    ----------
    group
        ``tea.datasets``, ``tea.baselines`` or ``tea.calculators``.
    """
    found = []
    for _, package, point in _entries(group):
        try:
            value = point.load()
        except (Exception, SystemExit) as error:
            _warn(group, point.name, package, error)
        else:
            found.append(Plugin(group, point.name, package, value))
    return tuple(found)
