"""Damages predictions at random, in each format, and counts what becomes of them.

    python benchmarks/fuzz.py h5 2400

Each file is read and scored in a process of its own, with 4 GiB of memory and 30 s.  Counted are
``right`` (the score is that of the whole file), ``error`` (one of ours), ``other`` (another score,
and no word), ``traceback``, ``killed`` and ``slow``.  The seed is the file's number: a file can be
made again, ``--first 17`` with N = 1.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import ase.db
import ase.io
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ase.calculators.singlepoint import SinglePointCalculator

import teadata
from teadata import units
from teadata.errors import TeaError
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reading import read_prediction
from teaeval.predictions.writing import template, write_prediction
from teaeval.scores.scoring import score

FORMS = ("npz", "h5", "zarr", "zip", "parquet", "xyz", "xyz.gz", "traj", "db", "lists.parquet")
DATASET, SUBSET = "mini-hydrogen", "complete"
SECONDS, MEMORY = 30, 4 << 30


def predicted() -> Prediction:
    """A model with errors of 5 %."""
    test, random = teadata.load(DATASET).test_set(SUBSET), np.random.default_rng(1)
    return replace(
        template(DATASET, SUBSET),
        energies=test.energies + test.energies.std() * 0.05 * random.normal(size=len(test)),
        forces=test.forces[:] + test.forces[:].std() * 0.05 * random.normal(size=test.forces.shape),
    )


def write(path: Path, prediction: Prediction) -> None:
    """The prediction in the format of the suffix, ASE's too, and parquet as others write it."""
    if path.name.endswith(".lists.parquet"):
        columns = {"energy": prediction.energies, "frame_id": prediction.frame_ids}
        forces = prediction.forces[:].reshape(len(prediction.energies), -1).tolist()
        table = pa.table({**columns, "forces": forces})
        said = {"dataset": DATASET, "subset": SUBSET, "energy_unit": "kcal/mol"}
        pq.write_table(table.replace_schema_metadata({**said, "length_unit": "Å"}), path)
        return
    if path.suffix not in (".traj", ".db"):
        write_prediction(path, prediction)
        return
    images = teadata.load(DATASET).test_set(SUBSET).to_ase()
    energies, forces = prediction.energies / units.EV, prediction.forces[:] / units.EV
    said = {"dataset": DATASET, "subset": SUBSET}
    for i, image in enumerate(images):
        image.calc = SinglePointCalculator(image, energy=energies[i], forces=forces[i])
        image.info = {"frame_id": int(prediction.frame_ids[i]), **said}
    if path.suffix == ".traj":
        ase.io.write(path, images)
        return
    with ase.db.connect(path) as database:
        for image in images:
            database.write(image, key_value_pairs=image.info)


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """One thing that happens to files, somewhere: more often at their ends, where formats say
    what the rest is."""
    content, size = bytearray(data), len(data)
    edge = min(size, 2048)
    place = int(random.choice([random.integers(edge), size - 1 - random.integers(edge),
                               random.integers(size)]))  # fmt: skip
    length = int(random.choice([1, 2, 4, 8, 64, 4096]))
    match random.integers(8):
        case 0:
            content[place] ^= 1 << int(random.integers(8))
        case 1:
            for i in random.integers(size, size=length % 32):
                content[i] = int(random.integers(256))
        case 2:
            del content[place:]
        case 3:
            del content[place : place + length]
        case 4:
            content[place:place] = random.bytes(length)
        case 5:
            content[place : place + length] = bytes(len(content[place : place + length]))
        case 6:
            content[place:place] = content[place : place + length]
        case _:
            width = min(int(random.choice([1, 2, 4, 8])), size - place)
            value = int(random.choice([0, 1, 127, 255, 2**31 - 1, 2**32 - 1, 2**62]))
            content[place : place + width] = (value % 256**width).to_bytes(width, "little")
    return bytes(content)


def damage(path: Path, random: np.random.Generator) -> None:
    """Damage a file, or one of a folder."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    file = files[random.integers(len(files))]
    file.write_bytes(damaged(file.read_bytes(), random))


def numbers(path: Path) -> list[float]:
    """The scores of a file."""
    rows = score(read_prediction(path), replicates=0).rows
    return [number for row in rows for number in (row.mae, row.rmse, row.max)]


def outcome(path: Path, right: list[float]) -> str:
    """What becomes of a file, said by a process that may die of it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.alarm(SECONDS)
        try:
            found = numbers(path)
            same = len(found) == len(right) and all(map(math.isclose, found, right))
            said = "right" if same else "other"
        except TeaError:
            said = "error"
        except BaseException:
            said = "traceback"
            traceback.print_exc()
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return said or ("slow" if os.WTERMSIG(status) == signal.SIGALRM else "killed")


def main() -> None:
    """Damage files of one form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        whole, path = Path(folder, f"whole.{options.form}"), Path(folder, f"f.{options.form}")
        write(whole, predicted())
        right = numbers(whole)
        counts: Counter[str] = Counter()
        for i in range(options.first, options.first + options.count):
            if whole.is_dir():
                shutil.rmtree(path, ignore_errors=True)
                shutil.copytree(whole, path)
            else:
                shutil.copy(whole, path)
            damage(path, np.random.default_rng([i, FORMS.index(options.form)]))
            said = outcome(path, right)
            counts[said] += 1
            if said not in ("right", "error"):
                print(f"{options.form} {i}: {said}", file=sys.stderr)
    print(options.form, options.count, dict(counts))


if __name__ == "__main__":
    main()
