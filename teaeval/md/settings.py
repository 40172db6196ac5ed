"""Settings of a simulation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from teadata.schema import StrictModel

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]

Watched = Literal["topology", "temperature", "escape"]

ASE_TIME_FS = 10.180505671156725
"""ASE's unit of time, Å (u/eV)^½, in fs, with ASE's constants (CODATA 2014)."""

SWING = 10.0
"""fs, a fast vibration: friction that stops atoms within it is mostly one in another unit."""

FRICTION_UNITS = {"1/fs": 1.0, "1/ps": 1e-3, "1/ase": 1 / ASE_TIME_FS}
"""Units of a friction, each in 1/fs; ``1/ase`` is what ASE takes a bare number for."""


class Settings(StrictModel):
    """Settings of a simulation; the defaults are the published ones, as far as they are known.

    Published for the MD runs of PhysNet in the TEA Challenge: NVT, Langevin, 300 K, friction
    10⁻³, time step 0.5 fs.  The unit of the friction is not stated there; here it is 1/fs.

    Parameters
    ----------
    temperature
        K, of the thermostat and of the velocities drawn at the start.
    thermostat
        ``langevin``, ``nose-hoover`` (a chain of three), ``bussi`` (stochastic velocity
        rescaling), or ``none``: NVE with velocity Verlet.  All are ASE's.  The target is of the
        degrees of freedom that there are: see :mod:`teaeval.md.freedom`.
    friction, friction_unit
        Of Langevin dynamics.
    relaxation
        Time constant of the Nosé–Hoover chain and of Bussi's thermostat, fs.
    timestep
        fs.
    steps
        Number of time steps.
    interval
        Steps between two stored frames; the frame at the start is stored too.
    checkpoint
        Steps between two checkpoints, a multiple of `interval`.  An interrupted run goes on
        from the last one.
    seed
        Of the velocities at the start and of the thermostat's noise.
    forces, stress
        Whether they are stored with the frames.
    monitors
        What is watched: ``topology`` (covalent bonds broken or formed against the start),
        ``temperature`` and ``escape`` (an atom far from all others).  That all numbers are
        finite is always watched.
    monitor_interval
        Steps between two looks at the geometry; the temperature is looked at after every step.
    broken, formed
        A bond is broken above so many times the sum of the covalent radii, one is formed below.
    persistence
        Time for which a bond stays broken or formed before that counts as a failure, fs.
    overheated
        A temperature is too high above so many times the target, and above 10 standard
        deviations of the canonical distribution.
    escaped
        An atom has escaped whose nearest neighbour is farther, Å.
    """

    temperature: Positive = 300.0
    thermostat: Literal["langevin", "nose-hoover", "bussi", "none"] = "langevin"
    friction: Positive = 1e-3
    friction_unit: Literal["1/fs", "1/ps", "1/ase"] = "1/fs"
    relaxation: Positive = 100.0
    timestep: Positive = 0.5
    steps: Count = 100_000
    interval: Count = 100
    checkpoint: Count = 1000
    seed: Annotated[int, Field(ge=0)] = 0
    forces: bool = False
    stress: bool = False
    monitors: tuple[Watched, ...] = ("topology", "temperature", "escape")
    monitor_interval: Count = 10
    broken: Positive = 1.5
    formed: Positive = 1.2
    persistence: Annotated[float, Field(ge=0)] = 50.0
    overheated: Positive = 3.0
    escaped: Positive = 6.0

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.checkpoint % self.interval:
            near = max(1, round(self.checkpoint / self.interval)) * self.interval
            raise ValueError(
                f"checkpoint {self.checkpoint} is not a multiple of interval {self.interval}: a "
                f"checkpoint is at a stored frame; give --checkpoint {near}"
            )
        if self.steps < self.interval:
            raise ValueError(
                f"interval {self.interval} is longer than the run of {self.steps} steps; give "
                f"--interval {self.steps} or less, and a --checkpoint that is a multiple of it"
            )
        if self.formed >= self.broken:
            raise ValueError(f"formed {self.formed} is not below broken {self.broken}")
        return self

    def changed(self, now: Settings) -> str:
        """What other settings have instead, such as ``timestep 0.5, now 1.0``; empty if nothing."""
        pairs = ((n, getattr(self, n), getattr(now, n)) for n in Settings.model_fields)
        return "; ".join(f"{n} {old}, now {new}" for n, old, new in pairs if old != new)

    @property
    def overdamped(self) -> str | None:
        """What to say of a friction that hardly lets atoms swing; None of any other."""
        if self.thermostat != "langevin" or self.friction_per_fs * SWING <= 1:
            return None
        return (
            f"friction {self.friction:g} {self.friction_unit} stops atoms within "
            f"{1 / self.friction_per_fs:.3g} fs, before a bond has swung: they sample slowly. If "
            f"it is in 1/ps: --friction {self.friction:g} --friction-unit 1/ps"
        )

    @property
    def friction_per_fs(self) -> float:
        """Friction in 1/fs."""
        return self.friction * FRICTION_UNITS[self.friction_unit]

    @property
    def frames(self) -> int:
        """Frames that a whole run stores."""
        return self.steps // self.interval + 1

    def hottest(self, freedom: int) -> float:
        """Temperature in K above which a run is overheated, by its degrees of freedom."""
        spread: float = (2 / freedom) ** 0.5
        return self.temperature * max(self.overheated, 1 + 10 * spread)
