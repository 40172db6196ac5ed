"""The pieces of the GPU's work, on the CPU and at reduced size."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MARKS = "<!-- what the pieces found: python -m benchmarks.gpu -->\n<!-- end -->\n"


class Place:
    """A folder of results, a document and a scratch folder; runs the command in them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.document = folder, folder / "gpu.md"
        self.document.write_text(f"# On a GPU\n\n{MARKS}\nthe end\n")

    def __call__(self, *arguments: str, timeout: float = 250, **environment: str):
        return subprocess.run(
            [
                sys.executable, "-m", "benchmarks.gpu", *arguments,
                "--results", str(self.folder), "--document", str(self.document),
                "--scratch", str(self.folder / "scratch"),
            ],
            cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
            timeout=timeout,
        )  # fmt: skip

    def found(self, name: str = "gpu-smoke.json"):
        return json.loads((self.folder / name).read_text())

    def row(self, piece: str) -> str:
        (row,) = (
            line
            for line in self.document.read_text().splitlines()
            if line.startswith(f"| `{piece}`:")
        )
        return row


@pytest.fixture
def pieces(tmp_path) -> Place:
    return Place(tmp_path)


def test_a_finished_piece_is_kept_and_not_done_again(pieces):
    done = pieces("--smoke", "versions")
    assert done.returncode == 0, done.stderr
    first = pieces.found()["versions"]
    assert first["numbers"]["versions"]["python"].startswith("3.")
    row = pieces.row("versions")
    assert "smoke on a CPU, unverified on a GPU" in row
    assert f"python {first['numbers']['versions']['python']}" in row
    assert pieces.row("fchl").endswith("| not run |")
    text = pieces.document.read_text()
    assert text.startswith("# On a GPU\n")
    assert text.endswith("\nthe end\n")
    again = pieces("--smoke", "versions")
    assert "versions: done before" in again.stdout
    assert pieces.found()["versions"] == first
    assert pieces.document.read_text() == text
    assert "versions: done after" in pieces("--smoke", "--again", "versions").stdout
    assert not (pieces.folder / "gpu.json").exists()
    listed = pieces("--smoke", "--list").stdout.splitlines()
    assert [line.split()[:2] for line in listed[:1]] == [["versions", "done"]]
    assert len(listed) == len({line.split()[0] for line in listed}) > 12


def test_a_piece_that_fails_loses_only_itself_and_says_why(pieces, tmp_path):
    pytest.importorskip("torch")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "torch.py").write_text("raise ImportError('libcudart.so.12: cannot open')\n")
    paths = os.pathsep.join([str(broken), os.environ.get("PYTHONPATH", "")])
    done = pieces("--smoke", "fchl", "versions", PYTHONPATH=paths)
    assert done.returncode == 1
    assert "fchl: failed" in done.stdout
    assert "versions: done" in done.stdout
    found = pieces.found()
    assert found["fchl"]["status"] == "failed"
    assert "libcudart.so.12: cannot open" in (
        found["fchl"]["why"] + Path(done.stdout.split("log: ")[1].split("\n")[0]).read_text()
    )
    assert "failed: " in pieces.row("fchl")
    whole = pieces("--smoke", "fchl", "versions")  # what failed is done again, what is done is not
    assert whole.returncode == 0, whole.stdout
    assert "versions: done before" in whole.stdout
    numbers = pieces.found()["fchl"]["numbers"]
    assert numbers["features"] == 128
    assert all(value > 0 for value in numbers["us_per_atom"].values())


def test_a_piece_is_stopped_at_its_limit(pieces):
    done = pieces("--smoke", "mace-md", "--limit", "0.2")
    assert done.returncode == 1
    assert pieces.found()["mace-md"]["why"] == "stopped after 0.2 s, its limit"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--smoke", "fhcl"), "unknown piece 'fhcl'; expected one of: versions, "),
        (("--smoke", "--limit", "0"), "--limit 0: expected more than 0 seconds"),
    ],
)
def test_wrong_usage_is_said(pieces, arguments, message):
    done = pieces(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_gpu_nothing_is_measured(pieces):
    if any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg")):
        done = pieces("versions")
        assert pieces.found("gpu.json")["versions"]["smoke"] is False
        assert done.returncode == 0
        return
    done = pieces("versions")
    assert done.returncode == 2
    assert "no NVIDIA GPU; to try the pieces on the CPU" in done.stderr
    assert "not run" not in pieces.document.read_text()


def test_a_document_or_results_of_another_kind_are_left_alone(pieces):
    (pieces.folder / "gpu-smoke.json").write_text("[1, 2]")
    done = pieces("--smoke", "versions")
    assert done.returncode == 2
    assert "gpu-smoke.json: expected what pieces of the GPU's work found" in done.stderr
    (pieces.folder / "gpu-smoke.json").unlink()
    pieces.document.write_text("mine\n")
    done = pieces("--smoke", "versions")
    assert done.returncode == 2
    assert "between which the table belongs" in done.stderr
    assert pieces.document.read_text() == "mine\n"


def test_the_document_has_what_was_found(pieces):
    for name in ("gpu.json", "gpu-smoke.json"):
        if (kept := ROOT / "benchmarks" / name).is_file():
            shutil.copy(kept, pieces.folder)
    written = (ROOT / "docs" / "gpu.md").read_text()
    pieces.document.write_text(written)
    assert "done before" in pieces("--smoke", "versions").stdout
    assert pieces.document.read_text() == written


@pytest.mark.slow
def test_every_piece_works_on_the_cpu(pieces):
    done = pieces("--smoke", timeout=3000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {record["status"] for record in pieces.found().values()} == {"done"}
