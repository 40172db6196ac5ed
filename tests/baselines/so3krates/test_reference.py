"""The original implementation as the oracle, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.so3krates import from_reference
from teadata import Frames
from teadata.errors import DataError
from teadata.units import EV

CASES = ["d1234_nores", "d1234_zbl_phys"]
TOLERANCE = 1e-8
"""Relative: the original keeps a table of constants in float32."""


def below(case, name):
    return {key[len(name) + 1 :]: v for key, v in case.items() if key.startswith(name + "/")}


def molecule(case, index) -> Frames:
    real = case["in/node_mask"][index]
    positions = case["in/R"][index][real][None]
    return Frames(
        numbers=case["in/z"][index][real],
        positions=positions,
        energies=np.zeros(1),
        forces=np.zeros(positions.shape),
    )


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("d1234_nores", 0),
        ("d1234_zbl_phys", 1),
        pytest.param("d1234_nores", 1, marks=pytest.mark.slow),
        pytest.param("d1234_zbl_phys", 0, marks=pytest.mark.slow),
    ],
)
def test_energies_and_forces(name, index, cases, reference):
    case, model = cases[name], reference(name)
    frame = molecule(case, index)
    found = model.predict(frame)
    energy, forces = case["out/E"][index, 0], case["out/F"][index, : frame.n_atoms]
    assert found.energies[0] / EV == pytest.approx(energy, rel=TOLERANCE)
    scale = np.abs(forces).max()
    np.testing.assert_allclose(found.forces[0] / EV, forces, atol=TOLERANCE * scale, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_layer(name, cases, reference):
    from baselines.so3krates import neighbours
    from baselines.so3krates import session as backend
    from baselines.so3krates.pairs import joined
    from baselines.so3krates.reference import to_network

    case, model = cases[name], reference(name)
    frame = molecule(case, 0)
    pairs = neighbours.find(frame, 0, model.config.r_cut)
    with backend.session(model.config, "cpu"):
        import jax.numpy as jnp
        from flax import nnx

        network = nnx.merge(*to_network(model.trained()["weights"], model.config, name))
        # Three places more than there are pairs
        listed = neighbours.listed([pairs], len(pairs) + 3, "float64")
        _, found = network.traced(jnp.asarray(frame.numbers), joined(listed, frame.n_atoms))
    # The pairs of the original, in its order
    place = {pair: n for n, pair in enumerate(zip(pairs.first, pairs.second, strict=True))}
    ends = zip(case["in/idx_i"][0], case["in/idx_j"][0], strict=True)
    theirs = {n: place[pair] for n, pair in enumerate(ends) if pair[1] >= 0}
    rows, ours = np.array(list(theirs)), np.array(list(theirs.values()))
    assert sorted(ours.tolist()) == list(range(len(pairs)))
    seen = below(case, "im/mol0")
    for mine, other in (("rbf", "rbf_ij"), ("phi", "phi_r_cut"), ("sphere", "sph_ij")):
        expected = seen[f"geometry_embeddings_0/{other}"]
        np.testing.assert_allclose(found[mine][ours], expected[rows], atol=1e-12)
    assert not found["phi"][len(pairs) :].any()
    assert len(found["layers"]) == int(case["cfg/L"])
    for k, layer in enumerate(found["layers"]):
        record = f"record/layers_{k}"
        for mine, other in (
            ("alpha", f"{record}/FeatureBlock_0/attention_fn/alpha"),
            ("beta", f"{record}/GeometricBlock_0/attention_fn/alpha"),
        ):
            expected = seen[other][rows]
            np.testing.assert_allclose(layer[mine][ours], expected, rtol=1e-6, atol=1e-9)
            assert not layer[mine][len(pairs) :].any()
        for mine in ("x", "chi"):
            expected = seen[f"layers_{k}/{mine}"]
            scale = np.abs(expected).max()
            np.testing.assert_allclose(layer[mine], expected, atol=TOLERANCE * scale, rtol=0)


def test_weights_go_back_to_the_originals_names_and_shapes(cases, reference):
    from baselines.so3krates import session as backend
    from baselines.so3krates.reference import to_network, to_reference

    for name in CASES:
        model = reference(name)
        with backend.session(model.config, "cpu"):
            _, weights = to_network(model.trained()["weights"], model.config, name)
            back = to_reference(weights, model.config)
        expected = below(cases[name], "param")
        assert back.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(back[key], value)


def parameters(**values) -> int:
    """How many weights a network has."""
    import jax
    from flax import nnx

    from baselines.so3krates import SO3kratesConfig
    from baselines.so3krates.network import Network

    config = SO3kratesConfig(size=1, **values)
    _, weights = nnx.split(nnx.eval_shape(lambda: Network(config, nnx.Rngs(0))))
    return sum(leaf.size for leaf in jax.tree.leaves(weights))


def test_the_published_networks_have_as_many_weights_as_the_originals():
    """Counted in the original implementation."""
    assert parameters() == 294_269
    assert parameters(residual_mlp_1=True, residual_mlp_2=True) == 589_181


@pytest.mark.slow
def test_initial_weights_have_the_originals_spread(random_model):
    """LeCun's, in each head for itself; embeddings of variance 1/F; no biases."""
    weights = random_model(features=64, degrees=[1], heads=2, n_rbf=32).trained()["weights"]
    layer = "layers_0/FeatureBlock_0"
    for name, std in (
        ("feature_embeddings_0/Embed_0/embedding", 64**-0.5),
        (f"{layer}/filter_fn/VmapMLP_0/layers_0/kernel", 32**-0.5),
        (f"{layer}/attention_fn/VmapAttentionAggregation_0/Dense_0/kernel", 32**-0.5),
        ("observables_0/MLP_0/layers_0/kernel", 64**-0.5),
    ):
        assert weights[name].std() == pytest.approx(std, rel=0.05), name
    for name, value in weights.items():
        assert name.endswith(("kernel", "embedding")) or not value.any(), name


def test_zbl_starts_from_the_constants_of_ziegler_biersack_and_littmark(random_model):
    weights = random_model(zbl=True).trained()["weights"]

    def softplus(name):
        return float(np.log1p(np.exp(weights[f"observables_0/ZBLRepulsion_0/{name}"]))[0])

    assert [softplus(f"a{k}") for k in (1, 2, 3, 4)] == pytest.approx([3.2, 0.9423, 0.4028, 0.2016])
    assert sum(softplus(f"c{k}") for k in (1, 2, 3, 4)) == pytest.approx(1.0, abs=1e-3)
    assert softplus("p") == pytest.approx(0.23)


def test_long_names_of_settings_are_read_too(cases, reference):
    case = cases["d1234_zbl_phys"]
    params = below(case, "param")
    cfg = {"F": 16, "n_layer": 2, "n_heads": 2, "degrees": [1, 2, 3, 4], "r_cut": 4.0, "zbl": True,
           "residual_mlp_1": False, "layer_normalization": False, "sphc_normalization": None,
           "radial_cutoff_fn": "physnet_cutoff_fn"}  # fmt: skip
    assert from_reference(params, cfg).config == reference("d1234_zbl_phys").config


def test_what_does_not_fit_is_named(cases):
    params = below(cases["d1234_nores"], "param")
    cfg = below(cases["d1234_nores"], "cfg")
    with pytest.raises(DataError, match=r"missing layers_0/LayerNorm_0/bias, .* and 9 more"):
        from_reference(params, cfg | {"layer_norm": True})
    with pytest.raises(DataError, match=r"too many layers_2/FeatureBlock_0"):
        from_reference(params, cfg | {"L": 2})
    with pytest.raises(DataError, match=r"has shape .*, expected .* with these settings"):
        from_reference(params, cfg | {"H": 8})
    with pytest.raises(DataError, match="features is 32, expected a multiple of 5"):
        from_reference(params, cfg | {"H": 5})
    with pytest.warns(UserWarning, match="'colour' is no setting of the network"):
        from_reference(params, cfg | {"colour": 3})


@pytest.mark.parametrize(
    "residual",
    [
        (True, True),
        *(pytest.param(one, marks=pytest.mark.slow) for one in ((True, False), (False, True))),
    ],
)
def test_residual_mlps_have_the_originals_names(residual, random_model):
    model = random_model(residual_mlp_1=residual[0], residual_mlp_2=residual[1])
    found = {name for name in model.trained()["weights"] if "ResidualMLP" in name}
    tails = ["Residual_0/layers_0/kernel", "Residual_0/layers_1/kernel", "Dense_0/kernel"]
    assert found == {f"layers_0/ResidualMLP_{n}/{t}" for n in range(sum(residual)) for t in tails}
