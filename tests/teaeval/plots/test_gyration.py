"""Radii of gyration of files and of a reference, on common bins."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.errors import DataError, UsageError
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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"label,rg\na,3.1\na\n", "line 3 has no rg"),
        (b"rg\n3.1\nx\n", "could not convert"),
        (b"rg\n" + b"9" * 200_000 + b"\n", "field larger than field limit"),
    ],
)
def test_a_table_of_radii_that_was_cut(content, said, tmp_path):
    (tmp_path / "md.csv").write_bytes(content)
    with pytest.raises(DataError, match=said):
        radii.read(tmp_path / "md.csv")


def test_a_table_as_spreadsheets_write_it(tmp_path):
    (tmp_path / "md.csv").write_bytes("\ufeffrg\r\n3.1\r\n3.2\r\n".encode())
    assert radii.read(tmp_path / "md.csv")["md"].tolist() == [3.1, 3.2]


def test_files_that_are_no_radii(tmp_path):
    with open(tmp_path / "one.npz", "wb") as stream:
        np.save(stream, np.arange(3.0))
    np.savez(tmp_path / "complex.npz", rg=np.ones(3) + 1j)
    np.savez(tmp_path / "text.npz", rg=np.array(["a", "b"]))
    for name, said in (("one", "not a zip"), ("complex", "of complex128"), ("text", "numbers")):
        with pytest.raises(DataError, match=said):
            radii.read(tmp_path / f"{name}.npz")


def test_one_radius_has_no_distribution():
    with pytest.raises(UsageError, match=r"1 radii of gyration, all 3.1 Å"):
        gyration({"a": np.array([3.1])})
