"""A dataset and a prediction of any size, for what is to be shown of large ones.

    python benchmarks/large.py FOLDER --challenge i --frames 1000000

makes FOLDER/home, to be used as TEADATA_HOME, which holds the test set of ``tea2023-i`` as if it
had been ingested, and FOLDER/prediction.h5.  The frames are those of mini-i over and over, with
noise; with ``--challenge iii`` those of mini-iii.  With ``--atoms 9`` they have the first nine
atoms alone: what a frame costs shows in many small ones.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import h5py
import numpy as np
import yaml

import teadata
from teadata import catalog
from teadata.formats.layout import metadata
from teadata.provenance import sha256
from teadata.splits import SplitTable

BLOCK = 8192


def write(
    folder: Path, frames: int, challenge: str = "i", atoms: int | None = None
) -> tuple[Path, Path]:
    """Write the dataset and the prediction; the home and the file."""
    home, prediction = folder / "home", folder / "prediction.h5"
    name = f"tea2023-{challenge}"
    root = home / "datasets" / name
    root.mkdir(parents=True)
    mini = teadata.load(f"mini-{challenge}").split("complete/test")
    numbers = mini.numbers[:atoms]
    shape = (frames, len(numbers), 3)
    rng = np.random.default_rng(0)
    energies = np.empty(frames)
    with h5py.File(root / "frames.h5", "w") as data, h5py.File(prediction, "w") as made:
        data.attrs.update(metadata(name, "none"))
        data["numbers"], data["pbc"], data["ids"] = numbers, mini.pbc, np.arange(frames)
        made["frame_id"], made["numbers"] = np.arange(frames), numbers
        made.attrs.update(dataset=name, subset="complete", energy_unit="kcal/mol", length_unit="Å")
        data.create_dataset("positions", shape, "f8")  # never written, and here never read
        data.create_dataset("forces", shape, "f8")
        made.create_dataset("forces", shape, "f8")
        for start in range(0, frames, BLOCK):
            rows = np.arange(start, min(start + BLOCK, frames))
            part = mini[rows % len(mini)]
            forces = part.forces[:, :atoms]
            for file in (data, made):
                noise = rng.normal(size=forces.shape)
                file["forces"][rows[0] : rows[-1] + 1] = forces + noise
            energies[rows] = part.energies
        data["energies"] = energies
        made["energy"] = energies + rng.normal(size=frames)
    SplitTable({("complete", "test"): np.arange(frames)}).write(root / "splits.parquet")
    _write_card(root, name, atoms)
    return home, prediction


def _write_card(root: Path, name: str, atoms: int | None) -> None:
    """The official card, filled in as ingest does; of the first atoms alone if there are fewer."""
    source = yaml.safe_load(catalog.packaged_card(name).read_text())
    if atoms is not None:
        source["system"]["n_atoms"], source["groups"] = atoms, {}
    source["files"] = [
        {
            "name": file,
            "content": content,
            "bytes": (root / file).stat().st_size,
            "sha256": sha256(root / file),
        }
        for content, file in (("frames", "frames.h5"), ("splits", "splits.parquet"))
    ]
    (root / "card.yaml").write_text(yaml.safe_dump(source, allow_unicode=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--challenge", choices=["i", "iii"], default="i")
    parser.add_argument("--atoms", type=int, help="of each frame; by default all")
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    print(*write(options.folder, options.frames, options.challenge, options.atoms))
