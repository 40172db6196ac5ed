"""Plugins: the examples of the document, installed, and ones that do not work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


def commands(site: Path, home: Path, cwd: Path) -> Command:
    """Run a line of bash as a user does who has what is in a folder installed."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(site)])),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TEADATA_HOME": str(home),
        "COLUMNS": "200",
    }

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line], cwd=cwd, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def document(repository: Path) -> str:
    return (repository / "docs" / "extending.md").read_text()


@pytest.fixture(scope="module")
def installed(repository: Path, document: str, tmp_path_factory) -> Path:
    """A folder that the document's first command has installed the examples into."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(repository / "examples", folder / "examples")  # builds leave files there
    line = re.search(r"^python -m (pip install .*)$", document, flags=re.MULTILINE)[1].split()
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--target", folder / "site"]
    done = subprocess.run(
        [sys.executable, "-m", *line, *options],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_the_document_builds_one_of_each(installed, document, tmp_path):
    run = commands(installed, tmp_path / "home", tmp_path)
    lines = [line for block in re.findall(r"```bash\n(.*?)```", document, re.DOTALL)
             for line in block.splitlines() if " pip " not in line]  # fmt: skip
    assert len(lines) > 10
    said = {}
    for line in lines:
        done = run(line)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        assert "warning: the plugin" not in done.stderr
        said[line] = done.stdout
    assert re.search(r"argon-7@0.1.0 +yes +plugin", said["teadata list"])
    assert "tea-example-argon 0.1.0" in said["teadata info argon-7"]
    assert re.search(r"pair +Pair ", said["baselines list"])
    scored = said["teaeval score pair.npz -o pair.json"]
    assert "Pair trained on complete/train/50" in scored
    assert "Pair" in said["teaeval table pair.json"]
    simulated = [text for line, text in said.items() if line.startswith("teaeval md run")]
    assert len([text for text in simulated if "finished" in text]) == 2
    assert "baselines, lennard-jones." in said["teaeval md --help"]


def test_what_the_document_shows_is_in_the_examples(repository, document):
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", document, re.DOTALL)
    files = [path for path in (repository / "examples" / "plugins").rglob("*")
             if path.suffix in (".py", ".toml")]  # fmt: skip
    assert len(blocks) == 5
    for block in blocks:
        assert any(block in path.read_text() for path in files), block


BROKEN = """
from pathlib import Path

Path({trace!r}).write_text("imported")

from dataclasses import replace

from baselines.config import ModelConfig
from baselines.protocol import Baseline
from baselines.registry import MODELS, ModelEntry
from teadata import DatasetCard, catalog
from teadata.errors import DataError

def fails():
    raise RuntimeError("no\\nluck")

def taken():
    card = catalog.card("mini-i").model_copy(update={{"edition": "own"}})
    return [(card, catalog.data_root())]

def ours():
    return [(catalog.card("mini-i"), catalog.data_root())]

def empty():
    card = catalog.card("mini-i").model_copy(update={{"edition": "own", "id": "empty"}})
    return [(card, Path("nowhere"))]

def card():
    path = Path(__file__).with_name("broken.yaml")
    path.write_text("id: [")
    return [(DatasetCard.read(path), path.parent)]

def pairs():
    return ["mini-i"]

def nowhere():
    card = catalog.card("mini-i").model_copy(update={{"edition": "own", "id": "nowhere"}})
    return [(card, None)]

def unchecked():
    return [(DatasetCard.model_construct(id="unchecked"), Path("."))]

def calculator(folder, device):
    raise ValueError("not mine")

def number(folder, device):
    return 3

NUMBER = 3
OURS = MODELS["gap"]
LATER = ModelEntry(
    title="Later", module="not_there", class_name="A", config_name="B", backend="numpy",
    package="numpy", extra="", reference="", datasets=(), traced=(),
)
TEXTS = replace(LATER, traced="numpy", datasets=None)
LISTS = replace(LATER, traced=["numpy"], configs=str(Path(__file__).parent / "configs"))
HALF = replace(LATER, module=__name__, class_name="Half", config_name="HalfConfig")

class Half(Baseline):
    model_file = "model.json"

class HalfConfig(ModelConfig):
    pass

CLASSES = replace(HALF, class_name="NUMBER")
"""

POINTS = """
[tea.datasets]
a-fails = broken:fails
b-taken = broken:taken
c-empty = broken:empty
d-card = broken:card
e-pairs = broken:pairs
f-number = broken:NUMBER
g-missing = broken:missing
h-module = not_there:datasets
i-ours = broken:ours
j-nowhere = broken:nowhere
k-unchecked = broken:unchecked

[tea.baselines]
gap = broken:OURS
number = broken:NUMBER
Bad_Name = broken:LATER
later = broken:LATER
texts = broken:TEXTS
lists = broken:LISTS
half = broken:HALF
classes = broken:CLASSES
gone = not_there:ENTRY

[tea.calculators]
raises = broken:calculator
number = broken:number
gone = not_there:calculator
"""

SAID = {
    "teadata list": {
        "a-fails": "RuntimeError: no luck",
        "b-taken": "tea-benchmark has a dataset 'mini-i' already",
        "c-empty": "are not there",
        "d-card": "broken.yaml",
        "e-pairs": "expected pairs of a DatasetCard and a folder, found str",
        "f-number": "'int' object is not callable",
        "g-missing": "has no attribute 'missing'",
        "h-module": "ModuleNotFoundError: No module named 'not_there'",
        "i-ours": "says that it is of the mini edition",
        "j-nowhere": "expected the folder of nowhere@1.0.0, found NoneType None",
        "k-unchecked": "not a card: ",
    },
    "baselines list": {
        "gap": "tea-benchmark has a model 'gap' already",
        "number": "expected a baselines.registry.ModelEntry, found int",
        "Bad_Name": "small letters and digits",
        "gone": "No module named 'not_there'",
        "texts": "not a ModelEntry: datasets: expected a list, such as [a, b], found None",
    },
    "teaeval md run mini-i --subset folded --run .": {
        "raises": "ValueError: not mine",
        "number": "expected an ASE calculator or None, found int",
        "gone": "No module named 'not_there'",
    },
}


@pytest.fixture
def broken(tmp_path: Path) -> Command:
    """Commands beside a package of which nothing works."""
    site = tmp_path / "site"
    (site / "broken-0.1.dist-info").mkdir(parents=True)
    (site / "broken-0.1.dist-info" / "METADATA").write_text("Name: broken\nVersion: 0.1\n")
    (site / "broken-0.1.dist-info" / "entry_points.txt").write_text(POINTS)
    (site / "broken.py").write_text(BROKEN.format(trace=str(tmp_path / "trace")))
    return commands(site, tmp_path / "home", tmp_path)


def test_one_that_does_not_work_is_named_in_a_line_and_passed_over(broken):
    for line, expected in SAID.items():
        done = broken(line)
        said = [text for text in done.stderr.splitlines() if text.startswith("warning: the plugin")]
        assert len(said) == len(expected), done.stderr
        for name, why in expected.items():
            (text,) = [text for text in said if f"the plugin {name!r}" in text]
            assert "of broken 0.1 is passed over: " in text
            assert why in text
        if " run " in line:  # a folder of no kind
            assert "is not a run folder that baselines knows" in done.stderr
        else:
            assert done.returncode == 0
            assert "mini-iv" in done.stdout or "mace" in done.stdout
        assert "Traceback" not in done.stderr


def test_a_model_whose_module_is_gone_is_one_error(broken):
    done = broken("baselines train later mini-i --subset folded")
    assert done.returncode == 1
    assert "the model Later cannot be loaded from not_there" in done.stderr.splitlines()[-1]


def test_a_model_that_is_none_is_one_error(broken):
    for name, why in (("classes", "to be a Baseline and a ModelConfig"), ("half", "lacks _fit")):
        done = broken(f"baselines train {name} mini-i --subset folded")
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("error: the model Later: ")
        assert why in done.stderr


def test_a_dataset_of_ones_own_goes_before_that_of_a_package(installed, repository, tmp_path):
    home = tmp_path / "home"
    run = commands(installed, home, tmp_path)
    refused = run("teadata create argon-7 frames.xyz").stderr
    assert "'argon-7' is the name of a dataset that tea-example-argon 0.1.0 brings" in refused
    source = repository / "examples/plugins/tea-example-argon/tea_example_argon/argon-7"
    shutil.copytree(source, home / "own" / "argon-7" / "0.1.0")
    done = run("teadata list")
    assert re.search(r"argon-7@0.1.0 +yes +own", done.stdout)
    assert len(re.findall(r"^argon-7@", done.stdout, re.MULTILINE)) == 1
    assert done.stderr.splitlines() == [
        "warning: the plugin 'argon' (tea.datasets) of tea-example-argon 0.1.0 is passed over: "
        "you have a dataset 'argon-7' of your own"
    ]


def test_help_and_what_is_ours_import_no_plugin(broken, tmp_path):
    for line in ("teadata info mini-i", "teaeval md --help", "baselines show-config gap"):
        done = broken(line)
        assert done.returncode == 0, done.stderr
        assert not (tmp_path / "trace").exists(), line
