"""Files of campaigns: what is refused, and with which word."""

from __future__ import annotations

import pytest

from baselines.campaign import batch, matrix, schedulers
from teadata.errors import DataError, UsageError

BATCH = {"system": "slurm", "cores": 8, "memory": "32 GiB", "workers": 4}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"modells": ["gap"]}, "unknown key 'modells', did you mean 'models'"),
        ({"batch": BATCH | {"worker": 2}}, "unknown key 'batch.worker', did you mean 'workers'"),
        ({"batch": BATCH | {"maximum": 2}}, "batch: expected either workers, or maximum"),
        ({"batch": BATCH | {"memory": "32"}}, "batch.memory: expected an amount of memory such as"),
        ({"batch": BATCH | {"system": "slrum"}}, "batch.system: expected 'slurm', 'pbs'"),
        ({"batch": BATCH | {"options": {"processes": 2}}}, "processes cannot be chosen"),
        ({"resources": {"gap": {"memery": "1 GiB"}}}, "did you mean 'memory'"),
        ({"resources": {"gap": {"memory": "lots"}}}, "such as 4 GiB or 500 MiB, found 'lots'"),
        ({"include": [{"model": "gap", "datasett": "mini-i"}]}, "did you mean 'dataset'"),
        ({"exclude": [{}]}, "exclude 1 is empty"),
        ({"seeds": [-1]}, "seeds.1: expected 0 or more, found -1"),
        ({"subsets": []}, "subsets: "),
        ({"models": None}, "nothing is to be trained"),
        (
            {"models": None, "datasets": None, "include": [{"model": "gap", "dataset": "mini-i"}]},
            "subsets and configs would have no effect: expected models and datasets beside them",
        ),
        (
            {
                "datasets": None,
                "subsets": None,
                "configs": None,
                "seeds": [0, 1],
                "matrices": [{"models": ["gap"], "datasets": ["mini-i"]}],
            },
            "models and seeds would have no effect",
        ),
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


def test_options_that_dask_jobqueue_does_not_know_are_refused():
    settings = batch.Batch(**BATCH, options={"lane": "short"})
    with pytest.raises(UsageError, match=r"SLURMCluster refuses them: .*'lane'$"):
        batch.job_script(settings)


def test_a_queue_that_is_not_here_is_refused(tmp_path):
    with (
        pytest.raises(UsageError, match="sbatch is not on this machine's PATH"),
        batch.opened(batch.Batch(**BATCH), tmp_path, "name"),
    ):
        pass


@pytest.mark.parametrize(
    ("scheduler", "sized", "message"),
    [
        ("batch", True, "--jobs and --memory are for this machine"),
        ("http://host", False, "expected local, batch, an address such as tcp://host:8786"),
    ],
)
def test_what_is_no_scheduler_is_refused(scheduler, sized, message):
    with pytest.raises(UsageError, match=message):
        schedulers.check(scheduler, sized)


def test_a_campaign_without_a_queue_has_none(campaign_file):
    with pytest.raises(UsageError, match="has no section `batch`"):
        schedulers.batch_settings("batch", campaign_file())
