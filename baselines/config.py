"""Configurations: YAML files with the settings of a training, validated."""

from __future__ import annotations

import difflib
import inspect
import itertools
import re
import textwrap
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError

from teadata.errors import DataError, UsageError, expect, unknown_name
from teadata.schema import GrownModel, complaint, read_yaml, wrong_in

CONFIGS = Path(__file__).parent / "configs"
"""Folder of the shipped configurations: ``<model>/<name>.yaml``."""


class ModelConfig(GrownModel):
    """What the configurations of all models have in common: no number is infinite or NaN.

    Parameters
    ----------
    size
        Frames to train on, unless the caller says otherwise; as many validate, or all that
        there are.
    dtype
        Floating-point type of the model; a model that has one only says so.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    size: Annotated[int, Field(gt=0)]
    dtype: Literal["float32", "float64"] = "float64"


ConfigT = TypeVar("ConfigT", bound=ModelConfig)


def names(model: str, folder: Path | None = None) -> list[str]:
    """List the names of the configurations of a model, in a folder or as they are shipped."""
    return sorted(path.stem for path in (folder or CONFIGS / model).glob("*.yaml"))


def size_of(model: str, name: str, folder: Path | None = None) -> int:
    """Frames that a configuration with a name trains on, unless the caller says otherwise."""
    return int(read_yaml((folder or CONFIGS / model) / f"{name}.yaml")["size"])


def parse(kind: type[ConfigT], values: Any, source: str) -> ConfigT:
    """Validate the values of a configuration.

    Raises
    ------
    DataError
        If a key is unknown (with the nearest known one), missing, or has a wrong value.
    """
    try:
        return kind.of_yaml(values)
    except ValidationError as error:
        wrong = []
        for item in wrong_in(error):
            key = ".".join(map(str, item["loc"])) or "configuration"
            if item["type"] == "extra_forbidden":
                close = difflib.get_close_matches(key, kind.model_fields, n=1)
                hint = f", did you mean {close[0]!r}?" if close else ""
                wrong.append(f"unknown key {key!r}{hint}")
            else:
                wrong.append(f"{key}: {complaint(item)}")
        raise DataError(f"{source}: {'; '.join(wrong)}") from None


def read(kind: type[ConfigT], model: str, name: str, folder: Path | None = None) -> ConfigT:
    """Read a configuration: a shipped one by name, or a YAML file by path.

    Parameters
    ----------
    kind
        Class of the configuration.
    model
        Name of the model.
    name
        Name of the configuration, or path of a file.
    folder
        Where those with a name are; by default the shipped ones.

    Raises
    ------
    UsageError
        If there is no shipped configuration of that name.
    PathError
        If there is no such file.
    DataError
        If the file is not a valid configuration of the model.
    """
    expect(name, (str, Path), "the name of a configuration, or the path of a YAML file")
    name = str(name)
    if name.endswith((".yaml", ".yml")):
        return parse(kind, read_yaml(Path(name)), name)
    if Path(name).suffix and Path(name).is_file():
        known = ", ".join(names(model, folder))
        raise UsageError(f"{name}: a configuration is a file .yaml, or one of: {known}")
    path = (folder or CONFIGS / model) / f"{name}.yaml"
    if not path.is_file():
        every = [*names(model, folder), "<path>.yaml"]
        raise unknown_name(f"configuration of {model}", name, every)
    return parse(kind, read_yaml(path), str(path))


def to_yaml(settings: ModelConfig, head: str = "") -> str:
    """Write a configuration as YAML, each setting with its meaning and unit; :func:`read` reads it.

    Parameters
    ----------
    settings
        Every setting is written.
    head
        Comment to begin with.
    """
    import yaml

    meanings = _meanings(type(settings))
    lines = [head] * bool(head)
    written = settings.model_dump(mode="json")
    for name in type(settings).model_fields:
        value = written.get(name, getattr(settings, name))  # a plan may leave a default out
        comment = textwrap.wrap(meanings.get(name, ""), 96)
        lines += [f"# {line}\n" for line in comment]
        lines.append(yaml.safe_dump({name: value}, sort_keys=False))
    return "".join(lines)


def head(model: str, name: str, folder: Path | None = None) -> str:
    """The comment that a configuration with a name begins with; empty without one."""
    if name.endswith((".yaml", ".yml")):
        return ""
    path = (folder or CONFIGS / model) / f"{name}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(itertools.takewhile(lambda line: line.startswith("#"), lines))


ENTRY = re.compile(r"^(\w[\w, ]*)\n((?:(?: .*)?\n)+)", re.MULTILINE)
"""Names in a docstring's section, and the lines about them."""


def _meanings(kind: type[ModelConfig]) -> dict[str, str]:
    """What the docstrings of a configuration say of its settings, and of those it inherits.

    What they say of several at once is with the first.
    """
    found = {}
    for each in reversed(kind.__mro__):
        if not issubclass(each, ModelConfig):
            continue
        _, _, listed = inspect.cleandoc(each.__doc__ or "").partition("Parameters\n----------\n")
        for names, text in ENTRY.findall(f"{listed}\n"):
            first, *others = names.split(", ")
            told = " ".join(text.split())
            found[first] = f"{names}: {told}" if others else told
    return found
