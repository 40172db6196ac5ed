"""A campaign of two trainings that take seconds, and what tests look at."""

from __future__ import annotations

import json
import time

import pytest
import yaml

SETTINGS = {"size": 10, "sigmas": [20], "lam": 1e-10, "symmetries": False}


@pytest.fixture
def campaign_file(tmp_path):
    """Write a campaign with other values than the usual ones; a value None leaves a key out."""

    def write(name: str = "campaign.yaml", **values):
        usual = {
            "models": ["sgdml"], "datasets": ["mini-i"], "subsets": ["unfolded", "folded"],
            "configs": ["tiny.yaml"], "tests": ["folded"], "frames": 20, "bootstrap": 0,
            "resources": {"sgdml": {"memory": "1 GiB"}},
        }  # fmt: skip
        content = {key: value for key, value in (usual | values).items() if value is not None}
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(SETTINGS))
        (tmp_path / name).write_text(yaml.safe_dump(content))
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def until():
    """Wait for a condition, and give what it gives."""

    def wait(condition, seconds: float = 120.0):
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture(scope="session")
def table_of(run):
    """The scores of a campaign with 9 digits: sGDML's processes add up in no fixed order."""

    def table(path, folder):
        done = run("baselines", "campaign", "table", path, "--folder", folder, "--json")
        assert done.returncode == 0, done.stderr
        return [
            {
                key: f"{value:.9g}" if isinstance(value, float) else value
                for key, value in row.items()
                if key != "file"
            }
            for row in json.loads(done.stdout)
        ]

    return table
