"""Radii of gyration of files and of a reference, on common bins."""

from __future__ import annotations

import numpy as np
import pytest

from teaeval.observables import gyration as radii
from teaeval.plots.gyration import gyration


def test_gyration_of_files_and_reference(invoke, mini_i, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "md.csv").write_text(
        "rg,label\n" + "".join(f"{r:.4f},model\n" for r in rng.normal(3.5, 0.1, 500))
    )
    np.savez(tmp_path / "other.npz", rg=rng.normal(3.2, 0.1, 300))
    out = tmp_path / "rg.png"
    invoke(
        "plot", "gyration", tmp_path / "md.csv", tmp_path / "other.npz", "--reference",
        "mini-i:folded", "-o", out,
    )  # fmt: skip
    assert out.read_bytes().startswith(b"\x89PNG")
    plot = gyration(
        {"a": radii.of_reference(mini_i, "folded")} | radii.read(tmp_path / "md.csv")
        | radii.read(tmp_path / "other.npz")
    )  # fmt: skip
    for label, frames in (("a", 2500), ("model", 500), ("other", 300)):
        lines = [d for d in plot.data if d["label"] == label]
        assert sum(d["density"] * (d["rg_high"] - d["rg_low"]) for d in lines) == pytest.approx(1)
        assert {d["frames"] for d in lines} == {frames}
    labels = [t.get_text() for t in plot.figure.legends[0].get_texts()]
    assert labels == ["a (2500 frames)", "model (500 frames)", "other (300 frames)"]
