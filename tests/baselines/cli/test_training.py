"""The commands that train: what they print, what they refuse, and when they are interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import baselines
from baselines import config, registry
from baselines.cli import app


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for model in baselines.MODELS for name in config.names(model)]
)
def test_a_shown_configuration_is_the_same_when_read(tmp_path, model, name):
    shown = CliRunner().invoke(app, ["show-config", model, name])
    assert shown.exit_code == 0
    path = tmp_path / "mine.yaml"
    path.write_text(shown.stdout)
    _, kind = registry.entry(model).classes()
    assert config.read(kind, model, str(path)) == config.read(kind, model, name)
    again = CliRunner().invoke(app, ["show-config", model, str(path)]).stdout
    settings = [line for line in shown.stdout.splitlines() if not line.startswith("#")]
    assert [line for line in again.splitlines() if not line.startswith("#")] == settings
    told = {f"{field}:" for field in kind.model_fields}
    assert told <= {line.split(" ")[0] for line in settings}
    assert shown.stdout.count("\n# ") > len(kind.model_fields) / 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sgdml", "mini-i", "--subset", "fold"], "did you mean 'folded'"),
        (["sgdml", "mini-i", "--subset", "folded", "--size", "9999"], "sizes 1 to 1000 do"),
        (["sgdml", "mini-i", "--subset", "folded", "--config", "slow"], "expected one of: paper-i"),
        (["smace", "mini-i", "--subset", "folded"], "unknown model 'smace'"),
        (["sgdml", "mini", "--subset", "folded"], "unknown dataset 'mini'"),
        (["sgdml", "mini-i", "--device", "tpu"], "unknown device of sgdml 'tpu'"),
    ],
)
def test_wrong_usage_makes_no_folder(run, tmp_path, arguments, message):
    done = run("baselines", "train", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_refused_training_leaves_no_plan_and_a_model_out_of_place_is_warned_of(run, tmp_path):
    done = run("baselines", "train", "sgdml", "mini-hydrogen", "--size", "5", cwd=tmp_path)
    assert done.returncode == 1
    assert "warning: sGDML is not meant for mini-hydrogen" in done.stderr
    assert "expected frames of constant cell" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("lam", "warned"), [("1.0e-10", False), ("1.0e+30", True)])
def test_a_model_that_is_as_good_as_none_is_warned_of(run, config_file, tmp_path, lam, warned):
    settings = yaml.safe_load(config_file.read_text()) | {"lam": float(lam)}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    call = ["mini-i", "--subset", "folded", "--size", "30", "--config", "mine.yaml", "-o", "run"]
    done = run("baselines", "train", "sgdml", *call, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("predicts no force at all has as small a force MAE" in done.stderr) == warned


def test_a_dtype_that_a_model_does_not_have_is_refused(run, tmp_path):
    done = run("baselines", "train", "sgdml", "mini-i", "--dtype", "float32", cwd=tmp_path)
    assert done.returncode == 1
    assert "--dtype of sgdml: dtype: expected 'float64', found" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_resume_names_what_is_missing(run, tmp_path):
    done = run("baselines", "resume", tmp_path)
    assert done.returncode == 2
    assert "not a run folder" in done.stderr


def test_list_names_model_configurations_and_backend(run):
    listed = {row["model"]: row for row in json.loads(run("baselines", "list", "--json").stdout)}
    assert listed["sgdml"]["configurations"] == [
        "paper-i",
        "paper-ii",
        "paper-iii",
        "quick",
        "reference",
    ]
    assert listed["sgdml"]["installed"] is True
    assert listed["sgdml"]["sizes"]["quick"] == 500
    assert (listed["mace"]["periodic"], listed["physnet"]["periodic"]) == (True, False)
    shown = run("baselines", "list").stdout
    assert "sgdml: installed" in shown
    assert "quick (500)" in shown


def test_a_missing_backend_names_its_extra(tmp_path):
    """In a process that cannot find sgdml, as where the extra is not installed."""
    code = (
        "import sys; sys.modules['sgdml'] = None\n"
        "sys.argv = ['baselines', 'train', 'sgdml', 'mini-i', '--subset', 'folded']\n"
        "from baselines.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "[sgdml]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "module", "package"),
    [
        ("fchl", "torch", "torch"),
        ("so3krates", "orbax.checkpoint", "orbax-checkpoint"),
        ("tersoff", "vesin", "vesin"),
        ("pace", "sklearn", "scikit-learn"),
    ],
)
def test_a_model_without_one_of_its_packages_is_not_installed(model, module, package, tmp_path):
    """Its backend is there, and something else is not that it imports."""
    done = {}
    for arguments in (["list", "--json"], ["list"], ["train", model, "mini-hydrogen"]):
        code = (
            f"import sys; sys.modules[{module!r}] = None\n"
            f"sys.argv = ['baselines', *{arguments}]\n"
            "from baselines.cli import main; main()"
        )
        done[len(arguments)] = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        if arguments[-1] == "--json":
            (row,) = [row for row in json.loads(done[2].stdout) if row["model"] == model]
            assert (row["installed"], row["lacking"]) == (False, [package])
    assert f"{package} not installed" in " ".join(done[1].stdout.split())
    assert done[3].returncode == 1
    assert f"needs the package {package!r}, which is not installed" in done[3].stderr
    assert list(tmp_path.iterdir()) == []


def test_no_package_is_imported_to_see_whether_it_is_installed():
    code = (
        "import sys\nfrom baselines.registry import MODELS\n"
        "assert [m.installed for m in MODELS.values()]\n"
        "print(*({'torch', 'jax', 'tensorflow', 'ase', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_interrupted_training_ends_without_a_traceback(config_file, tmp_path):
    folder = tmp_path / "interrupted"
    command = [
        str(Path(sys.executable).parent / "baselines"), "train", "sgdml", "mini-i",
        "--subset", "folded", "--config", str(config_file), "--size", "100", "-o", str(folder),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 200
        while not (folder / "plan.json").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(2)  # 100 frames and three sigmas take longer on any machine
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors
    assert not (folder / "record.json").exists()


def test_the_command_takes_allow_tf32_for_so3krates_only(run, tmp_path):
    done = run("baselines", "train", "mace", "mini-i", "--allow-tf32", "-o", tmp_path / "run")
    assert done.returncode == 1
    assert "--allow-tf32 of mace: unknown key 'allow_tf32'" in done.stderr
    assert not (tmp_path / "run").exists()
