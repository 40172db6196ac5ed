"""The model that torch-sim moves is compared with its calculator and with the reference."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.errors import TeaError
from teaeval import md
from teaeval.md import torch_batch

pytest.importorskip("torch_sim", reason="torch-sim is not installed")
import torch

from .springs import Springs


def differing(change):
    """Springs as torch-sim has them, changed: energies and forces, and which system each is of."""

    class Other(Springs):
        def of(self, away, replica, shape):
            return super().of(away, replica, shape) | change(super().of(away, replica, shape))

    return Other


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: {"forces": 2 * found["forces"]}, r"its forces, .* all are 2 times these"),
        (lambda found: {"forces": -found["forces"]}, "all are -1 times these"),
        (lambda found: {"forces": 0 * found["forces"]}, "all are 0 times these"),
        (lambda found: {"forces": found["forces"] * torch.nan}, "is nan eV/Å, and the calculator"),
        (lambda found: {"forces": found["forces"].roll(126)}, r"of these is .* and the calculator"),
        (lambda found: {"energy": 23 * found["energy"]}, "energies on 8 test frames have a spread"),
    ],
)
def test_a_model_that_is_not_the_calculators_is_refused(
    plan_of, calculators, tmp_path, change, said
):
    """Also another sign, no forces, forces of the batch's next structure, energies in kcal/mol."""
    plan = plan_of(md.Settings(steps=20, interval=10, checkpoint=20))
    model = type("Other", (differing(change),), {"starts": calculators.WithModel.kind.starts})
    calculators.WithModel.torch_sim_model = lambda self: model()
    with pytest.raises(TeaError, match=rf"is another model than its calculator: .*{said}"):
        md.run(plan, tmp_path / "md")
    assert not (tmp_path / "md").exists()


def test_the_model_that_is_simulated_is_compared_with_the_reference(
    plan_of, calculators, calculators_folder, tmp_path, monkeypatch
):
    from typer.testing import CliRunner

    from teaeval.cli import app

    plan_of(md.Settings())
    monkeypatch.chdir(calculators_folder)
    command = ("md", "run", "mini-i", "--subset", "folded", "--steps", "20", "--interval", "10")
    command += ("--checkpoint", "20", "--replicas", "2", "--engine", "torch-sim", "--json")
    command += ("--calculator", "cheap:WithModel", "-o", str(tmp_path / "md"))
    calculators.WithModel.kind.k = 0.0
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    assert "warning: all forces on 8 of 8 test frames of mini-i folded are zero" in done.stderr


def test_replicas_have_cells_of_their_own(mini_i):
    class Sized(Springs):
        def of(self, away, replica, shape):
            volumes = torch.linalg.det(self.asked[-1].cell)
            return {"energy": volumes, "forces": torch.zeros(shape, dtype=torch.float64)}

    starts = mini_i.split("folded/test")[:3].to_ase()
    for size, atoms in zip((20, 21, 22), starts, strict=True):
        atoms.set_cell([size, size, size])
        atoms.pbc = True
    model = Sized()
    model.starts = torch.tensor(np.stack([atoms.positions.ravel() for atoms in starts]))
    batch = torch_batch.MovingBatch(model, starts, md.Settings())
    batch.evaluate(keep=True)
    np.testing.assert_allclose(batch.energies(), [20**3, 21**3, 22**3])
    batch.keep_only([0, 2])
    batch.evaluate(keep=True)
    np.testing.assert_allclose(batch.energies(), [20**3, 22**3])
