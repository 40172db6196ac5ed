import json

import numpy as np
import pytest

from teadata import formats


def test_list_and_info_as_json(run, mini_i):
    listed = json.loads(run("teadata", "list", "--json").stdout)
    assert mini_i.card.model_dump(mode="json") in listed
    info = json.loads(run("teadata", "info", "mini-i", "--json").stdout)
    assert info["frames"]["folded"]["train"] == 1000
    text = run("teadata", "info", "mini-i").stdout
    assert "GFN2-xTB" in text
    assert "folded->unfolded" in text


def test_cite(run):
    assert "10.1039/d4sc06529h" in run("teadata", "cite", "mini-i").stdout
    assert "@article{" in run("teadata", "cite", "mini-i", "--bibtex").stdout


def test_verify_passes_on_what_is_shipped(run):
    done = run("teadata", "verify", "--json")
    assert done.returncode == 0
    checks = json.loads(done.stdout)["mini-i"]
    assert all(check["passed"] for check in checks)


@pytest.mark.parametrize("suffix", ["npz", "xyz", "h5"])
def test_export(run, mini_i, tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    done = run("teadata", "export", "mini-i", "--split", "folded/valid/20", "-o", path)
    assert done.returncode == 0, done.stderr
    expected = mini_i.split("folded/valid/20")
    found = formats.read(path)
    np.testing.assert_array_equal(found.forces, expected.forces)
    np.testing.assert_array_equal(found.ids, expected.ids)


def test_exported_npz_is_a_dataset_for_the_sgdml_command(run, mini_i, tmp_path):
    path = tmp_path / "folded.npz"
    run("teadata", "export", "mini-i", "--split", "folded/train/30", "-o", path)
    shown = run("sgdml", "show", path)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "30 data points" in shown.stdout
    assert "kcal/mol/Ang" in shown.stdout
    created = run("sgdml", "create", path, 10, 10, "-s", 20, "--task_dir", "task", cwd=tmp_path)
    assert created.returncode == 0, created.stdout + created.stderr
    task = next((tmp_path / "task").glob("*.npz"))
    trained = run("sgdml", "train", task, path, "--cpu", cwd=tmp_path)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert list((tmp_path / "task").glob("model*.npz"))


def test_exported_xyz_is_read_by_ase(run, mini_i, tmp_path):
    import ase.io

    path = tmp_path / "folded.xyz"
    run("teadata", "export", "mini-i", "--split", "folded/train/5", "-o", path)
    frames = mini_i.split("folded/train/5")
    images = ase.io.read(path, index=":")
    np.testing.assert_array_equal([image.get_forces() for image in images], frames.forces)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "mini-x"], "unknown dataset 'mini-x'; expected one of: hydrogen, mini-h"),
        (["export", "mini-i", "-o", "f.pdb"], "unknown file suffix '.pdb'"),
        (["export", "mini-i", "-o", "f.h5", "--format", "pdb"], "unknown format 'pdb'"),
        (["export", "mini-i", "-o", "f.h5", "--split", "folded"], "not of the form"),
        (["export", "mini-i", "-o", "f.h5", "--split", "fold/test"], "did you mean 'folded'"),
        (["nonsense"], "No such command"),
    ],
)
def test_wrong_usage_ends_with_2_and_no_traceback(run, tmp_path, arguments, message):
    done = run("teadata", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist(run, tmp_path):
    done = run("teadata", "export", "mini-i", "-o", tmp_path / "no" / "f.h5")
    assert done.returncode == 2
    assert "cannot be written, there is no folder" in done.stderr
    assert "Traceback" not in done.stderr
