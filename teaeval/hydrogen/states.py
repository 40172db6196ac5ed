"""State points of a dataset, and their reference trajectories."""

from __future__ import annotations

from dataclasses import dataclass

from teadata import Dataset
from teadata.errors import UsageError, unknown_name


@dataclass(frozen=True)
class StatePoint:
    """A temperature and a density at which the dataset has a reference trajectory.

    Parameters
    ----------
    name
        Such as ``1000K-0.5``.
    trajectory
        Index of the reference trajectory in the card.
    temperature
        K.
    density
        g/cm³.
    spacing
        Time between two frames of the reference, fs.
    """

    name: str
    trajectory: int
    temperature: float
    density: float
    spacing: float


def state_points(dataset: Dataset, names: list[str] | None = None) -> list[StatePoint]:
    """The state points of a dataset, by temperature and density.

    Parameters
    ----------
    dataset
        A dataset with continuous trajectories at several densities.
    names
        Only these.

    Raises
    ------
    UsageError
        If the dataset has none, or a name is not one of them.
    """
    points = [
        StatePoint(
            f"{run.temperature:.0f}K-{run.density:g}",
            run.index,
            run.temperature,
            run.density,
            run.spacing,
        )
        for run in dataset.card.trajectories
        if run.continuous and run.density is not None
    ]
    if not points:
        raise UsageError(
            f"{dataset.card.full_id} has no continuous reference trajectories at several "
            "densities; expected a dataset such as mini-hydrogen"
        )
    points.sort(key=lambda state: (state.temperature, state.density))
    if names is None:
        return points
    known = {state.name: state for state in points}
    for name in names:
        if name not in known:
            raise unknown_name("state point", name, known)
    return [state for state in points if state.name in names]
