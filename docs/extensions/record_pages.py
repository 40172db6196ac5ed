"""Records and cards: the fields of each and its JSON schema, written from the classes."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

KINDS = {
    "card": "teadata.card:DatasetCard",
    "score": "teaeval.scores.record:Score",
    "comparison": "teaeval.scores.comparison:Comparison",
    "simulations": "teaeval.md.record:Simulations",
    "hydrogen": "teaeval.hydrogen.record:Record",
    "training": "baselines.runs.record:TrainingRecord",
    "accuracy": "baselines.accuracy.record:AccuracyRecord",
    "campaign": "baselines.campaign.matrix:Campaign",
    "submission": "teaeval.board.submission:Submission",
    "entry": "teaeval.board.filed:Entry",
    "zenodo": "teadata.remote.record:Record",
}
"""Name of the schema's file, and where the class is."""


def class_of(kind: str) -> Any:
    """The pydantic class of a record."""
    module, _, name = KINDS[kind].partition(":")
    return getattr(importlib.import_module(module), name)


def shown(schema: dict[str, Any]) -> str:
    """What a value may be, in the words of JSON, from its schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(map(json.dumps, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(shown, schema["anyOf"])))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"[{shown(schema['items'])}, …]" if "items" in schema else "array"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{{name: {shown(schema['additionalProperties'])}, …}}"
    return str(kind)


def documented(docstring: str) -> tuple[str, dict[str, str]]:
    """The text of a class' docstring, and what its NumPy section says of each field."""
    text, _, section = inspect.cleandoc(docstring).partition("Parameters\n----------\n")
    said: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line.startswith(" "):
            for name in names:
                said[name] = f"{said.get(name, '')} {line.strip()}".strip()
        elif line.strip():
            names = [name.strip() for name in line.split(":")[0].split(",")]
    return " ".join(text.split()), said


def markdown(text: str) -> str:
    """Docstrings have double backticks and roles where Markdown has single ones."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`").replace("|", r"\|")


def tables(schema: dict[str, Any]) -> list[str]:
    """Markdown: a table of fields for the record and for each kind of object in it."""
    lines: list[str] = []
    for name, kind in [(schema["title"], schema), *schema.get("$defs", {}).items()]:
        if "properties" not in kind:
            continue
        text, meanings = documented(kind.get("description", ""))
        lines += ["", f"**{name}**", "", markdown(text), ""]
        more = "| meaning |" if meanings else "|"
        lines += [
            f"| field | value | required {more}",
            f"|---|---|---{'|---|' if meanings else '|'}",
        ]
        needed = set(kind.get("required", []))
        for field, value in kind["properties"].items():
            said = shown(value).replace("|", r"\|")
            meaning = f"| {markdown(meanings.get(field, ''))} |" if meanings else "|"
            lines.append(f"| `{field}` | `{said}` | {'yes' if field in needed else 'no'} {meaning}")
    return lines


class RecordSchema(Directive):
    """``{record-schema} score``: the tables of a record's fields, and a link to its schema."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the tables where the directive stands."""
        kind = self.arguments[0]
        text = [f"JSON schema: {{download}}`{kind}.schema.json <schemas/{kind}.schema.json>`",
                *tables(class_of(kind).model_json_schema())]  # fmt: skip
        node = nodes.container()
        self.state.nested_parse(StringList(text, f"record-schema {kind}"), 0, node)
        return node.children


def write(app: Any) -> None:
    """Write the schemas beside the page that offers them."""
    folder = Path(app.srcdir) / "reference" / "schemas"
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        schema = class_of(kind).model_json_schema()
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        file = folder / f"{kind}.schema.json"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Write the schemas when the build begins, and add the directive."""
    app.connect("builder-inited", write)
    app.add_directive("record-schema", RecordSchema)
    return {"parallel_read_safe": True}
