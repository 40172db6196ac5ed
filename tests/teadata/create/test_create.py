"""``teadata create``: a dataset of the user's own files, and its versions."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata import catalog, formats
from teadata.create import Input, Options, create, remove
from teadata.create.splitting import Wanted
from teadata.errors import DataError, IncompleteError, UsageError
from teadata.verify import verify

SMALL = Options(wanted=Wanted(train=(20, 50), valid=20, test=30, seed=3))


def test_a_file_becomes_a_dataset_that_passes_every_check(file, frames):
    (made,) = create("peptide", [Input(file)], SMALL)
    data = teadata.load("peptide")
    assert made.new
    assert (data.card.full_id, data.card.edition) == ("peptide@0.1.0", "own")
    assert all(check.passed for check in verify(data))
    assert [len(data.splits.ids(f"complete/{role}")) for role in ("train", "valid", "test")] == [
        50,
        20,
        30,
    ]
    assert data.card.sizes == [20, 50]
    test = data.split("complete/test")
    rows = test.ids  # a frame's id is its place in the file
    np.testing.assert_allclose(test.positions, frames.positions[rows], atol=1e-12)
    np.testing.assert_allclose(test.energies, frames.energies[rows], rtol=1e-14)
    np.testing.assert_allclose(test.forces, frames.forces[rows], atol=1e-11)
    statistics = data.card.statistics["complete"]
    assert statistics.mean_abs_force == pytest.approx(np.abs(test.forces).mean(), rel=1e-9)
    assert statistics.std_force == pytest.approx(test.forces.std(), rel=1e-9)
    assert statistics.std_energy == pytest.approx(test.energies.std(), rel=1e-9)


def test_sizes_are_nested_and_a_seed_gives_the_same_splits(file):
    create("one", [Input(file)], SMALL)
    create("two", [Input(file)], SMALL)
    create("other", [Input(file)], Options(wanted=Wanted((20, 50), 20, 30, seed=4)))
    one, two, other = (teadata.load(name).splits for name in ("one", "two", "other"))
    assert (one.ids("complete/train/20") == one.ids("complete/train")[:20]).all()
    assert all((one.ids(name) == two.ids(name)).all() for name in one)
    assert set(one.ids("complete/test")) != set(other.ids("complete/test"))


def test_a_version_never_changes(file, frames):
    create("peptide", [Input(file)], SMALL)
    (again,) = create("peptide", [Input(file)], SMALL)
    assert not again.new
    other = Options(wanted=Wanted(valid=20, test=31))
    with pytest.raises(IncompleteError, match=r"a version never changes") as caught:
        create("peptide", [Input(file)], other)
    assert caught.value.options == ("--version", "0.2.0")
    create("peptide", [Input(file)], other, version="0.2.0")
    assert teadata.load("peptide").card.version == "0.2.0"
    assert len(teadata.load("peptide@0.1.0").split("complete/test")) == 30
    assert [change.version for change in teadata.load("peptide").card.changelog] == [
        "0.2.0",
        "0.1.0",
    ]
    assert {"peptide", "peptide@0.1.0"} <= set(catalog.here())
    with pytest.raises(UsageError, match=r"0\.1\.0, version 0\.2\.0, not 0\.3\.0"):
        teadata.load("peptide@0.3.0")
    with pytest.raises(IncompleteError, match=r"0\.1\.5 comes before it"):
        create("peptide", [Input(file)], SMALL, version="0.1.5")


def test_same_frames_are_found_at_any_version(file):
    create("peptide", [Input(file)], SMALL)
    create("peptide", [Input(file)], Options(wanted=Wanted(valid=20, test=31)), version="0.2.0")
    (again,) = create("peptide", [Input(file)], SMALL, version="0.3.0")
    assert not again.new
    assert again.card.full_id == "peptide@0.1.0"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mini-own", "mini"),
        ("mini-i", "this package's"),
        ("tea2023-v", "this package's"),
        ("hydrogen", "this package's"),
        ("../up", "no name of a dataset"),
        ("/etc", "no name of a dataset"),
        ("Ethanol DFT", "e.g. ethanol-dft"),
        ("a@1.0.0", "--version 1.0.0"),
        ("", "no name of a dataset"),
        ("a" * 65, "up to 64"),
    ],
)
def test_names_that_cannot_be_taken(name, said, file, home):
    with pytest.raises(UsageError, match=said.replace(".", r"\.")):
        create(name, [Input(file)], SMALL)
    assert not (home / "own").exists()


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "1.0.0/..", "01.0.0", "1.0.0-rc1"])
def test_versions_that_are_none(version, file):
    with pytest.raises(UsageError, match="no version"):
        create("peptide", [Input(file)], SMALL, version=version)


def test_what_fails_leaves_nothing_behind(file, arrays, tmp_path, home):
    path = tmp_path / "nan.npz"
    forces = arrays["forces"].copy()
    forces[70, 3, 1] = np.nan
    np.savez(path, **{**arrays, "forces": forces})
    with pytest.raises(DataError, match="frame 70: NaN or infinity in forces"):
        create("peptide", [Input(path)], Options(energy_unit="kcal/mol"))
    with pytest.raises(UsageError, match="ask for fewer"):
        create("peptide", [Input(file)], Options(wanted=Wanted(test=500)))
    assert [path.name for path in (home / "own").iterdir()] == [".lock"]
    assert "peptide" not in teadata.list()


def test_remove_takes_away_what_is_asked(file, home):
    create("peptide", [Input(file)], SMALL)
    create("peptide", [Input(file)], Options(wanted=Wanted(valid=20, test=31)), version="0.2.0")
    remove("peptide", "0.2.0")
    assert teadata.load("peptide").card.version == "0.1.0"
    remove("peptide")
    assert "peptide" not in teadata.list()
    assert [path.name for path in (home / "own").iterdir()] == [".lock"]
    for name in ("mini-i", "tea2023-i"):
        with pytest.raises(UsageError, match="is not removed"):
            remove(name)
    with pytest.raises(UsageError, match="unknown dataset of your own"):
        remove("../own")


def test_a_card_may_be_edited_but_not_what_it_is_of(file):
    (made,) = create("peptide", [Input(file)], SMALL)
    path = made.root / "card.yaml"
    text = path.read_text()
    path.write_text(text.replace("title: 'peptide: C12H22N4O4'", "title: A peptide"))
    assert teadata.load("peptide").card.title == "A peptide"
    path.write_text(text.replace("version: 0.1.0", "version: 0.9.0"))
    with pytest.raises(DataError, match=r"expected peptide@0\.1\.0"):
        teadata.load("peptide")


def test_a_changed_file_is_noticed(file):
    (made,) = create("peptide", [Input(file)], SMALL)
    formats.write(made.root / "frames.h5", teadata.load("peptide").frames[:50])
    with pytest.raises(DataError, match=r"teadata remove peptide@0\.1\.0"):
        len(teadata.load("peptide").frames)
