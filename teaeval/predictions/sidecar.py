"""What a file beside a prediction file says of it: ``own.xyz.yaml`` of ``own.xyz``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from teadata.errors import DataError, TeaError, UsageError, restated, unknown_name
from teadata.files import write_text
from teadata.locations import Location, RemoteFile
from teadata.schema import read_yaml
from teaeval.predictions.declaring import NAMES, Declarations


def path_of(file: Path) -> Path:
    """Where the declarations of a prediction file are, if there are any."""
    return Path(f"{file}.yaml")


def read(file: Location) -> dict[str, str]:
    """Read what the file beside a prediction file declares; nothing if there is none.

    Raises
    ------
    DataError
        If it is no YAML, or no mapping of names to texts.
    UsageError
        If it declares something that cannot be declared.
    """
    if isinstance(file, RemoteFile):
        return _read_remote(file)
    path = path_of(file)
    return _declared_in(path) if path.is_file() else {}


def _read_remote(file: RemoteFile) -> dict[str, str]:
    """What a file beside one on an object store declares; nothing if there is none."""
    from teadata.objects.copies import LocalCopy, has_beside

    if not has_beside(file, ".yaml"):
        return {}
    remote = file.beside(".yaml")
    copy = LocalCopy(remote)
    try:
        return _declared_in(copy.path)
    except TeaError as error:
        raise restated(error, str(error).replace(str(copy.path), str(remote))) from None


def _declared_in(path: Path) -> dict[str, str]:
    """What a file of declarations says."""
    content = read_yaml(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise DataError(
            f"{path}: expected lines of `name: value`, e.g. `energy_unit: eV`, found a "
            f"{type(content).__name__}"
        )
    for name in content:
        if name not in NAMES:
            error = unknown_name("declaration", str(name), NAMES)
            raise UsageError(f"{path}: {error}")
    for name in _repeated(path):
        raise DataError(f"{path}: {name} is there twice; keep one of the two lines")
    return {name: _text(path, name, value) for name, value in content.items() if value is not None}


def joined(file: Location, declared: Declarations) -> tuple[Declarations, dict[str, str]]:
    """What a caller declares of a file, and what is declared beside it where the caller is silent.

    Returns
    -------
    declared
        Both together.
    whose
        The path of the file beside it, for each name that is declared there alone.
    """
    said = {name: value for name, value in declared.items() if value is not None}
    beside = {name: value for name, value in read(file).items() if name not in said}
    whose = dict.fromkeys(beside, f"{file}.yaml")
    return cast("Declarations", beside | said), whose


def _text(path: Path, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise DataError(
            f"{path}: {name}: expected a text, found {value!r} ({type(value).__name__}); write it "
            f"in quotes if it is one"
        )
    return value


def _repeated(path: Path) -> list[str]:
    """Names that are there more than once, of which YAML would take the last."""
    import yaml

    mapping: Any = yaml.compose(path.read_text(encoding="utf-8"))
    names = [str(key.value) for key, _ in mapping.value]
    return [name for n, name in enumerate(names) if name in names[:n]]


def write(file: Path, said: Mapping[str, str]) -> Path:
    """Write declarations beside a prediction file, in place of those that are there."""
    import yaml

    path = path_of(file)
    content = {name: said[name] for name in NAMES if name in said}
    write_text(path, yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    return path
