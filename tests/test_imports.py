"""What importing the packages costs, and what it must not load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "jax", "tensorflow", "quippy", "sgdml", "ase", "scipy", "pyarrow", "h5py"}
HEAVY |= {"zarr"}


@pytest.mark.parametrize("package", ["teadata", "teaeval", "baselines"])
def test_import_loads_no_backend(package):
    code = (
        f"import json, sys, {package}; {package}.__version__; "
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(json.loads(done.stdout))


@pytest.mark.parametrize("package", ["teadata", "teaeval", "baselines"])
def test_a_package_runs_as_its_command_does(package):
    said = [
        subprocess.run(
            [*command, "--version"], capture_output=True, text=True, check=True, timeout=240
        ).stdout
        for command in ([sys.executable, "-m", package], [Path(sys.executable).parent / package])
    ]
    assert said[0] == said[1] != ""


@pytest.mark.parametrize("package", ["teadata", "teaeval", "baselines"])
def test_every_public_name_resolves(package):
    module = __import__(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = module.nonsense


def test_scoring_loads_no_backend_either():
    code = (
        "import sys; sys.argv = ['teaeval', 'score', '--help']\n"
        "from teaeval.cli import app\n"
        "from teaeval.predictions import prediction\n"
        "from teaeval.scores import scoring\n"
        "from teaeval.tables import single\n"
        "print(','.join(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (HEAVY - {"h5py"}) & set(done.stdout.strip().split(","))


def test_a_score_loads_only_what_it_needs(repository):
    """Arrow's conversion to NumPy would load pandas."""
    code = (
        "import sys\n"
        "sys.argv = ['teaeval', 'score', 'examples/mini-i_folded_sgdml.npz', '--json']\n"
        "from teaeval.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(','.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository, capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    loaded = {name.split(".")[0] for name in done.stderr.strip().split(",")}
    assert not {"pandas", "ase", "scipy", "zarr", "numba", "rich", "matplotlib"} & loaded
