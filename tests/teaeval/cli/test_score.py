"""What a user meets at the command line, with every file that can go wrong."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import teaeval
from teadata.units import EV


def rewrite(path: Path, drop: tuple[str, ...] = (), **changes: Any) -> None:
    with np.load(path) as archive:
        arrays = {k: v for k, v in archive.items() if k not in drop}
    np.savez(path, **arrays | changes)


def test_score_in_every_form(run, prediction_file):
    done = run("teaeval", "score", prediction_file)
    assert done.returncode == 0, done.stderr
    assert "F(O)" in done.stdout
    assert "as Table SI 7" in done.stdout
    score = json.loads(run("teaeval", "score", prediction_file, "--json").stdout)
    rows = {row["quantity"]: row for row in score["rows"]}
    assert rows["F"]["mae"] == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.01)
    table = run("teaeval", "score", prediction_file, "--csv").stdout
    assert float(next(csv.DictReader(io.StringIO(table)))["mae"]) == rows["E"]["mae"]
    assert "| F(N) |" in run("teaeval", "score", prediction_file, "--markdown").stdout


def test_nan(run, prediction_file, noisy):
    energies = noisy.energies.copy()
    energies[4] = np.nan
    rewrite(prediction_file, energy=energies)
    assert_fails(run, prediction_file, "not-finite-energy", "1 NaN")


def test_undeclared_units(run, prediction_file, noisy):
    rewrite(
        prediction_file,
        ("energy_unit", "length_unit"),
        energy=noisy.energies / EV,
        forces=noisy.forces / EV,
    )
    assert_fails(run, prediction_file, "undeclared-energy_unit", "--energy-unit")
    declared = run("teaeval", "score", prediction_file, "--energy-unit", "eV", "--length-unit", "Å")
    assert declared.returncode == 0, declared.stderr


def test_wrongly_declared_units(run, prediction_file, noisy):
    rewrite(prediction_file, energy=noisy.energies / EV, forces=noisy.forces / EV)
    assert_fails(run, prediction_file, "unit-of-forces", "as values in eV/Å would have")


def test_a_missing_frame(run, prediction_file, noisy):
    rewrite(
        prediction_file,
        energy=noisy.energies[:-1],
        forces=noisy.forces[:-1],
        frame_id=noisy.frame_ids[:-1],
    )
    assert_fails(run, prediction_file, "missing-frames", "1 missing")


def test_swapped_axes_of_forces(run, prediction_file, noisy):
    rewrite(prediction_file, forces=noisy.forces.transpose(1, 0, 2))
    assert_fails(run, prediction_file, "shape-of-forces", "axes are swapped")


def test_one_energy_for_all_frames(run, prediction_file):
    rewrite(prediction_file, energy=np.array(1.0))
    assert_fails(run, prediction_file, "shape-of-energy", "found shape ()")


@pytest.mark.parametrize("keep", [0, 3, 0.001, 0.3, 0.9, 0.9999])
def test_a_truncated_file(run, prediction_file, keep):
    content = prediction_file.read_bytes()
    prediction_file.write_bytes(content[: keep if keep in (0, 3) else int(len(content) * keep)])
    assert_fails(run, prediction_file, "prediction.npz: ", "")


def test_a_damaged_file(run, prediction_file):
    content = bytearray(prediction_file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    prediction_file.write_bytes(content)
    assert_fails(run, prediction_file, "truncated or damaged", "")


def test_a_file_with_pickles(run, prediction_file):
    rewrite(prediction_file, model=np.array([{"a": 1}], dtype=object))
    assert_fails(run, prediction_file, "pickled Python objects", "")


def test_a_text_file(run, tmp_path):
    path = tmp_path / "prediction.npz"
    path.write_text("energy forces\n1.0 2.0\n")
    assert_fails(run, path, "not an npz file", "numpy.savez")


def test_no_file_and_a_folder(run, tmp_path):
    (tmp_path / "folder.npz").mkdir()
    for path, said in (
        (tmp_path / "none.npz", "no such file"),
        (tmp_path / "folder.npz", "is a folder, expected one file"),
        (tmp_path, "is a folder, expected one file"),
    ):
        done = run("teaeval", "score", path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {path}: {said}")


def test_wrong_subset_names_the_right_ones(run, prediction_file):
    assert_fails(run, prediction_file, "complete, folded, unfolded", "", "--subset", "foldde")
    rewrite(prediction_file, ("subset",))
    assert_fails(run, prediction_file, "one of: complete, folded, unfolded", "", "--subset", "fold")
    done = run("teaeval", "score", prediction_file, "--dataset", "mini-i", "--subset", "fold")
    assert done.returncode == 2
    assert "expected one of: complete, folded, unfolded" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "--csv"], "expected one format, found csv, json"),
        (["--dataset", "mini-l"], "unknown dataset 'mini-l'"),
        (["--energy-unit", "kcal"], "unknown energy unit 'kcal'"),
        (["--length-unit", "mile"], "unknown length unit 'mile'"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_usage(run, prediction_file, arguments, message):
    done = run("teaeval", "score", prediction_file, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def assert_fails(run: Any, path: Path, expected: str, also: str, *arguments: str) -> None:
    done = run("teaeval", "score", path, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    assert expected in done.stderr
    assert also in done.stderr
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_check_lists_findings_as_a_table_and_as_json(run, noisy, prediction_file):
    done = run("teaeval", "check", prediction_file)
    assert done.returncode == 0, done.stderr
    assert "nothing is wrong" in done.stdout
    wrong = dataclasses.replace(noisy, forces=-noisy.forces, energies=noisy.energies + 50)
    teaeval.write_prediction(prediction_file, wrong)
    done = run("teaeval", "check", prediction_file)
    assert done.returncode == 1
    assert "sign-of-forces" in done.stdout
    found = json.loads(run("teaeval", "check", prediction_file, "--json").stdout)
    by_code = {item["code"]: item for item in found}
    assert by_code["sign-of-forces"]["severity"] == "error"
    assert by_code["sign-of-forces"]["evidence"]["slope"] == pytest.approx(-1, abs=0.01)
    assert by_code["energy-offset"]["severity"] == "warning"
    assert by_code["energy-offset"]["evidence"]["offset"] == pytest.approx(50, abs=0.1)
    np.savez(prediction_file, energy=np.zeros(3))
    done = run("teaeval", "check", prediction_file)
    assert done.returncode == 1
    assert "missing-forces" in done.stdout


def test_what_is_mended_on_request_is_said_in_the_score(run, noisy, prediction_file, tmp_path):
    plain = teaeval.score(noisy, replicates=0)
    wrong = dataclasses.replace(noisy, forces=-noisy.forces / 23.060547830619026)
    teaeval.write_prediction(prediction_file, wrong)
    done = run("teaeval", "score", prediction_file, "--fix", "sign")
    assert done.returncode == 1
    assert "unit-of-forces" in done.stderr
    score = tmp_path / "score.json"
    done = run("teaeval", "score", prediction_file, "--fix", "sign", "--fix", "units",
               "-o", score, "--bootstrap", 0)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "fixed: forces taken as eV/Å, declared kcal/mol/Å" in done.stdout
    found = json.loads(score.read_text())
    assert found["fixes"] == ["sign", "units"]
    assert len(found["fixed"]) == 2
    assert found["rows"][1]["mae"] == pytest.approx(plain.row("F").mae, rel=1e-12)
    done = run("teaeval", "verify", score, "--prediction", prediction_file)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run("teaeval", "score", prediction_file, "--fix", "everything")
    assert done.returncode == 2
    assert "unknown fix 'everything'" in done.stderr
