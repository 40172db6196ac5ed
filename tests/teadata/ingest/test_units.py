"""Official data in whatever units: stated, said by the user, or told by the size of forces."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teadata
from teadata import units
from teadata.errors import DataError, UsageError
from teadata.ingest import Options, ingest

from .sgdml_files import save

pytestmark = pytest.mark.usefixtures("home")


def test_forces_may_be_in_a_unit_of_their_own(mini_i, folder, run):
    """Hartree/bohr beside Å, which a file states or the user says."""
    frames = mini_i.split("folded/test")[:300]
    mixed = {"energy": units.HARTREE, "F": frames.forces / units.HARTREE * units.BOHR}
    said = Options(energy_unit="hartree", force_unit="hartree/bohr")
    stated = {"e_unit": "hartree", "force_unit": "Ha/a0"}
    for more, options in ((stated, Options()), ({"e_unit": None}, said)):
        save(folder / "AcAla3_folded-test.npz", frames, **mixed, **more)
        made = ingest([folder], "tea2023-i", options, replace=True)
        found = teadata.load("tea2023-i").split("folded/test")
        np.testing.assert_allclose(found.forces, frames.forces, rtol=1e-14)
        assert made.card.ingested[0].units == "Hartree, Å, Hartree/Bohr"
    wrong = run("teadata", "ingest", folder, "--dataset", "tea2023-i", "--replace",
                "--energy-unit", "hartree", "--force-unit", "hartree")  # fmt: skip
    assert "unknown force unit 'hartree'" in wrong.stderr


@pytest.mark.parametrize(
    ("declared", "actual"),
    [("eV", units.EV), ("kJ/mol", 1 / 4.184), ("Hartree", units.HARTREE), ("kcal/mol", 1.0)],
)
@pytest.mark.parametrize("wrong", ["eV", "kcal/mol", "Hartree", "kJ/mol"])
def test_a_wrong_unit_is_caught_by_the_size_of_the_forces(mini_i, folder, declared, actual, wrong):
    save(folder / "folded_test.npz", mini_i.split("folded/test")[:10], energy=actual, e_unit=wrong)
    if wrong == declared:
        ingest([folder], "tea2023-i")
        return
    with pytest.raises(DataError, match=rf"mean \|F\| .* would fit in .*{declared}/Å"):
        ingest([folder], "tea2023-i")


def test_units_of_length_and_the_way_past_the_check(mini_i, folder):
    frames = mini_i.split("folded/test")[:10]
    save(folder / "folded_test.npz", frames, units.HARTREE, units.BOHR, e_unit="Ha", r_unit="bohr")
    ingest([folder], "tea2023-i")
    found = teadata.load("tea2023-i").split("folded/test")
    np.testing.assert_allclose(found.forces, frames.forces, rtol=1e-13)
    save(folder / "folded_test.npz", dataclasses.replace(frames, forces=5 * frames.forces))
    with pytest.raises(DataError, match=r"--accept-force-scale"):
        ingest([folder], "tea2023-i", replace=True)
    ingest([folder], "tea2023-i", Options(accept_force_scale=True), replace=True)
    with pytest.raises(UsageError, match=r"declares kcal/mol, but --energy-unit says eV"):
        ingest([folder], "tea2023-i", Options(energy_unit="eV"), replace=True)


def test_challenge_iv_finds_its_eight_ions_and_the_size_of_its_forces(folder):
    mini = teadata.load("mini-iv")
    frames = mini.split("complete/test")[:20]
    save(folder / "MAPbI3_test.npz", frames, energy=units.EV, e_unit="eV", r_unit="Ang")
    said = Options({"MAPbI3_test.npz": "complete/test"})
    card = ingest([folder], "tea2023-iv", said).card
    assert card.groups == mini.card.groups
    found = teadata.load("tea2023-iv").split("complete/test")
    np.testing.assert_allclose(found.forces, frames.forces, rtol=1e-12)
    save(folder / "MAPbI3_test.npz", frames, energy=units.EV, e_unit="kcal/mol", r_unit="Ang")
    with pytest.raises(DataError, match=r"that of mini-iv, .* would fit in .*eV/Å"):
        ingest([folder], "tea2023-iv", said, replace=True)


def test_float32_energies_are_refused_with_the_reason(mini_i, folder):
    frames = mini_i.split("folded/test")[:10]
    single = (frames.energies - 2.5e6).astype(np.float32)
    save(folder / "folded_test.npz", frames, E=single)
    with pytest.raises(
        DataError, match=r"float32: at 25\d+\.?\d* kcal/mol they are 0.25 kcal/mol ap"
    ):
        ingest([folder], "tea2023-i")
    ingest([folder], "tea2023-i", Options(accept_float32=True))
    found = teadata.load("tea2023-i").split("folded/test").energies
    np.testing.assert_array_equal(found, single.astype(np.float64))
