"""Which packages and which GPU there are, and the tests that need it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from baselines.runs.record import hardware
from baselines.runs.record import versions as installed
from baselines.toolkit.devices import driver_version
from benchmarks.gpu.pieces import Context, Found

PACKAGES = [
    "numpy", "torch", "jax", "jaxlib", "tensorflow", "tensorflow-cpu", "mace-torch",
    "cuequivariance-torch", "cuequivariance-ops-torch-cu12", "cuequivariance-ops-torch-cu13",
    "sgdml", "flax", "vesin",
]  # fmt: skip

WHICH = {
    "torch": "mace or sgdml or fchl or PyTorch",
    "jax": "so3krates or JAX",
    "tensorflow": "physnet or TensorFlow",
}
"""Which tests use a framework: by the folder, or the parameter, of the model."""

TESTS = "tests/baselines"


def versions(context: Context) -> Found:
    """Versions of the packages, and the GPU, as its own command says them."""
    found = installed(PACKAGES)
    machine = hardware()
    if driver := driver_version():
        machine["gpu_driver"] = driver
    if not context.smoke:
        query = "name,memory.total,driver_version"
        machine["gpu"] = subprocess.run(
            ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout.strip()  # fmt: skip
        if importlib.util.find_spec("torch") is not None:
            import torch

            found["CUDA of torch"] = str(torch.version.cuda)
    said = [f"{name} {version}" for name, version in found.items() if name != "tea-benchmark"]
    return Found(
        "; ".join([machine.get("gpu", machine["processor"]), ", ".join(said)]),
        {"versions": found, "hardware": machine},
    )


def tests(context: Context, framework: str) -> Found:
    """Run the tests marked gpu of one framework, in a process of their own."""
    report = context.folder / "junit.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu",
            "-k", WHICH[framework], f"--junitxml={report}", TESTS,
        ],
        cwd=Path(__file__).parents[2], env=os.environ, stdin=subprocess.DEVNULL, check=False,
        timeout=context.seconds,
    )  # fmt: skip
    if not report.is_file():
        raise RuntimeError(f"pytest ended with status {done.returncode} and left no report")
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    wrong = [
        str(case.get("name"))
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    passed = count["tests"] - count["skipped"] - len(wrong)
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {count['tests']} tests failed: {', '.join(wrong)}")
    if not passed and not context.smoke:
        raise RuntimeError(f"all of {count['tests']} tests were skipped: there is no CUDA device")
    return Found(f"{passed} passed, {count['skipped']} skipped", count | {"passed": passed})
