"""What docs/campaigns.md and the example say, done."""

from __future__ import annotations

import re
import shlex

import pytest

from baselines.campaign import batch, matrix, sections
from baselines.campaign.expansion import expand
from teaeval.hydrogen import read_record
from teaeval.md import Settings, Simulations


def blocks(repository, kind):
    text = (repository / "docs" / "campaigns.md").read_text()
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def test_the_campaigns_of_the_document_are_ones(run, repository, tmp_path):
    """Each expands, and the commands below it are of campaigns of that name."""
    files = [file for file in blocks(repository, "yaml") if file.startswith("models")]
    for file, lines in zip(files, blocks(repository, "bash"), strict=True):
        name = next(word for word in lines.split() if word.endswith(".yaml"))
        (tmp_path / name).write_text(file)
        assert expand(matrix.read(tmp_path / name), tmp_path / name)
        for line in lines.splitlines():
            words = shlex.split(line, comments=True)
            done = run(*words[:3], "--help")
            assert done.returncode == 0, done.stderr
            options = {word for word in words if word.startswith("--")}
            assert [option for option in options if option not in done.stdout] == []


@pytest.mark.slow
def test_the_blocks_of_the_document_run(run, repository, tmp_path):
    files = [file for file in blocks(repository, "yaml") if file.startswith("models")]
    commands = blocks(repository, "bash")
    for file, lines in zip(files, commands, strict=True):
        name = next(word for word in lines.split() if word.endswith(".yaml"))
        (tmp_path / name).write_text(file)
        for line in lines.splitlines():
            done = run(*shlex.split(line, comments=True), cwd=tmp_path)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    records = list((tmp_path / "campaign" / "runs").glob("*/record.json"))
    assert len(records) == 2
    runs = tmp_path / "simulated" / "runs"
    (simulations,), (benchmark,) = runs.glob("*/md/*/md.json"), runs.glob("*/hydrogen/*")
    assert len(Simulations.from_json(simulations, "", "").replicas) == 2
    assert [state.state for state in read_record(benchmark).states] == ["1000K-0.5"]


def test_the_commands_of_a_cluster_run(run, repository, cluster, tmp_path):
    """The scheduler and the worker are those of the test, with the same options."""
    scheduler, worker, command = blocks(repository, "sh")[0].splitlines()
    assert scheduler == "dask scheduler --scheduler-file scheduler.json"
    assert worker.startswith("dask worker --scheduler-file scheduler.json --nthreads 2 --resources")
    (tmp_path / "campaign.yaml").write_text(blocks(repository, "yaml")[0].replace("[0, 1]", "[0]"))
    with cluster(shlex.split(worker)[-1]):
        done = run(*shlex.split(command), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 tasks: 2 done" in done.stdout


@pytest.mark.parametrize(
    ("system", "directives"),
    [
        ("slurm", ["#SBATCH -p short", "#SBATCH --cpus-per-task=8", "#SBATCH --mem=32G",
                   "#SBATCH -t 04:00:00", "module load python"]),
        ("pbs", ["#PBS -l select=1:ncpus=8:mem=32gb", "#PBS -l walltime=04:00:00"]),
        ("sge", ["#$ -pe smp 8", "#$ -l h_vmem=4G", "#$ -l h_rt=04:00:00"]),
        ("lsf", ["#BSUB -n 8", "#BSUB -W 04:00", '#BSUB -gpu "num=1"']),
    ],
)  # fmt: skip
def test_the_jobs_of_the_document_are_scripts_with_a_worker(
    repository, tmp_path, monkeypatch, system, directives
):
    (text,) = [text for text in blocks(repository, "yaml") if f"system: {system}" in text]
    (tmp_path / "batch.yaml").write_text(text.replace("interface: ib0", "interface: lo"))
    monkeypatch.chdir(tmp_path)
    settings = matrix.read_batch(tmp_path / "batch.yaml")
    lines = batch.job_script(settings).splitlines()
    assert [line for line in directives if line not in lines] == []
    (worker,) = [line for line in lines if "dask_worker" in line]
    gpu = " GPU=1" if settings.gpu else ""
    assert f"--resources 'cores=8 memory={32 * 2**30}{gpu}'" in worker
    assert "--nthreads 8" in worker


def test_every_key_is_in_the_document(repository):
    text = (repository / "docs" / "campaigns.md").read_text()
    assert [key for key in matrix.Campaign.model_fields if f"`{key}`" not in text] == []
    own = set(sections.Simulation.model_fields) - set(Settings.model_fields)
    assert [key for key in own | set(sections.Quick.model_fields) if key not in text] == []


def test_the_example_is_six_models_that_are_on_record(repository):
    path = repository / "examples" / "campaign.yaml"
    found = expand(matrix.read(path), path)
    assert len({run.plan.model for run in found}) == len(found) == 6
    assert sum(run.seconds for run in found) < 15 * 60
