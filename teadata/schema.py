"""The base of cards, records and configurations."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import InitErrorDetails

from teadata.errors import DataError
from teadata.files import check_input


class StrictModel(BaseModel):
    """A pydantic model that cannot be changed and refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def of_yaml(cls, values: object) -> Self:
        """Validate what a file of YAML holds, in which ``yes`` and ``on`` are true, too.

        Raises
        ------
        ValidationError
            If it is no such model; also where true or false stands in place of a number, which
            pydantic would take for 1 or 0.
        """
        made = cls.model_validate(values)
        if wrong := list(_flags(values, made)):
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return made

    @classmethod
    def from_json(cls, path: Path, expected: str, missing: str) -> Self:
        """Read a file that holds such a model as JSON.

        Parameters
        ----------
        path
            The file.
        expected
            What it should be, e.g. ``"a training record"``.
        missing
            What it means that it cannot be opened, and what to do.

        Raises
        ------
        PathError
            If there is no such file.
        DataError
            If it cannot be opened, or is something else.
        """
        try:
            check_input(path)
            content = path.read_bytes()
        except DataError as error:
            raise type(error)(f"{error}; {missing}") from None
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); {missing}") from None
        try:
            read = cls.model_validate_json(content)
            json.loads(content, object_pairs_hook=_plain)
            _check_finite(read)
        except ValidationError as error:
            if error.errors()[0]["type"] == "json_invalid":
                said = error.errors()[0]["msg"]
                raise DataError(f"{path}: not {expected}: is no JSON ({said}); {missing}") from None
            raise DataError(f"{path}: not {expected}: {what_is_wrong(error)}") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: not {expected}: {error}") from None
        return read


class GrownModel(StrictModel):
    """A model that has got fields since the first of its kind were written."""

    LATER: ClassVar[frozenset[str]] = frozenset()
    """Fields that came later: at their defaults they are left out of what is written, so that
    plans and records from before are equal."""

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        defaults = {
            name: fields[name].get_default(call_default_factory=True) for name in self.LATER
        }
        values: dict[str, Any] = dump(self)
        for name, default in defaults.items():
            if getattr(self, name) == default:
                del values[name]
        return values


def _flags(given: Any, made: Any, place: tuple[int | str, ...] = ()) -> Iterator[InitErrorDetails]:
    """Complaints of true and false that became numbers."""
    if isinstance(given, bool):
        if not isinstance(made, bool) and isinstance(made, int | float):
            kind = "int_type" if isinstance(made, int) else "float_type"
            yield InitErrorDetails(type=kind, loc=place, input=given)
    elif isinstance(given, dict):
        fields = dict(made) if isinstance(made, BaseModel | dict) else {}
        for name, value in given.items():
            if name in fields:
                yield from _flags(value, fields[name], (*place, name))
    elif isinstance(given, list) and isinstance(made, list | tuple) and len(given) == len(made):
        for row, (one, other) in enumerate(zip(given, made, strict=True)):
            yield from _flags(one, other, (*place, row))


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is there twice, and NaN and infinity, which JSON does not have."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"{name}: is there twice, as {made[name]!r} and as {value!r}")
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                raise ValueError(f"{name}: {value!r}, expected a number")
        made[name] = value
    return made


def _check_finite(value: object, place: tuple[object, ...] = ()) -> None:
    """Refuse NaN and infinity, which come of texts such as "nan" that stand for numbers."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{'.'.join(map(str, place))}: {value}, expected a finite number")
        return
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(value, BaseModel):
        parts = value
    elif isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    for name, part in parts:
        _check_finite(part, (*place, name))


def read_yaml(path: Path) -> Any:
    """Read a file of YAML; numbers, texts, lists and mappings only.

    Raises
    ------
    PathError
        If there is no such file.
    DataError
        If it cannot be opened, is no YAML that can be read, or has a key twice.
    """
    import yaml

    # PyYAML's wheels have the loader in C, ten times as fast; a build may lack it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    check_input(path)
    try:
        reader = loader(path.read_text(encoding="utf-8"))
        try:
            node = reader.get_single_node()
            _check_keys(node, path)
            return None if node is None else reader.construct_document(node)
        finally:
            reader.dispose()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as YAML ({error})") from None
    except RecursionError:
        raise DataError(f"{path}: not readable as YAML (nested too deeply)") from None


def _check_keys(node: Any, path: Path) -> None:
    """Refuse a key that is twice in a mapping of YAML: a parser keeps the last, without a word."""
    parts: list[Any] = [node]
    known: set[int] = set()
    while parts:
        part = parts.pop()
        if part is None or isinstance(part.value, str) or id(part) in known:
            continue
        known.add(id(part))  # an alias is the node that it stands for
        if part.id == "sequence":
            parts.extend(part.value)
            continue
        lines: dict[str, int] = {}
        for key, value in part.value:
            parts.append(value)
            if not isinstance(key.value, str):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise DataError(
                    f"{path}: line {line}: {key.value} is there twice, first in line "
                    f"{lines[key.value]}; remove one"
                )
            lines[key.value] = line


EXPECTED = {
    "list_type": "a list, such as [a, b]",
    "tuple_type": "a list, such as [a, b]",
    "named_tuple_type": "a list, such as [a, b]",
    "set_type": "a list, such as [a, b]",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "path_type": "a path",
    "finite_number": "a finite number",
}
"""What pydantic misses, by the type of its complaint."""

LIMITS = {
    "greater_than": ("gt", "a number above {:g}"),
    "greater_than_equal": ("ge", "{:g} or more"),
    "less_than": ("lt", "a number below {:g}"),
    "less_than_equal": ("le", "{:g} at most"),
}
"""For a number beyond a limit: the limit's name in a complaint, and what is expected."""


def wrong_in(error: ValidationError) -> list[Any]:
    """Pydantic's complaints, without those that a list is too short for its wrong members."""
    every = error.errors(include_url=False)
    places = {item["loc"][:depth] for item in every for depth in range(len(item["loc"]))}
    return [item for item in every if item["type"] != "too_short" or item["loc"] not in places]


def complaint(item: Any) -> str:
    """One of pydantic's complaints, without its place, as a colleague would say it."""
    if item["type"] == "missing":
        return "is missing"
    if item["type"] == "extra_forbidden":
        return "is no known key"
    told = str(item["msg"])
    if item["type"] == "value_error":
        return told.removeprefix("Value error, ")
    if item["type"] == "too_short":
        told = f"expected {item['ctx']['min_length']} or more values"
    elif item["type"] == "string_pattern_mismatch":
        told = f"expected a text of the form {item['ctx']['pattern']}"
    elif (limit := LIMITS.get(item["type"])) is not None:
        name, words = limit
        told = f"expected {words.format(item['ctx'][name])}"
    elif (expected := EXPECTED.get(item["type"])) is not None:
        told = f"expected {expected}"
    return f"{told.replace('Input should be', 'expected', 1)}, found {_shown(item['input'])}"


def _shown(value: object) -> str:
    """The beginning of a value, however deeply it is nested."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 60
    short.maxlevel = 3
    return short.repr(value)[:60]


def what_is_wrong(error: ValidationError, limit: int = 8) -> str:
    """Pydantic's complaints on one line: ``field: reason; field: reason``."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'the file'}: {complaint(item)}"
        for item in wrong_in(error)[:limit]
    )
