"""Read YAML that a stranger wrote: no aliases, no tags, no large or deep documents."""

from __future__ import annotations

from typing import Any

from teadata.errors import DataError
from teadata.output.text import UNSEEN

MOST_TEXT = 1 << 18
"""Bytes that a file of text may have."""

DEEPEST = 8
"""Levels of lists and mappings."""


def decoded(content: bytes, name: str) -> str:
    """Decode a file of text.

    Raises
    ------
    DataError
        If it is too long, no UTF-8, or has characters that are not seen.
    """
    if len(content) > MOST_TEXT:
        raise DataError(f"{name}: {len(content)} bytes, expected {MOST_TEXT} at most")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: is no text in UTF-8 ({error.reason})") from None
    text = text.replace("\r\n", "\n")
    if found := UNSEEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(
            f"{name}: line {line} has the character U+{ord(found.group()):04X}, which is not seen "
            "or turns the direction of writing; remove it"
        )
    return text


def read_yaml(content: bytes, name: str) -> dict[str, Any]:
    """Read a mapping of YAML.

    Parameters
    ----------
    content
        The bytes of the file.
    name
        What it is called in errors.

    Raises
    ------
    DataError
        If it is no mapping, or has an alias, a tag, a key twice, or too many levels.
    """
    import yaml

    text = decoded(content, name)
    try:
        _check_events(yaml.parse(text, yaml.SafeLoader), name)
        node = yaml.compose(text, yaml.SafeLoader)
        _check_keys(node, name)
        read = yaml.load(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise DataError(f"{name}: not readable as YAML ({error})") from None
    except (
        ValueError,
        OverflowError,
    ) as error:  # a date that is none, a number of a million digits
        raise DataError(f"{name}: not readable as YAML ({error})") from None
    if not isinstance(read, dict) or not all(isinstance(key, str) for key in read):
        raise DataError(f"{name}: expected lines of `name: value`, found a {type(read).__name__}")
    return read


def _check_events(events: Any, name: str) -> None:
    """Refuse what could grow or become an object, before anything is built of it."""
    import yaml

    depth = 0
    for event in events:
        place = f"{name}: line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise DataError(f"{place}: has an alias of YAML (& or *); write the value out")
        if getattr(event, "tag", None):
            raise DataError(f"{place}: has a tag of YAML ({event.tag}); leave it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise DataError(f"{place}: is nested more than {DEEPEST} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_keys(node: Any, name: str) -> None:
    """Refuse a key that is there twice."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                line = key.start_mark.line + 1
                raise DataError(f"{name}: line {line}: {key.value} is there twice; keep one")
            seen.add(str(key.value))
            _check_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _check_keys(value, name)
