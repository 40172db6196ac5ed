"""Files of campaigns: what is refused, and with which word."""

from __future__ import annotations

import pytest

from baselines.campaign import matrix
from teadata.errors import DataError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"modells": ["gap"]}, "unknown key 'modells', did you mean 'models'"),
        ({"resources": {"gap": {"memery": "1 GiB"}}}, "did you mean 'memory'"),
        ({"resources": {"gap": {"memory": "lots"}}}, "such as 4 GiB or 500 MiB, found 'lots'"),
        ({"include": [{"model": "gap", "datasett": "mini-i"}]}, "did you mean 'dataset'"),
        ({"exclude": [{}]}, "exclude 1 is empty"),
        ({"seeds": [-1]}, "seeds.1: Input should be greater than or equal to 0"),
        ({"subsets": []}, "subsets: "),
        ({"models": None}, "nothing is to be trained"),
        ({"simulate": {"step_": 10}}, "unknown key 'simulate.1.step_', did you mean 'steps'"),
        ({"simulate": [{"only": [{"model_": "gap"}]}]}, "did you mean 'model'"),
        ({"hydrogen": {"state": ["1000K-0.7"]}}, "did you mean 'states'"),
        ({"quick": {"simulate": {"replica_": 1}}}, "did you mean 'replicas'"),
        ({"matrices": [{"modells": ["gap"]}]}, "unknown key 'matrices.1.modells', did you mean"),
        ({"matrices": [{"models": ["gap"]}]}, "matrices 1: expected models and datasets"),
        (
            {"sizes": ["most"]},
            "sizes.1: expected a number of frames, all or recorded, found 'most'",
        ),
    ],
)
def test_wrong_files_are_refused(campaign_file, values, message):
    with pytest.raises(DataError) as error:
        matrix.read(campaign_file(**values))
    assert message in str(error.value)


def test_a_text_is_no_campaign(tmp_path):
    path = tmp_path / "campaign.yaml"
    path.write_text("models")
    with pytest.raises(DataError, match=r"campaign\.yaml: the file: "):
        matrix.read(path)
