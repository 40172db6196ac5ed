"""Figures with the data behind them: their style, and how they are saved."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teadata.catalog import find
from teadata.errors import MissingExtraError, UsageError
from teadata.output.display import Shown, data_frame
from teadata.output.text import html, to_csv, visible
from teaeval import published

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

# Okabe and Ito's colours, which colour-blind readers tell apart, and five of Tol's and a grey.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
    "#000000", "#882255", "#999933", "#332288", "#888888", "#DDCC77",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", "h", ">", "d")
LINES = ("-", "--", ":", "-.")

STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "legend.fontsize": 8.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "tea-benchmark",
}
"""Matplotlib's settings for every figure."""

MODEL_ORDER = ("MACE", "SO3krates", "sGDML", "SOAP/GAP", "FCHL19*", "PhysNet")
"""Models that have the same colour in every figure."""


def names_of(datasets: Iterable[str]) -> str:
    """Name datasets, given as ``id@version``, with their editions where this machine has them."""
    named = []
    for dataset in dict.fromkeys(datasets):
        card = find(dataset)
        named.append(f"{dataset} ({card.edition} edition)" if card else dataset)
    return "; ".join(named)


@dataclass(frozen=True, eq=False)
class Plot(Shown):
    """A figure and its data: one entry per mark or bin, of the same fields each.

    A notebook shows the figure.
    """

    figure: Figure
    data: Sequence[dict[str, Any]]

    def _fields(self) -> dict[str, object]:
        width, height = self.figure.get_size_inches()
        return {"inches": f"{width:.3g} × {height:.3g}", "data": f"{len(self.data)} entries"}

    def __repr__(self) -> str:
        return Shown.__repr__(self)

    def _repr_html_(self) -> str:
        image = base64.b64encode(self._repr_png_()).decode()
        return f'<img alt="{html(repr(self))}" src="data:image/png;base64,{image}">'

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        literal(self.figure)
        with styled():
            self.figure.savefig(stream, format="png", dpi=100)
        return stream.getvalue()

    def to_pandas(self) -> pd.DataFrame:
        """The data behind the figure.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame(self.data)

    def save(self, *paths: Path) -> list[Path]:
        """Write the figure to each path, and its data as CSV beside it.

        Parameters
        ----------
        *paths
            ``.png``, ``.svg`` or ``.pdf``.

        Returns
        -------
        list of Path
            Every file that was written, the CSV of each figure included.

        Raises
        ------
        UsageError
            If a suffix is another one.
        DataError
            If a file cannot be written.
        """
        from teadata.files import atomic_write, write_text

        for path in paths:
            check_path(path)
        written = []
        for path in paths:
            kind = path.suffix[1:].lower()
            # no date: the same figure is the same file
            metadata = {"png": {"Software": None}, "svg": {"Date": None}}.get(
                kind, {"CreationDate": None}
            )
            literal(self.figure)
            with atomic_write(path) as partial, styled():
                self.figure.savefig(partial, format=kind, metadata=metadata)
            table = path.with_suffix(".csv")
            write_text(table, to_csv(self.data))
            written += [path, table]
        return list(dict.fromkeys(written))


def literal(figure: Figure) -> None:
    """Let names in a figure, beside numbers at axes, stand as they are: a dollar is a dollar."""
    from matplotlib.text import Text

    for text in _beside_axes(figure):
        if isinstance(text, Text):
            text.set_parse_math(False)
            text.set_text(visible(text.get_text()))


def _beside_axes(artist: Artist) -> Iterator[Artist]:
    """Go through what an artist is made of, but for the axes' numbers and names."""
    from matplotlib.axis import Axis

    for child in artist.get_children():
        if not isinstance(child, Axis):  # which would make all its ticks to tell of them
            yield child
            yield from _beside_axes(child)


def check_path(path: Path) -> None:
    """Raise an error if a figure, with its data beside it, cannot be written here.

    Raises
    ------
    UsageError
        If the suffix is none of :data:`SUFFIXES`, or there is a CSV of this name without a
        figure: it may be of something else.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{path}: figures are written as {', '.join(SUFFIXES)}, "
            + (f"not {path.suffix!r}" if path.suffix else f"e.g. {path.name or 'figure'}.png")
        )
    table = path.with_suffix(".csv")
    if table.exists() and not any(path.with_suffix(each).exists() for each in SUFFIXES):
        raise UsageError(
            f"{path}: its data would replace {table.name}, which is there without a figure and may "
            "be something else; choose another name, or remove that file"
        )


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib with this package's settings.

    Raises
    ------
    MissingExtraError
        If Matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
    except ImportError:
        raise MissingExtraError("matplotlib", "plot", "a figure") from None
    with rc_context(STYLE):
        yield


def panels(
    columns: int, rows: int = 1, *, width: float = 3.4, height: float = 2.8, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure of panels, row by row; sizes of a panel in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.ravel())


def colour(name: str, others: Sequence[str]) -> str:
    """Colour of a model among others; the models of the paper always have the same."""
    return COLOURS[_place(name, others) % len(COLOURS)]


def marker(name: str, others: Sequence[str]) -> str:
    """Marker of a model among others; no two have both the same colour and the same marker."""
    place = _place(name, others)
    return MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]


def _place(name: str, others: Sequence[str]) -> int:
    """Place of a model in the colours: the paper's own, else the next that is free."""
    places: dict[str, int] = {}
    for other in dict.fromkeys((*others, name)):
        known = _known(other)
        if known is not None and known not in places.values():
            places[other] = known
    reserved = len(MODEL_ORDER)
    taken = set(places.values())
    order = (range(reserved, len(COLOURS)), range(reserved), itertools.count(len(COLOURS)))
    free = (place for place in itertools.chain(*order) if place not in taken)
    for other in dict.fromkeys((*others, name)):
        if other not in places:
            places[other] = next(free)
    return places[name]


def _known(name: str) -> int | None:
    """Place of a model of the paper, whatever follows its name; None for another model."""
    plain = name.split(",")[0].split(" (")[0].split(" #")[0]
    plain = published.model_name(plain) or plain
    return MODEL_ORDER.index(plain) if plain in MODEL_ORDER else None


def plain_ticks(axis: Axis, low: float, high: float) -> None:
    """Numbers such as 20 on a logarithmic axis from `low` to `high`, not powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    steps: tuple[float, ...] = (1, 2, 5)
    if high / low < 4:
        steps = (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 8)
    elif high / low < 30:
        steps = (1, 1.5, 2, 3, 4, 5, 7)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
