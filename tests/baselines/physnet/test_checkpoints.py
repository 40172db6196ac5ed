"""A checkpoint knows which training it is of."""

from __future__ import annotations

import pytest

from baselines.physnet.checkpoints import CHECKPOINT_FILE, Checkpoint
from teadata.errors import DataError


def test_only_the_same_trainings_checkpoint_is_taken_up(trained, tmp_path):
    model, _, workdir = trained
    identity = {"config": model.config.model_dump(mode="json"), "seed": 0}
    arrays, notes = Checkpoint(workdir, identity).restore()
    assert len(notes["curve"]) == 4
    assert arrays["weights"].shape == arrays["largest"].shape
    with pytest.raises(DataError, match=r"a training with another seed \(expected 9, found 0\)"):
        Checkpoint(workdir, identity | {"seed": 9}).restore()
    with pytest.raises(DataError, match="with another config"):
        Checkpoint(workdir, identity | {"config": {}}).restore()
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"broken")
    with pytest.raises(DataError, match=r"expected the checkpoint of a PhysNet training .* remove"):
        Checkpoint(tmp_path, identity).restore()
