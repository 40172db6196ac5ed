"""A record that the tests of accuracy share."""

from __future__ import annotations

import pytest
import yaml


@pytest.fixture(scope="session")
def recorded(run, tmp_path_factory):
    """A record that the commands made, of tiny sGDML trainings, and the folder of its runs."""
    folder = tmp_path_factory.mktemp("recorded")
    settings = {"size": 10, "sigmas": [20], "lam": 1e-10, "symmetries": False}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(settings))
    done = run(
        "baselines", "record", "sgdml", "mini-i", "--subset", "unfolded", "--seeds", 2,
        "--config", folder / "tiny.yaml", "--runs", folder / "runs",
        "--records", folder / "records",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder
