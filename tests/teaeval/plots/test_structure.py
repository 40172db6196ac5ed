"""Errors on the structure: an atom a circle, colours that say what the data say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Circle, Polygon

from teadata.errors import UsageError
from teaeval.plots import structure
from teaeval.plots.molecule import view


def atoms(ax) -> list[Circle]:
    """Atoms of a panel in their order."""
    found = [p for p in ax.patches if (p.get_gid() or "").startswith("atom-")]
    return sorted(found, key=lambda p: int(p.get_gid().split("-")[1]))


def panels(figure) -> list:
    return [ax for ax in figure.axes if atoms(ax)]


def test_per_atom(molecule):
    plot = structure.per_atom(molecule)
    shown = panels(plot.figure)
    assert [ax.get_title() for ax in shown] == ["(a) Ac-Ala3-NHMe", "(b) MACE", "(c) sGDML"]
    assert {len(atoms(ax)) for ax in shown} == {42}
    bars = [ax for ax in plot.figure.axes if "force MAE" in ax.get_xlabel()]
    assert len(bars) == 2  # one for each, with its own ends
    for c, bar in zip(molecule, bars, strict=True):
        assert bar.get_xlim() == pytest.approx((c.by_atom.min(), c.by_atom.max()))
    assert [d["mae"] for d in plot.data] == [*molecule[0].by_atom, *molecule[1].by_atom]
    # errors grow along the list of atoms: so do the colours darken
    light = [sum(p.get_facecolor()[:3]) for p in atoms(shown[1])]
    assert np.corrcoef(light, molecule[0].by_atom)[0, 1] < -0.9
    labels = {t.get_text() for t in shown[0].get_legend().get_texts()}
    assert labels == {"H", "C", "N", "O"}


def test_worst_frame_is_the_one_of_the_tables_max(molecule):
    plot = structure.worst_frame(molecule)
    assert len(panels(plot.figure)) == 4
    for name, c in zip(("MACE", "sGDML"), molecule, strict=True):
        lines = [d for d in plot.data if d["model"] == name]
        assert {d["frame"] for d in lines} == {int(c.test.ids[7])}
        largest = max(lines, key=lambda d: d["largest_component"])
        assert largest["atom"] == 3
        assert largest["largest_component"] == pytest.approx(c.frame_max.max())
        assert largest["length"] >= largest["largest_component"]


def test_periodic_systems_have_their_cell(crystal):
    plot = structure.per_atom([crystal])
    left, right = panels(plot.figure)
    for ax in (left, right):
        assert len(atoms(ax)) == 32
        edges = [line for line in ax.lines if len(line.get_xdata()) == 2]
        assert len(edges) == 12
    assert len({d["atom"] for d in plot.data}) == 32


def test_different_systems_do_not_share_a_figure(molecule, crystal):
    for figure in (structure.per_atom, structure.worst_frame):
        with pytest.raises(UsageError, match="one dataset"):
            figure([*molecule, crystal])


def test_nearer_atoms_are_drawn_over_farther_ones(molecule):
    (ax, *_) = panels(structure.per_atom(molecule[:1]).figure)
    seen = view(molecule[0].frames(np.array([0])))
    order = np.argsort([p.get_zorder() for p in atoms(ax)])
    np.testing.assert_array_equal(order, np.argsort(seen.xyz[:, 2]))
    bonds = [p for p in ax.patches if isinstance(p, Polygon)]
    assert len(seen.bonds) >= len(bonds) > 0.9 * len(seen.bonds)
