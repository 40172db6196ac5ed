"""Checkpoints of a training: its arrays by Orbax, the rest as JSON beside them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from baselines.toolkit.identity import check_identity
from teadata.errors import DataError

CHECKPOINT_FOLDER = "checkpoints"


class Checkpoints:
    """The last checkpoint of a training, replaced in one step; one of another is refused.

    Parameters
    ----------
    workdir
        Folder of the training.
    identity
        What a training must have in common with the checkpoint that it is taken up from.
    """

    def __init__(self, workdir: Path, identity: dict[str, Any]) -> None:
        self.folder, self.identity = (workdir / CHECKPOINT_FOLDER).absolute(), identity
        logging.getLogger("absl").setLevel(logging.ERROR)
        # Written while training waits: what is asynchronous would be lost by a kill, and a
        # checkpoint of a few megabytes takes less than the thread it would need.
        options = ocp.CheckpointManagerOptions(max_to_keep=1, enable_async_checkpointing=False)
        try:
            self.manager = ocp.CheckpointManager(self.folder, options=options)
        except (OSError, ValueError) as error:
            raise self._wrong(str(error)) from None

    def _wrong(self, reason: str) -> DataError:
        return DataError(
            f"{self.folder}: expected the checkpoints of an SO3krates training ({reason}); remove "
            "the folder to start from the beginning"
        )

    def save(self, step: int, state: Any, notes: dict[str, Any]) -> None:
        """Write the state after a step, a pytree of arrays, and notes, which JSON can hold."""
        self.manager.save(
            step,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(dict(enumerate_leaves(state))),
                notes=ocp.args.JsonSave({"identity": self.identity} | notes),
            ),
            force=True,
        )
        self.manager.wait_until_finished()

    def restore(self, like: Any) -> tuple[int, Any, dict[str, Any]] | None:
        """Read step, state and notes of the last checkpoint; None without one.

        Parameters
        ----------
        like
            A state of the same structure.

        Raises
        ------
        DataError
            If it cannot be read, or is another training's.
        """
        step = self.manager.latest_step()
        if step is None:
            return None
        try:
            restored = self.manager.restore(
                step, args=ocp.args.Composite(notes=ocp.args.JsonRestore())
            )
            notes: dict[str, Any] = dict(restored["notes"])
            identity = notes.pop("identity")
        except Exception as error:  # whatever Orbax and its storage raise of a broken folder
            raise self._wrong(f"{type(error).__name__}: {str(error).splitlines()[0]}") from None
        check_identity(self.folder, self.identity, identity)
        leaves, structure = jax.tree.flatten(like)
        try:
            state = self.manager.restore(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardRestore(dict(enumerate_leaves(like)))
                ),
            )["state"]
        except Exception as error:
            raise self._wrong(f"{type(error).__name__}: {str(error).splitlines()[0]}") from None
        return (
            step,
            jax.tree.unflatten(structure, [state[str(k)] for k in range(len(leaves))]),
            notes,
        )

    def close(self) -> None:
        """End the threads that Orbax runs."""
        self.manager.close()


def enumerate_leaves(state: Any) -> list[tuple[str, Any]]:
    """The arrays of a pytree, numbered: Orbax keeps no structures of Flax and Optax."""
    return [(str(k), leaf) for k, leaf in enumerate(jax.tree.leaves(state))]
