"""What simulations are compared with: files with checksums, and simulations of one's own."""

from __future__ import annotations

import shutil

import pytest

import teadata
from teadata.errors import DataError, UsageError
from teadata.provenance import sha256
from teaeval import md
from teaeval.md import record, sources

OBSERVABLES = ["gyration", "vibrations"]


@pytest.fixture(scope="module")
def engine(calculators, tmp_path_factory):
    """Simulations that stand for those of the labelling engine."""
    folder = tmp_path_factory.mktemp("engine") / "own"
    settings = md.Settings(steps=200, interval=5, checkpoint=50, seed=7, forces=True)
    data = teadata.load("mini-i")
    md.run(md.make_plan(data, "folded", settings, 2, calculator="cheap:Tied", name="DFT"), folder)
    return folder


def test_the_record_has_the_checksums_of_what_was_compared_with(simulated, mini_i):
    found = md.analyse(simulated, 0.0, 10, observables=OBSERVABLES)
    (compared,) = found.references
    assert compared.label == found.observables[0].reference
    assert (compared.version, compared.temperature) == ("1.0.0", 300.0)
    assert compared.files == {
        name: sha256(mini_i.root / name)
        for name in ("dynamics/mini-i/folded-300K-0.npz", "dynamics/mini-i/folded-300K-1.npz")
    }
    earlier = found.model_dump()
    del earlier["references"]
    assert record.Simulations.model_validate(earlier).references == []


def test_of_another_version_there_are_test_frames_only(mini_i, monkeypatch):
    newer = mini_i.card.model_copy(update={"version": "1.1.0"})
    (only,) = sources.references(teadata.Dataset(newer, mini_i.root), "folded", 300.0)
    assert only.label == "2500 test frames, of 500 K"


def test_simulations_of_ones_own_are_a_reference(simulated, engine, invoke):
    said = invoke("md", "analyse", simulated, "--discard", "0", "--bootstrap", "10",
                  "--observable", "gyration", "--reference", engine)  # fmt: skip
    label = f"2 simulations of 0.1 ps by DFT from folded at 300 K ({engine})"
    assert label in " ".join(said.split())
    found = record.read(simulated)
    assert found.observables[0].reference == found.gyration.reference == label
    (compared,) = found.references
    assert compared.files == {
        f"replica-{i}/trajectory.h5md": sha256(engine / f"replica-{i}/trajectory.h5md")
        for i in range(2)
    }
    theirs = md.analyse(engine, 0.0, 10, observables=["gyration"])
    assert found.gyration.reference_mean == pytest.approx(theirs.gyration.mean, rel=1e-5)


def test_what_is_no_reference(simulated, engine, tmp_path):
    def refused(folder, said, error=UsageError, discard=0.0):
        with pytest.raises(error, match=said):
            md.analyse(simulated, discard, 10, observables=["gyration"], reference=folder)

    refused(simulated, "these are the simulations that are analysed")
    refused(tmp_path / "none", "no such folder", DataError)
    refused(engine, r"no frame is left after the first 0\.2 ps", DataError, discard=0.2)
    plan = (engine / "plan.json").read_text()
    for name, change, error, said in (
        ("hot", ('"temperature": 300.0', '"temperature": 500.0'), UsageError, "at 300 K.* 500 K"),
        ("old", ("mini-i@1.0.0", "mini-i@0.9.0"), UsageError, r"found mini-i@0\.9\.0"),
        ("open", ("", ""), DataError, r"replica 1 has not ended; to go on with it: teaeval md res"),
    ):
        shutil.copytree(engine, tmp_path / name)
        (tmp_path / name / "plan.json").write_text(plan.replace(*change) if change[0] else plan)
        if name == "open":
            (tmp_path / name / "replica-1/outcome.json").unlink()
        refused(tmp_path / name, said, error)
