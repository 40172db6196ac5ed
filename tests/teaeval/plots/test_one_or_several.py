"""Every figure of several predictions, scores or records is made of one, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from teadata.errors import UsageError, expect_several
from teaeval.hydrogen.record import read_record
from teaeval.md import record
from teaeval.plots import curves, errors, hydrogen, matrix, structure
from teaeval.plots.gyration import gyration, simulated
from teaeval.plots.observables import observables
from teaeval.plots.plot import Plot
from teaeval.plots.survival import survival

ERRORS = {
    "parity": errors.parity,
    "distributions": errors.distributions,
    "by_element": errors.by_element,
    "by_magnitude": errors.by_magnitude,
    "per_atom": structure.per_atom,
    "worst_frame": structure.worst_frame,
}
SCORES = {"points": curves.points, "task_matrix": matrix.task_matrix}
RUNS = {"survival": survival, "observables": observables, "simulated": simulated}
HYDROGEN = {"against_density": hydrogen.against_density, "radial": hydrogen.radial}
EVERY = ERRORS | SCORES | RUNS | HYDROGEN | {"learning_curves": curves.learning_curves}


def data(made) -> object:
    return made.data if isinstance(made, Plot) else made


def check(draw, one) -> None:
    expected = data(draw([one]))
    assert expected
    for given in (one, (one,), iter([one]), {"name": one}.values()):
        np.testing.assert_equal(data(draw(given)), expected)


@pytest.mark.parametrize("name", ERRORS)
def test_a_figure_of_one_prediction(name, molecule):
    check(ERRORS[name], molecule[0])


@pytest.mark.parametrize("name", SCORES)
def test_a_figure_of_one_score(name, variant, base):
    check(SCORES[name], variant(base, "MACE", "folded/train/9"))


def test_a_learning_curve_of_one_point(variant, base):
    check(curves.learning_curves, curves.points(variant(base, "MACE", "folded/train/9"))[0])


@pytest.mark.parametrize("name", RUNS)
def test_a_figure_of_one_simulation(name, repository):
    one = record.read(repository / "examples/simulations/fchl-300K.json")
    # few of the observables, each of which has panels
    check(RUNS[name], one.model_copy(update={"observables": one.observables[:3]}))


@pytest.mark.parametrize("name", HYDROGEN)
def test_a_figure_of_one_record_of_hydrogen(name, repository):
    check(HYDROGEN[name], read_record(next((repository / "examples").rglob("hydrogen.json"))))


@pytest.mark.parametrize("name", RUNS | HYDROGEN)
def test_a_figure_of_simulations_names_its_dataset_and_edition(name, repository):
    if name in HYDROGEN:
        one = read_record(repository / "examples" / "hydrogen" / "pace.json")
    else:
        full = record.read(repository / "examples" / "simulations" / "fchl-300K.json")
        one = full.model_copy(update={"observables": full.observables[:3]})
    title = "mini-hydrogen@1.1.0" if name in HYDROGEN else "mini-i@1.0.0"
    figure = EVERY[name](one).figure
    said = [figure.get_suptitle(), *(ax.get_title() for ax in figure.axes)]
    assert any(f"{title} (mini edition)" in line for line in said)


def test_maps_of_one_quantity_stand_in_a_row_of_their_own(repository):
    names = ("mace-300K", "fchl-300K", "gap-300K")
    every = [record.read(repository / f"examples/simulations/{name}.json") for name in names]
    maps = [one for one in every[0].observables if one.kind == "map"]
    assert len(maps) > 1
    kept = {one.quantity for one in maps}
    few = [
        one.model_copy(
            update={
                "observables": [
                    seen
                    for seen in one.observables
                    if seen.quantity in kept or seen.observable == "gyration"
                ]
            }
        )
        for one in every
    ]
    figure = observables(few).figure
    rows: dict[str, set[int]] = {}
    for ax in figure.axes:
        if ax.get_visible() and "ramachandran" in ax.get_title():
            quantity = ax.get_title().split(", ")[0]
            rows.setdefault(quantity, set()).add(ax.get_subplotspec().rowspan.start)
    assert len(rows) == len(maps)
    assert sorted(row for where in rows.values() for row in where) == list(range(1, 1 + len(maps)))


@pytest.mark.parametrize("name", EVERY)
def test_something_else_is_told_what_is_expected(name, base, made):
    draw = EVERY[name]
    others = ["p.npz", Path("p.npz"), 3, None, ["p.npz"], made("mini-i", "folded", "MACE")]
    for given in [*others, *([] if name in SCORES else [base, [base]])]:
        with pytest.raises(UsageError, match=r"expected .*, one or a list, .*, found ") as caught:
            draw(given)
        assert len(str(caught.value)) < 300


def test_a_figure_of_radii_says_that_they_have_labels():
    for given in (np.ones(3), [1.0], "rg.csv"):
        with pytest.raises(UsageError, match=r"by label, \{label: array\}, found"):
            gyration(given)


def test_a_record_is_not_taken_for_its_fields(base):
    assert expect_several([], str, "texts") == []
    with pytest.raises(UsageError, match="expected a text, found Score"):
        expect_several(base, str, "a text")
