"""Temporary folders that end with what they are for."""

from __future__ import annotations

import tempfile
import weakref
from contextlib import ExitStack, suppress
from pathlib import Path

from teadata.errors import DataError
from teadata.files import staging


def temporary_folder(owner: object) -> Path:
    """A folder where temporary files are, which is removed when its owner is no more needed.

    Only its owner may look into it.  What killed processes left there is removed too.

    Parameters
    ----------
    owner
        What needs it.

    Raises
    ------
    DataError
        If it cannot be made.
    """
    stack = ExitStack()
    try:
        folder = stack.enter_context(staging(Path(tempfile.gettempdir())))
    except OSError as error:
        raise DataError(
            f"no temporary folder can be made ({error.strerror or error}); name one with TMPDIR, "
            "on a disk with room for what is fetched"
        ) from None
    with suppress(OSError):  # what is fetched may be secret; some file systems have no modes
        folder.chmod(0o700)
    weakref.finalize(owner, stack.close)
    return folder
