"""A small trained model that the tests of the machinery share."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="session")
def config_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(
        yaml.safe_dump({"size": 10, "sigmas": [10, 20, 30], "lam": 1e-10, "symmetries": True})
    )
    return path


@pytest.fixture(scope="session")
def trained(run, config_file, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    done = run(
        "baselines", "train", "sgdml", "mini-i", "--subset", "folded", "--config", config_file,
        "-o", folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sgdml trained on mini-i@1.0.0 folded/train/10" in done.stdout
    return folder
