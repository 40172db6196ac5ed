"""One line says what is wrong with a file that should hold a record."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from teadata.errors import DataError
from teadata.schema import StrictModel, complaint, read_yaml


class Note(StrictModel):
    text: str
    pages: int


def read(path):
    return Note.from_json(path, "a note", "write one first")


def test_what_was_written_is_read(tmp_path):
    note = Note(text="°C, Å", pages=3)
    path = tmp_path / "note.json"
    path.write_text(note.model_dump_json(), encoding="utf-8")
    assert read(path) == note


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b'{"text": 5, "page": 1}',
            r"text: expected a text, found 5; pages: is missing; page: is no known key",
        ),
        (b'{"text": "", "pages": "two"}', "pages: expected a whole number, found 'two'"),
        (b"[]", "the file: expected keys with values|the file: expected an object"),
        (b'{"text": "cut', r"is no JSON \(Invalid JSON: EOF"),
        (b'{"text": "\xff", "pages": 1}', "is no JSON"),
    ],
)
def test_what_is_wrong_is_named_on_one_line(tmp_path, content, message):
    path = tmp_path / "note.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"note\.json: not a note: .*{message}") as raised:
        read(path)
    assert "\n" not in str(raised.value)


class Measured(StrictModel):
    time: float
    parts: tuple[dict[str, float], ...] = ()
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    count: Annotated[int, Field(gt=0, lt=10)] = 1
    kind: Literal["a", "b"] = "a"
    sizes: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)] = (1,)
    irreps: Annotated[str, Field(pattern=r"^[1-9][0-9]*x0e$")] = "1x0e"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"time": "nan"}', "time: nan, expected a finite number"),
        ('{"time": 1, "parts": [{}, {"x": "-inf"}]}', "parts.1.x: -inf, expected a finite number"),
        ('{"time": 1, "share": -0.5}', "share: expected 0 or more, found -0.5"),
        ('{"time": 1, "share": 2}', "share: expected 1 at most, found 2"),
        ('{"time": 1, "count": 0}', "count: expected a number above 0, found 0"),
        ('{"time": 1, "count": 10}', "count: expected a number below 10, found 10"),
        ('{"time": 1, "kind": "c"}', "kind: expected 'a' or 'b', found 'c'"),
        ('{"time": 1, "sizes": []}', r"sizes: expected 1 or more values, found \[\]"),
        ('{"time": 1, "sizes": [0]}', "sizes.0: expected a number above 0, found 0"),
        (
            '{"time": 1, "irreps": "2x1q"}',
            r"irreps: .* of the form \^.*\$, found '2x1q'",
        ),
    ],
)
def test_a_wrong_value_is_shown_beside_what_was_expected(tmp_path, content, message):
    path = tmp_path / "measured.json"
    path.write_text(content)
    with pytest.raises(DataError, match=rf"measured\.json: not a note: {message}$"):
        Measured.from_json(path, "a note", "write one first")


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        ("time: yes", ("time",), "expected a number, found True"),
        ("time: 1e-3\ncount: on", ("count",), "expected a whole number, found True"),
        ("time: 1\nparts: [{a: 1}, {b: 2, c: off}]", ("parts", 1, "c"), "expected a number"),
    ],
)
def test_yes_and_on_of_yaml_are_no_numbers(tmp_path, content, place, message):
    path = tmp_path / "measured.yaml"
    path.write_text(content)
    with pytest.raises(ValidationError) as caught:
        Measured.of_yaml(read_yaml(path))
    (found,) = caught.value.errors()
    assert found["loc"] == place
    assert complaint(found).startswith(message)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    with pytest.raises(DataError, match=r"gone\.json: no such file; write one first"):
        read(tmp_path / "gone.json")
    with pytest.raises(DataError, match="is a folder, expected one file; write one first"):
        read(tmp_path)
    (tmp_path / "empty.json").touch()
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path / "empty.json")
