"""How a simulation ended."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from teadata.errors import DataError, PathError
from teadata.schema import StrictModel
from teaeval.md.settings import Settings

OUTCOME_FILE = "outcome.json"

Time = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A time that something lasted, or after which it began."""

QUANTITIES = ("positions", "velocities", "energy")
"""What may not be finite, as messages name it."""


class Failure(StrictModel):
    """Why a simulation is unstable, and since when.

    ``kind`` is ``broken``, ``formed``, ``temperature``, ``escaped``, ``not finite`` or
    ``calculator``; ``time`` in ps is when it began, ``noticed`` in ps when the run was stopped.
    ``atoms`` are the 0-based indices of the bond's ends, or the atom, at ``distance`` Å, where
    ``start`` Å was the distance in the first frame; ``names`` are their symbols with the indices,
    empty in records of an earlier version.  ``bond`` says of a temperature that is too high whether
    that bond was ``broken`` or ``formed`` by then, or the most ``strained`` one.
    """

    kind: Literal["broken", "formed", "temperature", "escaped", "not finite", "calculator"]
    time: Time
    noticed: Time
    message: str
    atoms: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    bond: Literal["broken", "formed", "strained"] | None = None
    distance: float | None = None
    start: float | None = None

    @property
    def what(self) -> str:
        """What happened, in a few words."""
        return self.kind if self.bond is None else f"{self.kind}, bond {self.bond}"

    @property
    def place(self) -> str:
        """Where it happened: a bond such as ``C4–O17``, an atom, or a dash for the whole system.

        Of what is not finite: ``positions``, ``velocities`` or ``energy``.
        """
        if self.kind == "not finite" and not self.atoms:
            words = self.message.split()
            return next((name for name in QUANTITIES if name in words), "–")
        return "–".join(self.names or map(str, self.atoms)) or "–"


class Outcome(StrictModel):
    """How a simulation ended, with its length, temperature and speed.

    ``steps`` were done, which are ``time`` ps; ``frames`` are stored in ``file``, of which the
    first ``stable_frames`` were before any failure began.  ``temperature`` is the mean over
    these frames in K, None without any, of ``degrees_of_freedom``; where these are None, an
    earlier version counted three an atom, whatever was kept.  ``wall_seconds`` is the time of the
    loop, interruptions left out.
    """

    status: Literal["finished", "failed"]
    settings: Settings
    steps: int
    time: Time
    frames: int
    stable_frames: int
    degrees_of_freedom: int | None = None
    temperature: float | None
    failure: Failure | None = None
    wall_seconds: Time
    ns_per_day: float
    resumed: int
    file: str

    @property
    def stable_time(self) -> float:
        """How long it was stable, ps."""
        return self.time if self.failure is None else self.failure.time

    @classmethod
    def read(cls, folder: Path) -> Outcome:
        """Read the outcome in the folder of a simulation.

        Raises
        ------
        DataError
            If there is none, or it is not one.
        """
        path = folder / OUTCOME_FILE
        try:
            outcome = cls.from_json(
                path, "the outcome of a simulation", "the simulation has not ended"
            )
        except PathError:
            raise
        except DataError as error:
            raise DataError(
                f"{error}; remove the file, and it goes on from its last checkpoint: "
                f"rm {shlex.quote(str(path))}"
            ) from None
        return outcome.model_copy(update={"file": str(folder / Path(outcome.file).name)})
