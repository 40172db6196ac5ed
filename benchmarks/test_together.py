"""All replicas of a torch model as one batch: `teaeval md --together` against torch-sim.

The same MACE (trained for a moment, as fast as a good one), the same molecule, Langevin dynamics.
Ours, `--together` ("here") and `--engine torch-sim` ("engine"), include monitors, frames and
checkpoints; torch-sim's are its bare integrator without a trajectory, the least that it takes.  CPU
time of this process.  torch-sim is not in the extra `baselines`:

    python -m pip install torch-sim-atomistic
"""

from __future__ import annotations

import functools

import pytest

import teadata
from baselines import config, registry
from teaeval import md
from teaeval.md.batched import in_batches
from teaeval.md.torch_engine import TorchSimBatch

STEPS, TIMESTEP, TEMPERATURE = 60, 0.1, 300.0  # fs, K
FRICTION = 0.1  # 1/fs: keeps a poor model together for as long as this takes


@pytest.fixture(scope="module")
def mace(tmp_path_factory):
    """MACE of the quick settings on 50 frames, and its file for mace-torch."""
    _, kind = registry.entry("mace").classes()
    settings = config.read(kind, "mace", "quick").model_dump(mode="json")
    settings |= {"size": 50, "max_num_epochs": 1}
    found = registry.entry("mace").classes()[0](config.parse(kind, settings, "mace"))
    data, folder = teadata.load("mini-i"), tmp_path_factory.mktemp("mace")
    found.fit(data.split("folded/train/50"), data.split("folded/valid/50"), folder)
    found.export(folder / "mace.model")
    return found, folder / "mace.model"


def structures(replicas: int):
    found = teadata.load("mini-i").split("folded/test")[:replicas].to_ase()
    for atoms in found:
        atoms.calc = None
    return found


@pytest.mark.parametrize("replicas", [1, 4, 16])
@pytest.mark.parametrize("how", ["here", "engine", "torch-sim"])
def test_together(benchmark, mace, tmp_path, how, replicas):
    model, exported = mace
    benchmark.group = f"{replicas} replicas of MACE together, {STEPS} steps"
    count = iter(range(100))

    settings = md.Settings(
        steps=STEPS, interval=10, checkpoint=STEPS, timestep=TIMESTEP, friction=FRICTION,
        temperature=TEMPERATURE, monitors=("topology", "escape"),
    )  # fmt: skip

    def engine() -> None:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        TorchSimBatch(
            model.torch_sim_model(),
            structures(replicas),
            [settings] * replicas,
            folder,
            [folder / f"replica-{i}" for i in range(replicas)],
        ).complete()

    def ours() -> None:
        folder = tmp_path / str(next(count))
        in_batches(
            model.calculator(),
            [
                functools.partial(_simulate, atoms, settings, folder / f"replica-{i}")
                for i, atoms in enumerate(structures(replicas))
            ],
        )

    if how == "here":
        run = ours
    else:
        pytest.importorskip("torch_sim")
        run = engine if how == "engine" else _of_torch_sim(exported, replicas)
    benchmark.pedantic(run, rounds=2, warmup_rounds=1)
    per_step = benchmark.stats.stats.min / STEPS / replicas * 1e3
    benchmark.extra_info["ms a step and replica"] = round(per_step, 3)
    print(f"\n{replicas} replicas, {how}: {per_step:.2f} ms a step and replica")


def _simulate(atoms, settings, folder, calculator, progress) -> None:
    md.simulate(atoms, calculator, settings, folder, progress)


def _of_torch_sim(exported, replicas: int):
    import torch
    import torch_sim
    from torch_sim.models.mace import MaceModel

    network = torch.load(exported, weights_only=False, map_location="cpu")
    dtype = next(network.parameters()).dtype
    model = MaceModel(model=network, device=torch.device("cpu"), dtype=dtype, compute_stress=False)
    units = torch_sim.units.MetalUnits
    start, update = torch_sim.integrators.nvt_langevin(
        model=model,
        dt=torch.tensor(TIMESTEP * 1e-3 * units.time, dtype=dtype),
        kT=torch.tensor(TEMPERATURE * units.temperature, dtype=dtype),
        gamma=torch.tensor(FRICTION * 1e3 / units.time, dtype=dtype),
        seed=0,
    )

    def run() -> None:
        state = torch_sim.initialize_state(structures(replicas), torch.device("cpu"), dtype)
        state = start(state)
        for _ in range(STEPS):
            state = update(state)
        assert torch.isfinite(state.energy).all()

    return run
