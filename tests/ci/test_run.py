"""What .ci/run takes from the machine it runs on."""

import os
import subprocess
from pathlib import Path


def test_datasets_and_settings_of_the_machine_s_user_are_left_out(repository, tmp_path):
    """A dataset of somebody's own that does not pass its audit fails no run of the project's."""
    beginning, _, _ = (repository / ".ci" / "run").read_text().partition('\nstep "')
    script = tmp_path / ".ci" / "run"
    script.parent.mkdir()
    script.write_text(f"{beginning}\nenv\n")
    theirs = {"TEADATA_HOME": str(tmp_path / "theirs"), "TEADATA_OFFLINE": "1"}
    done = subprocess.run(
        ["bash", script], env=os.environ | theirs, capture_output=True, text=True, check=True
    )
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    found = {name: value for name, value in variables.items() if name.startswith("TEADATA_")}
    assert list(found) == ["TEADATA_HOME"]
    home = Path(found["TEADATA_HOME"])
    assert home != tmp_path / "theirs"
    assert not home.parent.exists(), "the folder of the run is gone with it"
