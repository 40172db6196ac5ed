"""Training records: what a trained model can be traced back to."""

from __future__ import annotations

import os
import platform
import resource
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teadata.errors import expect_path
from teadata.files import check_folder
from teadata.output.display import Shown, data_frame
from teadata.provenance import DISTRIBUTION
from teadata.schema import StrictModel

if TYPE_CHECKING:
    import pandas as pd


class Plan(StrictModel):
    """What fixes a training before it starts.

    ``train`` and ``valid`` are split names of the dataset; the checksums are those of its
    files.  ``device`` is part of it: its arithmetic is.
    """

    model: str
    config_name: str
    config: dict[str, Any]
    seed: int
    device: str = "cpu"
    dataset: str
    frames_sha256: str
    splits_sha256: str
    train: str
    valid: str


class TrainingRecord(Shown, StrictModel):
    """A finished training.

    ``valid`` holds errors on the validation split in kcal/mol and kcal/mol/Å; the steps of
    training or model selection are in the file of ``curve_sha256``.  The peaks of memory are of the
    session that finished; ``resumed`` says whether there was an earlier one.  ``wall_seconds`` is
    the time of all sessions, ``session_seconds`` that of each: of an interrupted one up to its last
    checkpoint.  Where that is None, no time was kept of earlier sessions, and ``wall_seconds`` is
    that of the last.
    """

    plan: Plan
    selected: dict[str, Any]
    valid: dict[str, float]
    model_sha256: str
    curve_sha256: str
    versions: dict[str, str]
    hardware: dict[str, str]
    wall_seconds: float
    peak_memory_mib: float
    peak_gpu_memory_mib: float | None = None
    resumed: bool
    session_seconds: list[float] | None = None

    @property
    def whole_time(self) -> bool:
        """Whether ``wall_seconds`` is the time of the whole training."""
        return not self.resumed or self.session_seconds is not None

    def _fields(self) -> dict[str, object]:
        return {
            "model": self.plan.model,
            "dataset": self.plan.dataset,
            "train": self.plan.train,
            "seed": self.plan.seed,
            **{name: f"{value:.3g}" for name, value in self.valid.items()},
            "seconds": f"{self.wall_seconds:.0f}",
        }

    def to_pandas(self) -> pd.DataFrame:
        """One row: plan, what was selected, errors on the validation split, time and memory.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        plan = self.plan.model_dump(exclude={"config"})
        chosen = {f"selected_{name}": value for name, value in self.selected.items()}
        errors = {f"valid_{name}": value for name, value in self.valid.items()}
        spent = {"wall_seconds": self.wall_seconds, "peak_memory_mib": self.peak_memory_mib}
        return data_frame([plan | chosen | errors | spent])

    @classmethod
    def read(cls, path: Path | str) -> TrainingRecord:
        """Read a record.

        Raises
        ------
        DataError
            If there is none, or it is not one.
        """
        path = expect_path(path, "the path of a record.json, which `baselines train` writes")
        check_folder(path.parent, "a run folder, which `baselines train` makes")
        return cls.from_json(
            path,
            "a training record",
            "the training there has not finished, or this is not a run folder: run "
            "`baselines train` first",
        )


def versions(packages: list[str]) -> dict[str, str]:
    """List the versions of Python, this software, and the installed ones of `packages`."""
    installed = {"python": platform.python_version()}
    for package in (DISTRIBUTION, *packages):
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def hardware() -> dict[str, str]:
    """Describe processor, cores, memory and system of this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": str(cores),
        "system": f"{platform.system()} {platform.machine()}",
    }
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                machine["processor"] = line.partition(":")[2].strip()
                break
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        machine["memory"] = f"{memory / 2**30:.0f} GiB"
    return machine


def peak_memory_mib() -> float:
    """Measure the peak resident memory of this process, or of a child that ended, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return peak / unit
