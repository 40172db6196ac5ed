"""What docs/campaigns.md and the example say, done."""

from __future__ import annotations

import re
import shlex

from baselines.campaign import matrix, sections
from baselines.campaign.expansion import expand
from teaeval.hydrogen import read_record
from teaeval.md import Settings, Simulations


def blocks(repository, kind):
    text = (repository / "docs" / "campaigns.md").read_text()
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def test_the_blocks_of_the_document_run(run, repository, tmp_path):
    files, commands = blocks(repository, "yaml"), blocks(repository, "bash")
    assert len(files) == len(commands)
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
