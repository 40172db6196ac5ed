"""Trainings of several sizes, twice each, and what is made of them."""

from __future__ import annotations

import json

import pytest

import teadata
from baselines.accuracy import learning_curve
from teadata import formats
from teadata.create import Options, create
from teadata.create.splitting import Wanted


def test_the_second_training_of_a_size_exchanges_the_splits(mini_i):
    plans = learning_curve.plans("physnet", mini_i, "complete", (200, 1000), "curve")
    assert [(plan.train, plan.valid) for plan in plans] == [
        ("complete/train/200", "complete/valid/200"),
        ("complete/valid/200", "complete/train/200"),
        ("complete/train/1000", "complete/valid/1000"),
        ("complete/valid/1000", "complete/train/1000"),
    ]
    folders = [learning_curve.folder_of(plan) for plan in plans]
    assert folders[0] == "physnet-mini-i-complete-200-curve-seed0"
    assert folders[1] == "physnet-mini-i-complete-200-curve-seed0-exchanged"
    assert len(set(folders)) == 4
    for plan in plans[::2]:
        first, second = (set(mini_i.splits.ids(name)) for name in (plan.train, plan.valid))
        assert not first & second


def test_a_size_without_as_many_validation_frames_is_trained_once():
    data = teadata.load("mini-iii")
    plans = learning_curve.plans("mace", data, "complete", (50, 100))
    assert len(plans) == 4
    assert learning_curve.note_of(plans) == ""
    plans = learning_curve.plans("mace", data, "complete", (100, 150, 200))
    assert [(plan.train, plan.valid) for plan in plans[2:]] == [
        ("complete/train/150", "complete/valid/100"),
        ("complete/train/200", "complete/valid/100"),
    ]
    assert learning_curve.note_of(plans).startswith(
        "trained once: 150, 200; mini-iii@1.0.0 complete has 100 validation frames, which all"
    )


def test_a_small_dataset_of_ones_own_has_a_curve(run, mini_i, tmp_path, monkeypatch):
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path))
    formats.write(tmp_path / "a.npz", mini_i.split("folded/train/120"))
    create("small", tmp_path / "a.npz", Options(wanted=Wanted((12, 30), 18, 20)))
    assert learning_curve.sizes_of(teadata.load("small"), "complete") == [12, 30]
    assert learning_curve.sizes_of(mini_i, "complete") == list(learning_curve.SIZES)
    figure = tmp_path / "curve.png"
    config = tmp_path / "tiny.yaml"
    config.write_text("{size: 12, sigmas: [20], lam: 1.0e-10, symmetries: false}")
    done = run(
        "baselines", "learning-curve", "sgdml", "small", "--config", config, "--runs", tmp_path,
        "-o", figure,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "note: trained once: 30; small@0.1.0 complete has 18 validation" in done.stderr
    assert all(text in done.stdout for text in ("12 valid", "12 test", "30 valid", "30 test"))
    assert len(figure.with_suffix(".csv").read_text().splitlines()) == 1 + (2 + 1) * 2


def test_both_trainings_of_a_size_are_scored(mini_i, tmp_path):
    plans = learning_curve.plans("sgdml", mini_i, "folded", (10,))
    done = list(learning_curve.carry_out(plans, tmp_path, frames=20))
    assert [item.score.prediction.train for item in done] == ["folded/train/10", "folded/valid/10"]
    (chosen,) = learning_curve.better(done)
    assert chosen.record.valid["force_mae"] == min(x.record.valid["force_mae"] for x in done)
    assert len(learning_curve.figure(done).data) == 4


def test_the_published_table_has_its_form():
    """Table SI 6."""
    made = learning_curve.published_table()
    assert list(made) == ["MAE(E)", "RMSE(E)", "MAE(F)", "RMSE(F)"]
    assert made["MAE(F)"][1000] == (1.67, 1.66)
    lines = learning_curve.markdown({"Table SI 6": made}).splitlines()
    assert lines[0] == "Table SI 6:"
    assert lines[2].startswith("| frames | 200 valid | 200 test | 400 valid |")
    assert lines[4] == (
        "| MAE(E) | 2.11 | 2.14 | 1.93 | 1.86 | 1.77 | 1.74 | 1.43 | 1.52 | 1.13 | 1.11 |"
    )


@pytest.mark.slow
def test_the_command_trains_scores_and_draws(run, tmp_path):
    pytest.importorskip("tensorflow")
    config = tmp_path / "tiny.yaml"
    config.write_text(
        "{size: 8, features: 8, n_rbf: 6, modules: 1, r_cut: 3.0, steps: 8, batch_size: 2, "
        "jit_compile: false}"
    )
    arguments = [
        "baselines", "learning-curve", "physnet", "mini-i", "--config", str(config),
        "--size", "200", "--size", "400", "--frames", "20", "--runs", str(tmp_path / "runs"),
    ]  # fmt: skip
    done = run(*arguments, "--markdown", "-o", str(tmp_path / "curve.png"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    # The mini edition's errors stand alone
    assert lines[0] == "PhysNet on mini-i@1.0.0 complete (mini edition):"
    assert "SI 6" not in done.stdout
    assert (tmp_path / "curve.png").stat().st_size > 10_000
    points = (tmp_path / "curve.csv").read_text().splitlines()
    assert len(points) == 1 + 2 * 2 * 2  # sizes, trainings, quantities
    forces = next(line for line in lines if line.startswith("| MAE(F)")).split(" | ")
    for place, size in ((1, 200), (3, 400)):
        records = [
            json.loads((tmp_path / "runs" / name / "record.json").read_text())["valid"]
            for name in (
                f"physnet-mini-i-complete-{size}-tiny-seed0",
                f"physnet-mini-i-complete-{size}-tiny-seed0-exchanged",
            )
        ]
        least = min(record["force_mae"] for record in records)
        assert float(forces[place]) == pytest.approx(least, abs=0.006)
    again = run(*arguments)
    assert again.returncode == 0
    assert "200 valid" in again.stdout
