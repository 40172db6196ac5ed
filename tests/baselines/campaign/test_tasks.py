"""What a campaign's file is expanded to, and what makes two trainings the same."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib import metadata

import pytest

from baselines.campaign import matrix
from baselines.campaign.expansion import expand
from baselines.campaign.tasks import Run, Task, tasks_of
from baselines.runs.record import Plan
from teadata.errors import DataError, UsageError


def runs_of(path):
    return expand(matrix.read(path), path)


def test_the_matrix_and_what_is_left_out_and_added(campaign_file):
    path = campaign_file(
        sizes=[5, 10], seeds=[0, 1],
        exclude=[{"subset": "folded", "seed": 1}],
        include=[{"model": "gap", "dataset": "mini-i", "subset": "folded", "size": 7}],
    )  # fmt: skip
    found = [(run.plan.model, run.plan.train, run.plan.seed) for run in runs_of(path)]
    assert len(found) == len(set(found)) == 2 * 2 * 2 - 2 + 1
    assert ("sgdml", "folded/train/5", 1) not in found
    assert ("gap", "folded/train/7", 0) in found


def test_without_subsets_and_tests_the_tasks_of_the_dataset_say_them(campaign_file, mini_i):
    found = runs_of(campaign_file(subsets=None, tests=None))
    pairs = [f"{run.plan.train.split('/')[0]}->{test}" for run in found for test in run.tests]
    assert sorted(pairs) == sorted(mini_i.card.tasks)
    assert len(tasks_of(found)) == len(found) + len(pairs)


def test_the_same_content_has_the_same_name_whatever_the_files_are_called(campaign_file, tmp_path):
    path = campaign_file()
    first = [run.name for run in runs_of(path)]
    shutil.copy(tmp_path / "tiny.yaml", tmp_path / "mine.yaml")
    other = campaign_file("other.yaml", configs=["mine.yaml", "tiny.yaml"], frames=None)
    assert [run.name for run in runs_of(other)] == first
    (tmp_path / "tiny.yaml").write_text("{size: 10, sigmas: [30], lam: 1.0e-10, symmetries: false}")
    assert not set(first) & {run.name for run in runs_of(path)}


def test_every_package_that_a_record_states_tells_trainings_apart(campaign_file, monkeypatch):
    """sGDML's backend is not the only one that its results depend on."""
    (first,) = (run.name for run in runs_of(campaign_file(subsets=["folded"])))
    installed = metadata.version
    for package in ("torch", "scipy", "numpy", "sgdml"):
        monkeypatch.setattr(
            metadata,
            "version",
            lambda name, other=package: "0.0" if name == other else installed(name),
        )
        (other,) = runs_of(campaign_file(subsets=["folded"]))
        assert other.name != first


def test_what_an_earlier_version_finished_is_recognised(run_folder, tmp_path):
    """Its names had the versions of this package and of one more in their hash."""
    record = json.loads((run_folder / "record.json").read_text())
    plan = Plan.model_validate(record["plan"])
    with_these = {name: record["versions"][name] for name in ("tea-benchmark", "sgdml")}
    content = {"plan": plan.model_dump(mode="json", exclude={"config_name"}), "with": with_these}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    earlier = tmp_path / "runs" / f"sgdml-mini-i-folded-10-seed0-{digest}"
    run = Run(plan=plan, tests=(), frames=None, bootstrap=0, cores=1, memory=1, seconds=None)
    assert not Task(run).done(tmp_path)
    shutil.copytree(run_folder, earlier)
    assert Task(run).done(tmp_path)
    assert Task(run).run_folder(tmp_path) == earlier
    record["versions"]["torch"] = "1.0"
    (earlier / "record.json").write_text(json.dumps(record))
    assert not Task(run).done(tmp_path)
    (earlier / "record.json").unlink()
    assert Task(run).run_folder(tmp_path) != earlier


def test_costs_are_those_of_the_records_unless_they_are_declared(campaign_file):
    (run,) = runs_of(campaign_file(configs=["quick"], subsets=["unfolded"], sizes=[60],
                                   resources=None))  # fmt: skip
    assert run.seconds is not None
    assert run.memory > 2000
    declared = {"sgdml": {"memory": "1.5 GiB", "cores": 2}}
    (run,) = runs_of(campaign_file(subsets=["unfolded"], resources=declared))
    assert (run.memory, run.cores, run.seconds) == (1536, 2, None)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"models": ["smgdl"]}, UsageError, "did you mean 'sgdml'"),
        ({"subsets": ["fold"]}, UsageError, "subset fold, .*did you mean 'folded'"),
        ({"sizes": [9999]}, UsageError, "size 9999"),
        ({"tests": ["fold"]}, UsageError, "did you mean 'folded'"),
        ({"device": "tpu"}, UsageError, "unknown device"),
        ({"resources": {"sgmdl": {}}}, UsageError, "did you mean 'sgdml'"),
        ({"exclude": [{"seed": 5}]}, DataError, "exclude 1 leaves nothing out"),
        ({"exclude": [{"model": "sgdml"}]}, DataError, "everything is excluded"),
    ],
)
def test_what_does_not_exist_is_refused_before_anything_runs(campaign_file, values, kind, message):
    with pytest.raises(kind, match=message):
        runs_of(campaign_file(**values))
