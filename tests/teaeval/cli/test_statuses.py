"""How commands end: 0, done; 1, a check or the work failed; 2, wrong usage or no such file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import baselines.cli
import teadata.cli
import teaeval
import teaeval.cli

MAIN = {
    "teadata": teadata.cli.main,
    "teaeval": teaeval.cli.main,
    "baselines": baselines.cli.main,
}


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


End = Callable[[str], Ended]


@pytest.fixture
def end(prediction_file, tmp_path, monkeypatch, capsys) -> End:
    """Run a command in a folder that has good.npz, good.json, and what is none of these."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    prediction_file.rename("good.npz")
    Path("README.md").write_text("# Read me\n")
    Path("README").write_text("Read me\n")
    for suffix in ("npz", "xyz", "h5", "json", "csv", "yaml"):
        Path(f"empty.{suffix}").touch()
        Path(f"folder.{suffix}").mkdir()

    def call(line: str) -> Ended:
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        capsys.readouterr()
        try:
            MAIN[sys.argv[0]]()
        except SystemExit as ended:
            said = capsys.readouterr()
            assert "Traceback" not in said.err
            return Ended(int(ended.code or 0), *said)
        raise AssertionError("a command ends with a status")

    return call


PREDICTIONS = (
    "teaeval score {}", "teaeval check {}", "teaeval compare {} good.npz",
    "teaeval compare good.npz {}", "teaeval verify score.json --prediction {}",
    "teaeval declare {} -o out.npz", "teaeval report {} -o r.html",
    "teaeval plot atoms {} -o f.svg", "teaeval plot parity {} -o f.svg",
)  # fmt: skip
RECORDS = (
    "teaeval table {}", "teaeval plot matrix {} -o f.svg",
    "teaeval plot learning-curve {} -o f.svg",
    "teaeval verify {} --prediction good.npz", "teaeval hydrogen-table {}",
    "teaeval plot hydrogen {} -o f.svg", "teaeval score good.npz --md {}",
    "teaeval report good.npz --md {} -o r.html",
)  # fmt: skip
FOLDERS = (
    "teaeval md resume {}", "teaeval md analyse {}", "baselines resume {}",
    "baselines predict {} -o out.npz", "baselines score {}", "baselines bench {}",
    "teaeval md run mini-i --subset folded --run {}", "teaeval hydrogen --run {}",
)  # fmt: skip


@pytest.fixture
def score(end) -> None:
    """A score of the prediction, in score.json."""
    assert end("teaeval score good.npz --bootstrap 0 -o score.json").status == 0


@pytest.mark.parametrize("verb", PREDICTIONS)
def test_where_a_prediction_should_be(verb, end, score):
    before = sorted(Path().iterdir())
    for path, status, said in (
        ("nothing.npz", 2, "nothing.npz: no such file"),
        ("nothing.md", 2, "nothing.md: no such file"),
        ("no/nothing.npz", 2, "no such file; no is no folder"),
        ("god.npz", 2, "did you mean 'good.npz'"),
        ("folder.npz", 2, "folder.npz: is a folder"),
        (".", 2, ".: is a folder"),
        ("README.md", 2, "README.md: unknown file suffix '.md'; expected one of: .npz"),
        ("README", 2, "README: has no suffix"),
        ("score.json", 2, "score.json: is JSON, as scores are"),
        ("empty.npz", 1, "empty.npz: is empty (0 bytes)"),
        ("empty.xyz", 1, "empty.xyz: is empty (0 bytes)"),
    ):
        ended = end(verb.format(path))
        assert said in ended.err, path
        assert ended.status == status, path
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("verb", RECORDS)
def test_where_a_record_should_be(verb, end):
    folders = "hydrogen" in verb or "--md" in verb  # these may be named by their folder
    for path, status, said in (
        ("nothing.json", 2, "nothing.json: no such file"),
        ("no/nothing.json", 2, "no such file; no is no folder"),
        ("folder.json", 2, "no such file" if folders else "folder.json: is a folder"),
        ("README.md", 1, "is no JSON"),
        ("empty.json", 1, "empty.json: is empty (0 bytes)"),
    ):
        ended = end(verb.format(path))
        assert said in ended.err, path
        assert ended.status == status, path
    if not folders:
        ended = end(verb.format("good.npz"))
        assert ended.status == 2
        assert "to make one: teaeval score good.npz -o good.json" in ended.err


@pytest.mark.parametrize("verb", FOLDERS)
def test_where_a_folder_of_work_should_be(verb, end):
    for path, said in (
        ("nothing", "nothing: no such folder; expected a "),
        ("foldr.npz", "no such folder (did you mean '"),
        ("README.md", "README.md: is a file, expected a "),
        ("folder.npz", "folder.npz"),
    ):
        ended = end(verb.format(path))
        assert ended.status == 2, path
        assert said in ended.err


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("teaeval score good.npz", 0, ""),
        ("teaeval check good.npz", 0, ""),
        ("teaeval compare good.npz good.npz:model=other --patterns 10", 0, ""),
        ("teaeval table none.json --kind median", 2, "unknown kind 'median'"),
        ("teaeval published si9", 2, "unknown table 'si9'"),
        ("teaeval published --format word", 2, "unknown format 'word'"),
        ("teaeval published --challenge V", 2, "'V'"),
        ("teaeval score good.npz --fix all", 2, "unknown fix 'all'"),
        ("teaeval score good.npz --bootstrap x", 2, "--bootstrap"),
        ("teaeval template mini-l -o t.npz", 2, "did you mean 'mini-i'"),
        ("teaeval template mini-i --subset fold -o t.npz", 2, "did you mean 'folded'"),
        ("teaeval predict mini-i --subset folded --calculator no:make -o p.npz", 2, "no"),
        ("teaeval plot gyration empty.csv -o g.svg", 1, "is empty"),
        ("teaeval plot gyration README.md -o g.svg", 2, "expected radii of gyration"),
        ("teaeval plot gyration nothing.csv -o g.svg", 2, "no such file"),
        ("teaeval plot gyration --reference mini-l:x -o g.svg", 2, "unknown dataset"),
        ("teaeval plot gyration --reference mini-i -o g.svg", 2, "expected DATASET:SUBSET"),
        ("teaeval plot worst good.npz -o f.gif", 2, "figures are written as .png"),
        ("teaeval plot worst good.npz -o figure", 2, "e.g. figure.png"),
        ("teaeval md run mini-l --calculator a:b", 2, "unknown dataset"),
        ("teaeval md run mini-i --subset folded --run x --steps 0", 2, "x: no such folder"),
        ("teaeval md run mini-i --subset folded --calculator a:b --steps 0", 2, "--steps"),
        ("teaeval hydrogen --calculator a:b --state 1K-1", 2, "1K-1"),
        ("teadata info mini-l", 2, "did you mean"),
        ("teadata verify mini-l", 2, "unknown dataset"),
        ("teadata export mini-i --split folded/train/9999 -o x.npz", 2, "sizes 1 to 1000"),
        ("teadata export tea2023-i -o x.npz", 1, "teadata fetch tea2023-i"),
        ("teadata ingest nothing.zip --dataset tea2023-i", 2, "no such file"),
        ("teadata ingest README.md --dataset tea2023-i", 2, "expected a file of frames"),
        ("teadata ingest good.npz --dataset mini-i", 2, "comes with the package"),
        ("teadata create own nothing.xyz", 2, "no such file"),
        ("teadata create own README.md", 2, "README.md"),
        ("teadata create own empty.xyz", 1, "is empty"),
        ("teadata fetch mini-i", 2, "comes with the package"),
        ("baselines train sgdml mini-i --config nothing.yaml", 2, "nothing.yaml: no such file"),
        ("baselines train sgdml mini-i --config empty.yaml", 1, "is empty"),
        ("baselines train sgdml mini-i --config folder.yaml", 2, "is a folder"),
        ("baselines train sgdml mini-i --config README.md", 2, "a configuration is a file .yaml"),
        ("baselines train sgdml mini-i --config slow", 2, "unknown configuration"),
        ("baselines train sgd mini-i", 2, "unknown model"),
        ("baselines show-config sgdml nothing.yaml", 2, "no such file"),
        ("baselines check sgd", 2, "sgd"),
        ("baselines table sgd", 2, "sgd"),
        ("baselines table --records nothing", 2, "nothing"),
        ("baselines table --json --markdown", 2, "expected one format"),
        ("teaeval nonsense", 2, "No such command"),
        ("teaeval score", 2, "Missing argument"),
    ],
)  # fmt: skip
def test_every_other_way_to_be_right_or_wrong(line, status, said, end):
    ended = end(line)
    assert said in " ".join(ended.err.replace("│", " ").split()), ended
    assert ended.status == status, ended


OUTPUTS = (
    "teaeval score good.npz -o {}s.json", "teaeval declare good.npz -o {}d.npz",
    "teaeval report good.npz -o {}r.html", "teaeval plot errors good.npz -o {}f.png",
    "teaeval plot gyration --reference mini-i:folded -o {}f.png", "teaeval published -o {}p.csv",
    "teaeval template mini-i --subset folded -o {}t.npz",
    "teaeval predict mini-i --subset folded --calculator no:make -o {}p.npz",
    "teadata export mini-i -o {}x.npz", "teadata pin tea2023-i -o {}x.patch",
    "baselines predict run -o {}p.npz", "baselines learning-curve sgdml mini-i -o {}f.png",
    "teaeval md analyse run -o {}f.png", "teaeval table none.json -o {}t.md",
)  # fmt: skip


@pytest.mark.parametrize("verb", OUTPUTS)
def test_an_output_that_cannot_be_written_is_said_before_the_work(verb, end):
    """Before: what would be read, named after, is not there either."""
    ended = end(verb.format("no/"))
    assert ended.status == 2
    assert "cannot be written, there is no folder no; to make it: mkdir -p no" in ended.err
    ended = end(verb.format("README/"))
    assert ended.status in (1, 2)
    assert "cannot be written" in ended.err
    wrong = verb.format("").rpartition(".")[0] + ".gif"
    ended = end(wrong)
    assert ended.status == 2, ended
    assert ".gif" in ended.err
    assert not list(Path().glob("*.gif"))


def test_errors_and_warnings_are_counted_apart(end, noisy):
    import dataclasses

    bad = dataclasses.replace(noisy, forces=-noisy.forces, energies=noisy.energies + 50)
    teaeval.write_prediction("bad.npz", bad)
    ended = end("teaeval check bad.npz")
    assert ended.status == 1
    assert "bad.npz: 1 error, 1 warning" in ended.out
    ended = end("teaeval score bad.npz")
    assert ended.status == 1
    assert "error: bad.npz: 1 error, 1 warning; not scored" in ended.err
    assert "  error: [sign-of-forces]" in ended.err
    assert "  warning: [energy-offset]" in ended.err
    teaeval.write_prediction("odd.npz", dataclasses.replace(noisy, energies=noisy.energies + 50))
    ended = end("teaeval check odd.npz")
    assert ended.status == 0
    assert "odd.npz: 1 warning" in ended.out
    assert "scored with 1 warning" in end("teaeval score odd.npz --bootstrap 0").out
