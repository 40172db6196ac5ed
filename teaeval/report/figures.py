"""Embed figures in a report, as images with their data."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from teadata.output.text import html as escape
from teadata.output.text import to_csv

if TYPE_CHECKING:
    from teaeval.plots.plot import Plot


def figure_html(name: str, caption: str, plot: Plot) -> str:
    """HTML of a figure: an SVG image, with its data to download."""
    from teaeval.plots.plot import literal, styled

    stream = io.BytesIO()
    literal(plot.figure)
    with styled():
        plot.figure.savefig(stream, format="svg", metadata={"Date": None}, dpi=150)
    image = base64.b64encode(stream.getvalue()).decode()
    data = base64.b64encode(to_csv(plot.data).encode()).decode()
    return (
        f'<figure class="plot" id="{name}">'
        f'<img alt="{escape(caption)}" src="data:image/svg+xml;base64,{image}">'
        f"<figcaption>{escape(caption)} "
        f'<a download="{name}.csv" href="data:text/csv;base64,{data}">data (CSV)</a>'
        "</figcaption></figure>"
    )
