"""Structures of a dataset in three dimensions, and the frames with the largest force errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from teadata import catalog
from teadata.dataset import Dataset
from teadata.errors import TeaError
from teadata.frames import Frames
from teadata.provenance import sha256
from teadata.typing import Floats
from teaeval.board.tasks import Line, Task
from teaeval.plots.error_summary import ErrorSummary, summarise
from teaeval.plots.molecule import element_colours, sphere, view
from teaeval.predictions.declaring import Declarations
from teaeval.predictions.reading import read_prediction
from teaeval.scores.examine import examine

MOST_PREDICTIONS = 8
"""Predictions of a task whose worst frames are shown, those with the smallest errors."""

WORST = 3
"""Frames of each."""

LARGEST = 64 << 20
"""Bytes that a prediction may have to be read for this."""


def views(name: str, tasks: Sequence[Task]) -> dict[str, Any] | None:
    """What the viewer of a dataset's page shows; None if the dataset is not on this machine.

    Parameters
    ----------
    name
        The dataset.
    tasks
        Its tasks.  Of those on another build of it, with other checksums, nothing is shown.
    """
    card = catalog.find(name)
    if card is None or not card.files:
        return None
    build = (card.file("frames").sha256, card.file("splits").sha256)
    own = [task for task in tasks if (task.data.frames_sha256, task.data.splits_sha256) == build]
    if not own:
        return None
    try:
        dataset = catalog.load(name)
        test = dataset.test_set(own[0].data.subset)
    except TeaError:  # its files are not here
        return None
    first = _frame(test[:1])
    system = {"key": "system", "name": card.system.name, "frames": [first]}
    sets = [system, *(one for task in own for one in _worst_of_task(task, dataset))]
    return {
        "symbols": test.symbols,
        "colours": element_colours(test.numbers),
        "radii": [round(sphere(int(z)), 3) for z in test.numbers],
        "sets": sets,
    }


def _worst_of_task(task: Task, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """The worst frames of the best predictions of a task, as far as their bytes are here."""
    lines = [line for line in task.lines if line.filed.status == "active" and not line.labels]
    lines.sort(key=lambda line: line.score.row("F").mae)
    shown = 0
    for line in lines:
        summary = _summary(line, dataset) if shown < MOST_PREDICTIONS else None
        if summary is None:
            continue
        shown += 1
        rows = summary.worst(WORST)
        frames, errors = summary.frames(rows), summary.errors(rows)
        size = "other data" if line.size is None else f"{line.size} frames"
        yield {
            "key": line.key,
            "name": f"{task.name}: {line.name} {line.filed.submission.version}, {size}",
            "frames": [_frame(frames[n : n + 1], errors[n]) for n in range(len(rows))],
        }


def _summary(line: Line, dataset: Dataset) -> ErrorSummary | None:
    """The errors of a prediction; None where its bytes are not those that were filed."""
    item = line.scored.submitted
    file = line.filed.file(item.file)
    if not file.kept or file.bytes > LARGEST:
        return None
    try:
        path = line.filed.path(item.file)
        if sha256(path) != file.sha256:
            return None
        declared: Declarations = {**item.declared(), "model": line.name}
        prediction = read_prediction(path, **declared)
        return summarise(examine(prediction, dataset, allow_failed=True))
    except TeaError:  # `teaeval board verify` says why
        return None


def _frame(frame: Frames, error: Floats | None = None) -> dict[str, Any]:
    """One frame, turned as in the figures, and the largest error of each atom's components."""
    seen = view(frame)
    made: dict[str, Any] = {
        "id": int(frame.ids[0]),
        "xyz": np.round(seen.xyz, 2).tolist(),
        "bonds": seen.bonds.tolist(),
    }
    if seen.edges is not None:
        made["cell"] = np.round(seen.edges, 2).tolist()
    if error is not None:
        made["largest"] = [float(f"{value:.3g}") for value in np.abs(error).max(axis=1)]
    return made
