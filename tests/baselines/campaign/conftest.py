"""A campaign of two trainings that take seconds."""

from __future__ import annotations

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
