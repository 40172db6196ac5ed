"""Official data made of the user's files: what is taken, what is refused, what is left behind."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

import teadata
import teaeval
from teadata import catalog, formats, units
from teadata.errors import DataError, UsageError
from teadata.ingest import Options, ingest
from teadata.ingest.molecules import molecules
from teadata.verify import verify
from teaeval import Prediction

from .sgdml_files import save

pytestmark = pytest.mark.usefixtures("home")


def left_over(home: Path) -> list[str]:
    return [p.name for p in home.rglob("*") if p.is_file() and not p.name.endswith(".lock")]


@pytest.fixture
def files(mini_i, folder) -> Path:
    """The files of Challenge I as somebody may have them: sGDML's, in eV, nested sizes."""
    ev = {"energy": units.EV, "e_unit": "eV"}
    for subset in ("folded", "unfolded"):
        for role, sizes in (("train", (200, 400)), ("valid", (200,)), ("test", (None,))):
            for size in sizes:
                name = f"{subset}/{role}" + (f"/{size}" if size else "")
                frames = mini_i.split(name)[:500]
                save(folder / f"AcAla3_{name.replace('/', '-')}.npz", frames, **ev)
    return folder


def test_files_become_a_dataset_that_all_else_works_on(files, mini_i, run, tmp_path):
    done = run("teadata", "ingest", files, "--dataset", "tea2023-i")
    assert done.returncode == 0, done.stderr
    assert "folded/train/200" in done.stdout
    data = teadata.load("tea2023-i")
    assert data.card.sizes == [200, 400]
    for name in ("folded/train/200", "folded/train/400", "unfolded/valid/200", "unfolded/test"):
        found, expected = data.split(name), mini_i.split(name)[:500]
        assert len(found) == len(expected)
        np.testing.assert_array_equal(found.positions, expected.positions)
        np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-14)
        np.testing.assert_allclose(found.forces, expected.forces, rtol=1e-13)
    np.testing.assert_array_equal(
        data.splits.ids("folded/train/200"), data.splits.ids("folded/train/400")[:200]
    )
    assert all(check.passed for check in verify(data))
    assert len(data.frames) == 2 * (400 + 200 + 500)  # the 200 are not stored twice
    for command in (["verify"], ["info"], ["cite", "--bibtex"], ["list"]):
        done = run("teadata", *command, *([] if command == ["list"] else ["tea2023-i"]))
        assert done.returncode == 0, done.stderr
    done = run("teadata", "croissant", "tea2023-i", "-o", tmp_path / "c", "--url", "https://e.org")
    assert done.returncode == 0, done.stderr
    done = run("mlcroissant", "validate", "--jsonld", tmp_path / "c" / "croissant.json")
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1  # no warning: who made the data is said
    done = run("teadata", "export", "tea2023-i", "--split", "folded/test", "-o", tmp_path / "t.xyz")
    assert done.returncode == 0, done.stderr
    test = data.split("folded/test")
    made = Prediction("tea2023-i", "folded", test.energies + 1, test.forces, frame_ids=test.ids)
    teaeval.write_prediction(tmp_path / "p.npz", made)
    done = run("teaeval", "score", tmp_path / "p.npz")
    assert done.returncode == 0, done.stderr
    assert "official edition" in done.stdout
    assert "teadata cite tea2023-i" in done.stdout
    assert "10.5281/zenodo.14138387" in "".join(teaeval.score(made).citations)


def test_a_baseline_trains_on_it(files, run, tmp_path):
    ingest([files], "tea2023-i")
    folder = tmp_path / "run"
    settings = {"size": 20, "sigmas": [20], "lam": 1e-10, "symmetries": False}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(settings))
    done = run("baselines", "train", "sgdml", "tea2023-i", "--subset=folded",
               "--config", tmp_path / "small.yaml", "-o", folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "trained on tea2023-i@" in done.stdout
    done = run("baselines", "predict", folder, "-o", tmp_path / "p.npz", "--subset=unfolded")
    assert done.returncode == 0, done.stderr
    assert "500 frames of tea2023-i@" in done.stdout


def test_the_real_frame_of_challenge_iii(repository, tmp_path):
    path = repository / "tests/data/challenge3_frame.extxyz"
    said = Options({path.name: "complete/test"}, energy_unit="kcal/mol")
    card = ingest([path], "tea2023-iii", said).card
    frame = teadata.load("tea2023-iii").split("complete/test")
    assert frame.formula == "C106H6N2"
    assert frame.symbols[:98] == ["C"] * 98
    assert frame.energies[0] == -2602430.748856439
    np.testing.assert_array_equal(frame.positions[0, 0], [16.92866028, 1.67142912, 15.98771421])
    np.testing.assert_array_equal(frame.forces[0, 1], [84.05512212, -53.68619288, 5.70961616])
    expected = [[17.25837925, 0, 0], [8.62899692, 14.9458635, 0], [0, 0, 38.70524185]]
    np.testing.assert_array_equal(frame.cell[0], expected)
    assert frame.pbc.all()
    assert card.groups == {"mol": [list(range(98, 114))]}
    sheet, molecule = molecules(frame)
    assert (sheet, molecule) == (list(range(98)), list(range(98, 114)))
    assert card.ingested[0].energy_unit == "kcal/mol"


@pytest.mark.parametrize("suffix", ["npz", "xyz", "h5"])
@pytest.mark.parametrize("archive", ["none", "zip", "tar.gz"])
def test_every_format_zipped_or_not(mini_i, folder, suffix, archive):
    frames = mini_i.split("folded/test")[:40]
    formats.write(folder / f"folded_test.{suffix}", frames)
    given = folder
    if archive != "none":
        given = folder.with_name(f"data.{archive}")
        command = {"zip": "zip -qr", "tar.gz": "tar czf"}[archive]
        subprocess.run(f"{command} {given} files", shell=True, cwd=folder.parent, check=True)
    ingest([given], "tea2023-i")
    found = teadata.load("tea2023-i").split("folded/test")
    np.testing.assert_array_equal(found.positions, frames.positions)
    np.testing.assert_array_equal(found.energies, frames.energies)
    np.testing.assert_array_equal(found.forces, frames.forces)


def test_mixed_folders_pass_over_other_systems(files, repository):
    path = repository / "tests/data/challenge3_frame.extxyz"
    (files / "other.xyz").write_bytes(path.read_bytes())
    (passed,) = ingest([files], "tea2023-i").passed_over
    assert "C106H6N2, another system" in passed.why
    with pytest.raises(DataError, match=r"tea2023-i is Ac-Ala3-NHMe.*\n.*: C106H6N2, 114 atoms"):
        ingest([path], "tea2023-i", replace=True)


def test_what_is_not_clear_is_said_for_every_file_at_once(mini_i, folder, home):
    frames = mini_i.split("folded/test")[:10]
    save(folder / "data.npz", frames)
    save(folder / "folded_or_unfolded_test.npz", frames)
    save(folder / "folded_train_200.npz", frames, e_unit=None)
    with pytest.raises(UsageError) as error:
        ingest([folder], "tea2023-i")
    text = str(error.value)
    assert "data.npz: its name says no subset, its name says no role" in text
    assert "--map files/data.npz=unfolded/train/10" in text
    assert "says folded and unfolded subset" in text
    assert "its name says 200 frames" in text
    assert left_over(home) == []


def test_maps_name_a_file_and_its_split(mini_i, folder):
    save(folder / "a.npz", mini_i.split("folded/test")[:10])
    save(folder / "b.npz", mini_i.split("folded/test")[10:30])
    for mapping, message in (
        ({"c.npz": "folded/test"}, "names no file; files: files/a.npz, files/b.npz"),
        ({"a.npz": "folded/train/11"}, "has 10 frames, not 11"),
        ({"a.npz": "other/train"}, "unknown subset 'other'"),
    ):
        with pytest.raises(UsageError, match=message):
            ingest([folder], "tea2023-i", Options(mapping))
    ingest([folder], "tea2023-i", Options({"a.npz": "folded/train/10", "b.npz": "complete/test"}))
    data = teadata.load("tea2023-i")
    assert {key: len(ids) for key, ids in data.splits.members.items()} == {
        ("complete", "test"): 20,
        ("folded", "train"): 10,
    }


def test_sizes_that_are_not_nested_are_refused(mini_i, folder, home):
    frames = mini_i.split("folded/train")
    save(folder / "folded_train_200.npz", frames[:200])
    save(folder / "folded_train_400.npz", frames[100:500])
    with pytest.raises(DataError, match=r"of the 200 frames of .* it lacks 100; .* nested"):
        ingest([folder], "tea2023-i")
    assert left_over(home) == []


def test_one_geometry_with_two_energies_is_refused(mini_i, folder):
    frames = mini_i.split("folded/train/20")
    save(folder / "folded_train_10.npz", frames[:10])
    save(folder / "folded_train_20.npz", frames, E=frames.energies + 30)
    with pytest.raises(DataError, match=r"10 geometries have another energy"):
        ingest([folder], "tea2023-i")


def test_atoms_in_another_order_are_refused(mini_i, folder, repository):
    frames = mini_i.split("folded/test")[:10]
    save(folder / "folded_test.npz", frames)
    turned = [*range(1, 42), 0]
    swapped = dataclasses.replace(
        frames,
        numbers=frames.numbers[turned],
        positions=frames.positions[:, turned],
        forces=frames.forces[:, turned],
    )
    save(folder / "folded_valid.npz", swapped)
    with pytest.raises(DataError, match=r"atoms in another order than in files/folded_test.npz"):
        ingest([folder], "tea2023-i")
    text = (repository / "tests/data/challenge3_frame.extxyz").read_text().splitlines(True)
    (folder / "test.xyz").write_text("".join([*text[:2], *text[:1:-1]]))
    with pytest.raises(DataError, match=r"than in the card .*: atom 0 is H, expected C; reorder"):
        ingest([folder / "test.xyz"], "tea2023-iii", Options(energy_unit="kcal/mol"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"F": None}, "expected forces under one of F, forces.*found E, R"),
        ({"F": np.zeros((10, 41, 3))}, r"F has shape \(10, 41, 3\), expected \(10, 42, 3\)"),
        ({"E": np.arange(10)}, "energies are int64"),
        ({"R": np.full((10, 42, 3), np.nan)}, "NaN or infinity in positions"),
        ({"R": np.full((10, 42, 3), None)}, "pickled Python objects"),
        ({"energies": np.zeros(10)}, "energies twice, as E and energies"),
    ],
)
def test_files_that_are_not_what_they_should_be(mini_i, folder, home, change, message):
    save(folder / "folded_test.npz", mini_i.split("folded/test")[:10], **change)
    with pytest.raises(DataError, match=message):
        ingest([folder], "tea2023-i")
    assert left_over(home) == []


@pytest.mark.parametrize("suffix", ["npz", "xyz", "h5"])
def test_truncated_files(mini_i, folder, home, suffix):
    path = folder / f"folded_test.{suffix}"
    formats.write(path, mini_i.split("folded/test")[:50])
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=f"folded_test.{suffix}: "):
        ingest([folder], "tea2023-i")
    assert left_over(home) == []


def test_what_is_here_is_replaced_only_on_request_and_only_by_what_is_whole(mini_i, folder):
    save(folder / "folded_test.npz", mini_i.split("folded/test")[:10])
    ingest([folder], "tea2023-i")
    before = teadata.load("tea2023-i").card
    assert ingest([folder], "tea2023-i").new is False
    with pytest.raises(UsageError, match=r"is here already.*--replace"):
        ingest([folder], "tea2023-i", Options(energy_unit="eV"))
    save(folder / "folded_valid.npz", mini_i.split("folded/valid")[:10], F=np.zeros(3))
    with pytest.raises(DataError):
        ingest([folder], "tea2023-i", replace=True)
    assert teadata.load("tea2023-i").card == before
    save(folder / "folded_valid.npz", mini_i.split("folded/valid")[:10])
    ingest([folder], "tea2023-i", replace=True)
    assert len(teadata.load("tea2023-i").split("folded/valid")) == 10


def test_the_embedded_datasets_are_not_ingested(folder):
    with pytest.raises(UsageError, match=r"comes with the package"):
        ingest([folder], "mini-i")
    with pytest.raises(UsageError, match=r"nowhere: no such file"):
        ingest([Path("nowhere")], "tea2023-i")
    with pytest.raises(UsageError, match=r"expected a file of frames"):
        ingest([folder], "tea2023-i")


def test_without_data_the_error_says_how_to_get_them(run):
    done = run("teadata", "export", "tea2023-ii", "-o", "x.xyz")
    assert done.returncode == 1
    assert "teadata fetch tea2023-ii" in done.stderr
    assert "teadata ingest FILE... --dataset tea2023-ii" in done.stderr
    done = run("teadata", "info", "tea2023-ii")
    assert done.returncode == 0, done.stderr
    assert "AcPheAla5Lys, unknown, unknown atoms" in done.stdout
    assert "not on this machine" in done.stdout
    assert "tea2023-ii" not in catalog.here()


def test_a_pin_is_a_patch_that_git_applies(files, run, tmp_path):
    archive = tmp_path / "AcAla3.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for file in files.iterdir():
            target.write(file, file.name)
    assert run("teadata", "pin", "tea2023-i").returncode == 1
    ingest([archive], "tea2023-i", record="123")
    done = run("teadata", "pin", "tea2023-i", "-o", tmp_path / "pin.patch")
    assert done.returncode == 0, done.stderr
    checkout = tmp_path / "checkout"
    cards = checkout / "datasets" / "cards"
    cards.mkdir(parents=True)
    card = cards / "tea2023-i.yaml"
    card.write_bytes(catalog.packaged_card("tea2023-i").read_bytes())
    subprocess.run(["git", "init", "-q", checkout], check=True)
    subprocess.run(["git", "apply", tmp_path / "pin.patch"], cwd=checkout, check=True)
    pinned = teadata.DatasetCard.read(card).source
    assert pinned.record == "123"
    assert [file.name for file in pinned.files] == ["AcAla3.zip"]
    assert pinned.files[0].bytes == archive.stat().st_size
    assert pinned.hints == teadata.DatasetCard.read(catalog.packaged_card("tea2023-i")).source.hints


def test_killed_at_any_time_it_leaves_nothing_and_starts_anew(files, home, tmp_path, run):
    command = [str(Path(sys.executable).parent / "teadata"), "ingest", str(files)]
    command += ["--dataset", "tea2023-i"]
    elsewhere = os.environ | {"TEADATA_HOME": str(tmp_path / "another home")}
    start = time.monotonic()
    subprocess.run(command, env=elsewhere, stdout=subprocess.DEVNULL, check=True, timeout=240)
    whole = time.monotonic() - start
    killed = 0
    for share in (0.3, 0.5, 0.7, 0.85):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(share * whole)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        if (home / "datasets" / "tea2023-i").exists():
            break
    assert killed
    done = run("teadata", "ingest", files, "--dataset", "tea2023-i", "--replace")
    assert done.returncode == 0, done.stderr
    assert all(check.passed for check in verify(teadata.load("tea2023-i")))
    assert not list((home / "datasets").glob(".tea-*"))


def test_a_home_that_cannot_be_written(mini_i, folder, tmp_path, monkeypatch):
    save(folder / "folded_test.npz", mini_i.split("folded/test")[:10])
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written .*set TEADATA_HOME"):
        ingest([folder], "tea2023-i")


def test_a_disk_that_is_too_small_is_noticed_before(mini_i, folder, tmp_path, monkeypatch):
    if os.getuid() != 0:
        pytest.skip("mounting a small file system needs root")
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    try:
        monkeypatch.setenv("TEADATA_HOME", str(small))
        save(folder / "folded_test.npz", mini_i.split("folded/test"))
        with pytest.raises(DataError, match=r"may need 5040000 bytes, \d+ are free"):
            ingest([folder], "tea2023-i")
        assert left_over(small) == []
        save(folder / "folded_test.npz", mini_i.split("folded/test")[:500])
        ingest([folder], "tea2023-i")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_two_at_once_make_one_dataset(files, home):
    command = [str(Path(sys.executable).parent / "teadata"), "ingest", str(files)]
    both = [
        subprocess.Popen([*command, "--dataset", "tea2023-i"], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ends = [(process.communicate()[0], process.wait()) for process in both]
    assert [code for _, code in ends] == [0, 0]
    assert sorted("is here already" in said for said, _ in ends) == [False, True]
    assert all(check.passed for check in verify(teadata.load("tea2023-i")))


def test_memory_does_not_grow_with_the_file(mini_i, folder):
    frames = mini_i.split("folded/test")
    many = 40_000
    rng = np.random.default_rng(0)
    rows = rng.integers(len(frames), size=many)
    np.savez(
        folder / "folded_test.npz",
        z=frames.numbers,
        R=frames.positions[rows] + rng.normal(0, 1e-3, (many, 1, 1)),
        E=frames.energies[rows],
        F=frames.forces[rows],
        e_unit="kcal/mol",
        r_unit="Ang",
    )
    assert (folder / "folded_test.npz").stat().st_size > 80e6
    code = (
        "import resource; from pathlib import Path; from teadata.ingest import ingest; import h5py;"
        "import teadata.formats.npz, teadata.verify, pyarrow.parquet;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        f"ingest([Path({str(folder)!r})], 'tea2023-i');"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True
    )
    assert int(done.stdout) * 1024 < 160e6  # 16 MB pieces, in a few copies
    assert len(teadata.load("tea2023-i").splits.ids("folded/test")) == many


def test_files_of_one_name_with_indices_of_their_own(mini_i, folder):
    pool = mini_i.split("folded/test")
    for name, rows in (("one", slice(0, 20)), ("two", slice(20, 60))):
        path = folder / name / "folded.npz"
        path.parent.mkdir(parents=True)
        formats.write(path, pool[rows])
        with np.load(path) as arrays:
            held = dict(arrays)
        count = len(held["E"])
        np.savez(path, **held, idx_train=np.arange(10), idx_test=np.arange(10, count))
    done = ingest([folder / "one" / "folded.npz", folder / "two" / "folded.npz"], "tea2023-i")
    assert [item.label for item in done.assigned[::2]] == [
        "one/folded.npz#idx_train",
        "two/folded.npz#idx_train",
    ]
    members = teadata.load("tea2023-i").splits.members
    assert {key: len(ids) for key, ids in members.items()} == {
        ("folded", "train"): 20,
        ("folded", "test"): 40,
    }
