"""How objects look in a session: one line as text, a small table in a notebook, a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from teadata.errors import MissingExtraError
from teadata.output.text import html, inline

if TYPE_CHECKING:
    import pandas as pd


class Shown:
    """An object that shows itself by a few fields: on one line, and as a table in a notebook."""

    def _fields(self) -> Mapping[str, object]:
        """What is shown, by name; None is left out."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return line(self, self._fields())

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        return html_fields(type(self).__name__, self._fields())


def line(shown: object, fields: Mapping[str, object]) -> str:
    """An object on one line, ``Kind(name=value, …)``."""
    said = ", ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
    return inline(f"{type(shown).__name__}({said})")


def html_fields(title: str, fields: Mapping[str, object]) -> str:
    """Names and values as an HTML table."""
    said = {name: value for name, value in fields.items() if value is not None}
    return html_table(title, (), list(said.items()))


def html_table(
    title: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    notes: Sequence[str] = (),
) -> str:
    """Rows under headings, and notes below, as an HTML table; numbers have three digits."""
    head = "".join(f"<th>{html(name)}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{html(_text(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    above = f"<thead><tr>{head}</tr></thead>" if heads else ""
    cell = f'<td colspan="{max(len(heads), 1)}" style="text-align: left">'
    said = "".join(f"<tr>{cell}{html(note)}</td></tr>" for note in notes)
    below = f"<tfoot>{said}</tfoot>" if said else ""
    return f"<table><caption>{html(title)}</caption>{above}<tbody>{body}</tbody>{below}</table>"


def _text(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def data_frame(records: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> pd.DataFrame:
    """Records, or columns by name, as a pandas DataFrame.

    Raises
    ------
    MissingExtraError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingExtraError("pandas", "pandas", "a DataFrame") from None
    return pd.DataFrame(records)
