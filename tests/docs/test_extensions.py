"""What the site writes itself: pages of commands, schemas of records, links, notes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

import teaeval

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"


@pytest.fixture(autouse=True)
def extensions(monkeypatch) -> None:
    monkeypatch.syspath_prepend(DOCS / "extensions")


def leaves(command: Any) -> list[Any]:
    below = getattr(command, "commands", None)
    return [command] if below is None else [leaf for c in below.values() for leaf in leaves(c)]


def test_every_command_has_a_page_with_every_option():
    import command_pages

    from baselines.cli import app as baselines
    from teadata.cli import app as teadata
    from teaeval.cli import app as teaeval_app

    pages = dict(command_pages.pages(DOCS))
    found = [leaf for app in (teadata, teaeval_app, baselines)
             for leaf in leaves(typer.main.get_command(app))]  # fmt: skip
    assert len(pages) == len(found) + 1
    assert "## Example\n\n```bash\nteaeval score " in pages["teaeval-score"]
    assert "`--bootstrap`" in pages["teaeval-score"]
    assert "Default: `1000`" in pages["teaeval-score"]
    for leaf in found:
        options = {name for p in leaf.params if not getattr(p, "hidden", False) for name in p.opts}
        assert any(all(f"`{o}`" in text or not o.startswith("--") for o in options)
                   for text in pages.values()), leaf.name  # fmt: skip


def documents(kind: str, folder: Path) -> list[Any]:
    """Files of a kind, as anybody may have them."""
    if kind == "training":
        paths = [REPOSITORY / "examples" / "mini-i_folded_sgdml.record.json"]
    elif kind == "accuracy":
        paths = sorted((REPOSITORY / "baselines" / "records").glob("*.json"))[:3]
    elif kind == "campaign":
        return [yaml.safe_load((REPOSITORY / "examples" / "campaign.yaml").read_text())]
    else:
        score = teaeval.score(REPOSITORY / "examples" / "mini-i_folded_sgdml.npz", replicates=10)
        return [json.loads(score.model_dump_json())]
    return [json.loads(path.read_text()) for path in paths]


@pytest.mark.parametrize("kind", ["training", "accuracy", "campaign", "score"])
def test_files_follow_the_published_schemas(kind, tmp_path):
    import record_pages

    schema = record_pages.class_of(kind).model_json_schema()
    for document in documents(kind, tmp_path):
        jsonschema.validate(document, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document | {"another": 1}, schema)
    tables = "\n".join(record_pages.tables(schema))
    assert re.search(r"^\| `\w+` \| `[^`]+` \| (yes|no) \|", tables, re.MULTILINE)


def test_fields_have_the_meaning_that_the_class_says():
    import record_pages

    tables = record_pages.tables(record_pages.class_of("campaign").model_json_schema())
    lines = [line for line in tables if line.startswith("| `seeds` |")]
    assert any(len(line.split(" | ")[-1]) > 5 for line in lines)


def test_links_out_of_the_documents_lead_to_pages():
    import links

    text = "[a](../CONTRIBUTING.md#datasets) [b](metrics.md) [c](https://example.org) [d](no.md)"
    assert links.for_the_site(text, DOCS, DOCS, DOCS) == (
        "[a](contributing.md#datasets) [b](metrics.md) [c](https://example.org) [d](no.md)"
    )
    below = "[a](../docs/campaigns.md)"
    assert links.for_the_site(below, REPOSITORY / "examples", DOCS, DOCS) == "[a](campaigns.md)"


def test_why_a_block_is_not_run_is_seen():
    import blocks

    text = '<!--- skip: next if(True, reason="needs the network") -->\n```bash\ntrue\n```\n'
    assert "This is not run by a test: needs the network." in blocks.visible(text)


def test_the_extensions_are_those_of_the_site():
    conf = (DOCS / "conf.py").read_text()
    there = {path.stem for path in (DOCS / "extensions").glob("*.py")}
    assert there == {name for name in there if f'"{name}"' in conf}
    assert all(name not in sys.stdlib_module_names for name in there)
