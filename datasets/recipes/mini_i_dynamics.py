"""Simulations of mini-i by the engine of its labels: what simulations with models are held against.

    python datasets/recipes/mini_i_dynamics.py           # run what is missing (resumes), then pack
    python datasets/recipes/mini_i_dynamics.py --pack    # pack what has been simulated so far

1. `teaeval md` with GFN2-xTB as the calculator, under the published settings (NVT, Langevin,
   friction 0.001/fs, 0.5 fs): two replicas of 50 ps of folded and of unfolded at 300 and 500 K,
   in build/mini-i-dynamics.  A state whose replicas are all packed is not simulated again.
2. Every finished replica becomes datasets/dynamics/mini-i/<subset>-<T>K-<replica>.npz: positions
   every 48 fs in single precision, energies, temperatures, and the vibrational density of states
   of each of five blocks, from velocities every 4 fs, which are not kept.
3. datasets/dynamics/mini-i/card.yaml says which version of mini-i they are of, and has their
   checksums, which `teadata verify` and `teaeval md analyse` check.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # must precede tblite

import argparse
import itertools
from pathlib import Path
from typing import Any

import labels
import numpy as np
import publish
import yaml

from teadata.catalog import load
from teadata.dynamics import CARD_FILE, ReferenceSimulations, SimulationFile
from teadata.files import atomic_write, write_text
from teadata.provenance import sha256
from teaeval.md import Settings, Trajectory, make_plan, run
from teaeval.md.outcome import OUTCOME_FILE, Outcome
from teaeval.observables import density_of_states

STATES = list(itertools.product(("folded", "unfolded"), (300.0, 500.0)))
REPLICAS = 2
SETTINGS = Settings(steps=100_000, interval=8, checkpoint=2000)
EVERY = 12
"""Stored frames between two that are packed."""

VERSION = "1.0.0"
"""Of the simulations: raised with whatever changes a file."""

BLOCKS, LAGS = 5, 500
BUILD = publish.BUILD / "mini-i-dynamics"
PACKED = publish.DATASETS / "dynamics" / "mini-i"


class Labelling(labels.Dynamics):
    """The engine of the labels, whose SCF begins anew at every checkpoint."""

    def reset(self) -> None:
        """Forget the last density, so that a resumed run equals one that was not interrupted."""
        super().reset()
        self._interface = self._last = None


def make() -> Labelling:
    """The calculator, for ``--calculator mini_i_dynamics:make``."""
    return Labelling(labels.Engine("GFN2-xTB"), accuracy=1.0)


def packed_file(subset: str, temperature: float, replica: int) -> Path:
    """Where a replica is packed."""
    return PACKED / f"{subset}-{temperature:.0f}K-{replica}.npz"


def folder_of(subset: str, temperature: float) -> Path:
    """Where the replicas of a state are simulated."""
    return BUILD / f"{subset}-{temperature:.0f}K"


def simulate(subset: str, temperature: float) -> None:
    """Run the replicas of a state, or go on with them."""
    settings = SETTINGS.model_copy(update={"temperature": temperature})
    plan = make_plan(
        load("mini-i"), subset, settings, REPLICAS,
        calculator="mini_i_dynamics:make", name="GFN2-xTB",
    )  # fmt: skip
    run(plan, folder_of(subset, temperature))


def spectra(trajectory: Trajectory) -> dict[str, np.ndarray]:
    """Vibrational density of states of each block, (BLOCKS, F) in cm, at wavenumbers (F,)."""
    found = []
    for rows in np.array_split(np.arange(1, len(trajectory)), BLOCKS):
        velocities = trajectory.read("velocities", rows[0], rows[-1] + 1)
        found.append(
            density_of_states(velocities, trajectory.spacing, trajectory.masses, lags=LAGS)
        )
    return {
        "wavenumbers": found[0].wavenumbers,
        "density_of_states": np.stack([one.density for one in found]),
    }


def pack(folder: Path, path: Path) -> None:
    """Write what is kept of a finished replica."""
    outcome = Outcome.read(folder)
    trajectory = Trajectory(folder / "trajectory.h5md")
    kept: dict[str, Any] = {
        "numbers": trajectory.numbers,
        "masses": trajectory.masses,
        "times": trajectory.times[::EVERY],
        "positions": trajectory.positions[::EVERY].astype(np.float32),
        "energies": trajectory.energies[::EVERY],
        "temperatures": trajectory.temperatures[::EVERY],
        **spectra(trajectory),
        "engine": f"GFN2-xTB, {labels.Engine().version}, accuracy 1, electrons at 300 K",
        "settings": outcome.settings.model_dump_json(),
        "status": outcome.status,
        "units": "Å, fs, kcal/mol, K, u; wavenumbers in 1/cm, density of states in cm",
        "licence": "CC BY 4.0",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, **kept)
    print(f"{path}: {len(kept['times'])} frames, {path.stat().st_size / 1e6:.2f} MB")


def write_card() -> None:
    """Write the card of the files that are there."""
    states = [(*state, i) for state in STATES for i in range(REPLICAS)]
    card = ReferenceSimulations(
        dataset=load("mini-i").card.full_id,
        version=VERSION,
        method="GFN2-xTB",
        settings=f"{SETTINGS.steps * SETTINGS.timestep / 1000:g} ps each, Langevin, friction "
        f"{SETTINGS.friction:g} {SETTINGS.friction_unit}, {SETTINGS.timestep:g} fs",
        licence="CC-BY-4.0",
        files=[
            SimulationFile(
                name=file.relative_to(publish.DATASETS).as_posix(),
                subset=subset,
                temperature=temperature,
                bytes=file.stat().st_size,
                sha256=sha256(file),
            )
            for subset, temperature, i in states
            if (file := packed_file(subset, temperature, i)).exists()
        ],
    )
    text = yaml.safe_dump(card.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_text(PACKED / CARD_FILE, text)


def main() -> None:
    """Simulate, pack, and write the card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", action="store_true", help="Only pack what is finished.")
    only_pack = parser.parse_args().pack
    for subset, temperature in STATES:
        files = [packed_file(subset, temperature, i) for i in range(REPLICAS)]
        if not only_pack and not all(file.exists() for file in files):
            simulate(subset, temperature)
        for i, file in enumerate(files):
            folder = folder_of(subset, temperature) / f"replica-{i}"
            if not file.exists() and (folder / OUTCOME_FILE).exists():
                pack(folder, file)
    write_card()


if __name__ == "__main__":
    main()
