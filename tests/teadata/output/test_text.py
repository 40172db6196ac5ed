"""Names that others chose are shown, and do nothing else."""

import csv
import html.parser
import io
import json

import pytest

from teadata.output import text

NAMES = [
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "\x9b31mred\x7f\x08\r",
    "two\nlines\tand a tab",
    "\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "\U000e0041tag",
    "half \udcff",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", [text.inline, text.markdown, text.latex, text.html, text.visible])
def test_nothing_unseen_is_left(name, form):
    shown = form(name)
    assert all(
        c.isprintable() or (c in "\n\t" and form in (text.visible, text.html)) for c in shown
    )
    assert shown.encode()


@pytest.mark.parametrize("name", [*NAMES[:-1], "\U000e0041", "Å σ", "\x85"])
def test_json_stays_json(name):
    document = json.dumps({"name": name}, ensure_ascii=False)
    assert json.loads(text.visible(document)) == {"name": name}


@pytest.mark.parametrize(
    "name", ["MACE", "FCHL19", "Müller's σ", "folded->unfolded", "F(H)", "a_b"]
)
def test_ordinary_names_stay(name):
    assert text.inline(name) == text.markdown(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)>"),
        ("[a](javascript:alert(1))", r"\[a\](javascript:alert(1))"),
        ("![x](http://a/b.png)", r"!\[x\](http://a/b.png)"),
        ("a | b", r"a \| b"),
        ("`rm`", r"\`rm\`"),
        ("**bold** __bold__", r"\*\*bold\*\* \_\_bold\_\_"),
        ("&lt;b>", "&amp;lt;b>"),
        ("# heading", r"\# heading"),
        ("a\n\n# heading", r"a\\u000a\\u000a# heading"),
    ],
)
def test_markdown_takes_nothing_for_markup(name, expected):
    assert text.markdown(name) == expected


@pytest.mark.parametrize("name", [r"\input{/etc/passwd}\write18{id}", "$&%#_{}~^", "a\n\nb"])
def test_latex_takes_nothing_for_a_command(name):
    shown = text.latex(name).replace(r"\textbackslash{}", "")
    assert "\n" not in shown
    for command in (r"\input", r"\write", "$&", "&%"):
        assert command not in shown


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", "<!--<script>", "\"><svg onload='alert(1)'>"]
)
def test_html_takes_nothing_for_a_tag(name):
    tags, seen = [], []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.append((tag, attributes))

        def handle_data(self, data):
            seen.append(data)

    Parser(convert_charrefs=True).feed(f'<p title="{text.html(name)}">{text.html(name)}</p>')
    assert tags == [("p", [("title", name)])]
    assert "".join(seen) == name


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-2+3", "\t=1", "  =1", "＝1"]
)
def test_no_cell_is_a_formula(name):
    written = text.to_csv([{"model": name, "mae": -1.5}])
    (row,) = csv.DictReader(io.StringIO(written))
    assert row["model"][0] not in "=@+-\t\r "
    assert float(row["mae"]) == -1.5


def test_ordinary_cells_stay():
    written = text.to_csv([{"model": "MACE, large", "unit": "% mean", "high": None}])
    assert list(csv.DictReader(io.StringIO(written))) == [
        {"model": "MACE, large", "unit": "% mean", "high": ""}
    ]
