"""Figures of errors: their data against the arrays, their axes, labels and marks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import teaeval
from teadata.errors import UsageError
from teaeval.plots import errors, structure
from teaeval.plots.error_summary import summarise_against
from teaeval.predictions.reading import read_predictions
from teaeval.scores.against import examine_against


def test_parity(molecule):
    plot = errors.parity(molecule)
    panels = [ax for ax in plot.figure.axes if ax.get_xlabel().startswith("reference")]
    assert len(panels) == 4  # energies and forces of two predictions
    frames = len(molecule[0].energies)
    marks = [len(panels[0].lines[0].get_xdata()), len(panels[2].lines[0].get_xdata())]
    assert marks == [frames, frames]
    for model, c in zip(("MACE", "sGDML"), molecule, strict=True):
        lines = [d for d in plot.data if d["model"] == model]
        energies = [d for d in lines if d["quantity"] == "E"]
        lowest = c.reference_energies.min()
        assert [d["reference"] for d in energies] == list(c.reference_energies - lowest)
        assert [d["predicted"] for d in energies] == list(c.energies - lowest)
        assert sum(d["count"] for d in lines if d["quantity"] == "F") == 3 * frames * 42
    assert panels[0].get_xlim() == panels[0].get_ylim()
    assert "kcal/mol/Å" in panels[1].get_ylabel()


@pytest.mark.parametrize("draw", [errors.parity, errors.by_element, errors.by_magnitude])
def test_nothing_is_drawn_of_no_predictions(draw):
    with pytest.raises(UsageError, match="no predictions: nothing to draw"):
        draw([])


def test_distributions_are_densities(molecule):
    plot = errors.distributions(molecule)
    left, right = plot.figure.axes
    assert [t.get_text() for t in left.get_legend().get_texts()] == ["MACE", "sGDML"]
    for quantity, c in (("E", molecule[1]), ("F", molecule[1])):
        lines = [d for d in plot.data if (d["model"], d["quantity"]) == ("sGDML", quantity)]
        x = np.array([d["error"] for d in lines])
        density = np.array([d["density"] for d in lines])
        assert density.sum() * (x[1] - x[0]) == pytest.approx(1)
        spread = np.sqrt((density * x**2).sum() * (x[1] - x[0]))
        true = (c.energies - c.reference_energies).std() if quantity == "E" else None
        assert spread == pytest.approx(true, rel=0.02) if true else spread > 3
    assert right.get_yscale() == "log"


def test_by_element(molecule):
    plot = errors.by_element(molecule)
    (ax,) = plot.figure.axes
    assert [t.get_text() for t in ax.get_xticklabels()] == ["C", "O", "N", "H"]
    assert len(ax.patches) == 8  # a box per element and prediction
    for d in plot.data:
        assert d["q05"] < d["q25"] < d["q50"] < d["q75"] < d["q95"]
    ratio = {d["element"]: d["q50"] for d in plot.data if d["model"] == "sGDML"}["C"] / next(
        d["q50"] for d in plot.data if (d["model"], d["element"]) == ("MACE", "C")
    )
    assert ratio == pytest.approx(3, rel=0.1)  # as the noise was made


def test_by_magnitude(molecule):
    plot = errors.by_magnitude(molecule)
    (ax,) = plot.figure.axes
    assert ax.get_xscale() == ax.get_yscale() == "log"
    (legend,) = plot.figure.legends
    names = [t.get_text() for t in legend.get_texts()]
    assert names == ["MACE", "sGDML", "error = force"]
    lines = [d for d in plot.data if d["model"] == "MACE"]
    assert sum(d["atoms"] for d in lines) == 42 * len(molecule[0].energies)
    assert all(a["force_high"] == b["force_low"] for a, b in itertools.pairwise(lines))
    drawn = ax.lines[0].get_xdata()
    assert len(drawn) == sum(d["atoms"] >= 10 for d in lines)


@pytest.mark.parametrize("atoms", [1, 2, 3])
def test_a_reference_of_few_atoms_is_drawn(atoms, tmp_path, recwarn):
    """An isolated atom, a dimer, water: few of any strength, and no three axes."""
    rng = np.random.default_rng(0)
    symbols = "OHH"[:atoms]
    places = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])[:atoms]
    for name, noise in (("r", 0.0), ("p", 0.1)):
        lines = [str(atoms), f"Properties=species:S:1:pos:R:3:forces:R:3 energy={-76 + noise}"]
        forces = np.zeros((atoms, 3)) + noise * rng.normal(size=(atoms, 3))
        for symbol, place, force in zip(symbols, places, forces, strict=True):
            lines.append(" ".join([symbol, *map(str, [*place, *force])]))
        (tmp_path / f"{name}.xyz").write_text("\n".join([*lines, ""]))
    units = {"energy_unit": "eV", "length_unit": "Å"}
    reference = teaeval.read_reference(tmp_path / "r.xyz", **units)
    read = read_predictions(tmp_path / "p.xyz", model="m", **units)
    summaries = summarise_against(examine_against(read, reference))
    draw = (errors.parity, errors.by_magnitude, structure.per_atom, structure.worst_frame)
    for n, make in enumerate(draw):
        make(summaries).save(tmp_path / f"{n}.png")
    assert [str(w.message) for w in recwarn if "identical" in str(w.message)] == []
