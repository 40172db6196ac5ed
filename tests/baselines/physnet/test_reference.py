"""The original implementation as the oracle, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.physnet import PhysNet, PhysNetConfig, from_reference, parameters
from baselines.physnet import reference as names
from teadata import TeaError
from teadata.errors import DataError
from teadata.units import EV

TOLERANCE = 1e-11


def below(case, name):
    return {key[len(name) + 1 :]: v for key, v in case.items() if key.startswith(name + "/")}


def test_energies_forces_and_charges(golden, reference, molecules):
    params, cfg = below(golden, "param"), below(golden, "cfg")
    cation = from_reference(params, cfg, total_charge=1.0)
    for n, model in [(0, reference), (1, cation)]:
        mine = golden["batch_seg"] == n
        found = model.predict(molecules[n])
        assert found.energies[0] / EV == pytest.approx(golden["out/E"][n], rel=TOLERANCE)
        for ours, theirs in (
            (found.forces[0] / EV, golden["out/F"]),
            (found.charges[0], golden["out/Qa_corrected"]),
        ):
            np.testing.assert_allclose(ours, theirs[mine], atol=TOLERANCE * abs(theirs).max())
        assert found.stress is None


def test_every_layer_and_the_loss(golden):
    """Both molecules in one graph, with the original's pairs."""
    from baselines.physnet import inference, potential
    from baselines.physnet import session as backend
    from baselines.physnet.network import radial
    from baselines.physnet.training import loss_of

    params, cfg = below(golden, "param"), below(golden, "cfg")
    config = names.settings(params, cfg)
    first, second = golden["idx_i"], golden["idx_j"]
    once = first < second
    with backend.session("cpu") as tf:
        graph = potential.Graph(
            tf.constant(golden["Z"], tf.int32), tf.constant(golden["R"]),
            tf.constant(golden["batch_seg"], tf.int32), tf.constant(golden["Qtot"]),
            *(tf.constant(x, tf.int32) for x in (first, second, first[once], second[once])),
        )  # fmt: skip
        weights = {name: tf.constant(value) for name, value in params.items()}
        known = inference.tables(np.unique(golden["Z"]), "float64")
        found = potential.with_forces(config, weights, known, graph)
        distances = potential.distances(graph.positions, graph.first, graph.second)
        rbf = radial(weights, distances, config.r_cut)
        totals = tf.math.segment_sum(found.uncorrected, graph.molecule)
        # The original's loss is of one charge for each molecule; ours of one for all.
        loss = loss_of(config, found, totals - graph.total, golden["Eref"], golden["Fref"]).numpy()
    seen = {
        "D": distances, "rbf": rbf, "E": found.energies, "F": found.forces,
        "Qa_raw": found.uncorrected, "Qa_corrected": found.charges,
        "E_elec": found.electrostatic, "E_disp": found.dispersion,
        "Ea_nn": found.outputs.energies, "nhloss": found.outputs.penalty,
    } | {
        f"x_{m}": each for m, each in enumerate(found.outputs.features)
    } | {
        f"out_{m}": each for m, each in enumerate(found.outputs.contributions)
    }  # fmt: skip
    assert len(found.outputs.features) == 3
    for name, value in seen.items():
        theirs = golden[f"out/{name}"]
        scale = abs(theirs).max()
        np.testing.assert_allclose(value, theirs, atol=TOLERANCE * scale, rtol=0, err_msg=name)
    dipoles = np.stack(
        [
            golden["out/Qa_raw"][mine] @ golden["R"][mine]
            for mine in (golden["batch_seg"] == n for n in range(2))
        ]
    )
    of_dipoles = 27.211386024367243 * abs(dipoles - golden["Dref"]).mean()
    assert loss + of_dipoles == pytest.approx(golden["out/loss"], rel=TOLERANCE)


def test_the_published_network_has_as_many_parameters_as_the_original():
    """1 293 948, and four of dispersion."""
    shapes = parameters.shapes(PhysNetConfig(size=1))
    assert sum(np.prod(shape, dtype=int) for shape in shapes.values()) == 1_293_948 + 4
    fixed = parameters.shapes(PhysNetConfig(size=1, d3=(0.5, 0.213, 0.0, 6.0519)))
    assert set(shapes) - set(fixed) == {"s6", "s8", "a1", "a2"}


def test_initial_parameters():
    """Rotations of Glorot's variance; nothing is sent or said at first."""
    config = PhysNetConfig(size=1, features=32, n_rbf=16, modules=2)
    found = parameters.initial(config, 0, shift=-0.5, scale=0.25)
    assert parameters.joined(config, found).shape == (sum(value.size for value in found.values()),)
    assert list(found) == list(parameters.shapes(config))
    embeddings = found["embeddings"]
    assert embeddings.var() == pytest.approx(1.0, rel=0.05)
    assert abs(embeddings).max() <= np.sqrt(3)
    matrix = found["interaction_block0/interaction_layer/dense_i/W"]
    assert matrix.var() == pytest.approx(1 / 32)
    product = matrix @ matrix.T
    np.testing.assert_allclose(product, product[0, 0] * np.eye(32), atol=1e-12)
    for name in ("interaction_block1/interaction_layer/k2f/W", "output_block1/dense_layer/W"):
        assert not found[name].any()
    centres = np.log1p(np.exp(found["rbf_layer/centers"]))
    np.testing.assert_allclose(centres, np.linspace(1, np.exp(-10), 16), rtol=1e-9)
    width = (2 / 16 * (1 - np.exp(-10))) ** -2
    np.testing.assert_allclose(np.log1p(np.exp(found["rbf_layer/widths"])), width)
    assert [np.log1p(np.exp(found[name])) for name in ("s6", "s8", "a1", "a2")] == pytest.approx(
        [1.0, 0.9171, 0.3385, 2.8830]
    )
    again = parameters.named(config, parameters.joined(config, found))
    for name, value in found.items():
        np.testing.assert_array_equal(again[name], value)
    other = parameters.initial(config, 1, -0.5, 0.25)["embeddings"]
    assert (other != embeddings).any()


def test_coefficients_of_dispersion_are_fixed_or_learned(golden):
    params, cfg = below(golden, "param"), below(golden, "cfg")
    assert names.settings(params, cfg).d3 == (0.5, 0.213, 0.0, 6.0519)
    raw = {n: parameters.softplus_inverse(v) for n, v in zip(
        parameters.D3_NAMES, parameters.HARTREE_FOCK, strict=True)}  # fmt: skip
    assert names.settings(params | raw, cfg).d3 is None
    model = from_reference(params | raw, cfg)
    assert model.trained()["weights"]["a1"] == raw["a1"]
    stated = {"s6": 1.0, "s8": 0.5, "a1": 0.4, "a2": 4.0}
    assert names.settings(params, cfg | stated).d3 == (1.0, 0.5, 0.4, 4.0)
    assert names.settings(params, cfg | dict.fromkeys(stated)).d3 is None
    without = names.settings(params, cfg | {"use_dispersion": False})
    assert (without.d3, without.dispersion) == (None, False)


def test_what_does_not_fit_is_named(golden):
    params, cfg = below(golden, "param"), below(golden, "cfg")
    with pytest.raises(DataError, match=r"missing interaction_block2/.* and 30 more; too many no"):
        from_reference(params, cfg | {"num_blocks": 3})
    with pytest.raises(DataError, match=r"too many interaction_block1/.* more"):
        from_reference(params, cfg | {"num_blocks": 1})
    with pytest.raises(DataError, match=r"embeddings has shape \(95, 16\), expected \(95, 8\)"):
        from_reference(params, cfg | {"F": 8})
    with pytest.raises(DataError, match="cfg: r_cut: expected a number above 0"):
        from_reference(params, cfg | {"sr_cut": -1.0})
    with pytest.warns(UserWarning, match="'colour' is no setting of the network"):
        from_reference(params, cfg | {"colour": 3})
    with pytest.raises(TeaError, match="not trained"):
        PhysNet(PhysNetConfig(size=1)).trained()
