"""What gap_fit is told, and when it cannot be run."""

from __future__ import annotations

import importlib.util
import re
import signal
from collections import namedtuple

import psutil
import pytest

import teadata
from baselines import config
from baselines.gap import GAP, GAPConfig, descriptors, fitting, potential
from teadata import TeaError
from teadata.errors import MissingExtraError
from teadata.typing import no_progress
from teadata.units import EV

# Tables SI 1 to 4: M of the two kernels, n_max, l_max, sigma_E, sigma_F.
PUBLISHED = {
    "paper-i": ("mini-i", 20, 2000, 8, 4, 0.01, 6.7e-4),
    "paper-ii": ("mini-ii", 25, 2000, 8, 4, 0.01, 5e-4),
    "paper-ii-incomplete": ("mini-ii", 25, 2000, 6, 3, 0.01, 6.7e-4),
    "paper-iii": ("mini-iii", 20, 2000, 8, 4, 0.001, 5e-5),
    "paper-iv": ("mini-iv", 20, 2500, 6, 3, 0.1, 0.002),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_settings_reach_gap_fit(name):
    dataset, two_body, soap, n_max, l_max, sigma_energy, sigma_force = PUBLISHED[name]
    settings = config.read(GAPConfig, "gap", name)
    frames = teadata.load(dataset).frames[:20]
    pairs = descriptors.pairs(frames, settings)
    kernels = [descriptors.two_body(pair, settings, 1.0) for pair in pairs]
    kernels += descriptors.all_soaps(frames.numbers.tolist(), settings, 1.0)
    (number,) = settings.sigma_energy
    (force,) = settings.sigma_force
    text = "\n".join(fitting.Fit(kernels, 0.0, number, force, 1e-8, 0).arguments("frames.xyz"))
    sigmas = re.search(r"default_sigma=\{(\S+) (\S+) 0.0 0.0\}", text)
    assert float(sigmas[1]) * EV == pytest.approx(sigma_energy)
    assert float(sigmas[2]) * EV == pytest.approx(sigma_force)
    elements = len(set(frames.numbers.tolist()))
    soaps = [line for line in text.splitlines() if "soap " in line]
    assert len(soaps) == 2 * elements
    for line in soaps:
        assert f"n_max={n_max} l_max={l_max} " in line
        assert f"n_sparse={soap} sparse_method=cur_points" in line
        assert "covariance_type=dot_product zeta=4" in line
    for line in kernels[: len(pairs)]:
        assert "covariance_type=ard_se" in line
        assert "sparse_method=uniform" in line
        assert int(re.search(r"n_sparse=(\d+)", line)[1]) == two_body
    assert max(map(len, text.splitlines())) < 1000  # gap_fit reads a longer line in pieces


def test_gap_fit_was_told_what_the_settings_say(trained):
    _, result, workdir = trained
    text = (workdir / "model" / potential.GAP_FILE).read_text(encoding="utf-8")
    assert f"delta={result.selected['delta_soap'] / EV!r}" in text
    assert "rnd_seed=1" in text


def test_gap_fit_that_fails_or_is_killed_is_one_error(settings, hydrogen, tmp_path):
    fit = fitting.Fit(["nonsense delta=1.0"], 0.0, 0.01, 0.01, 1e-8, 0)
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(
        TeaError, match=r"gap_fit failed \(exit status 1\) in the test to 10 frames"
    ):
        fitting.run(fit, hydrogen[0], folder, tmp_path / "log", no_progress, "test")

    others = set(psutil.Process().children())  # which commands of other tests are forked from

    def kill(task, done, total):
        for child in set(psutil.Process().children()) - others:
            child.send_signal(signal.SIGKILL)

    with pytest.raises(TeaError, match="SIGKILL, which the system sends when memory runs out"):
        GAP(settings).fit(*hydrogen, tmp_path, kill)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "model", "train.log"]


@pytest.mark.parametrize(
    ("available", "advice"), [(2**20, "lower"), (2**22, r"train on at most \d fr")]
)
def test_too_many_frames_for_the_memory_are_refused(
    settings, hydrogen, tmp_path, monkeypatch, available, advice
):
    memory = namedtuple("memory", ["available"])(available)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    before = set(psutil.Process().children())
    with pytest.raises(TeaError, match=rf"needs about 0\.\d GiB .* for 10 frames .*; {advice}"):
        GAP(settings).fit(*hydrogen, tmp_path)
    assert set(psutil.Process().children()) <= before


def test_without_gap_fit_the_extra_is_named(settings, hydrogen, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"\[gap\]"):
        GAP(settings).fit(*hydrogen, tmp_path)
