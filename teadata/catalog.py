"""The catalog: which datasets there are, and where their files are."""

from __future__ import annotations

import functools
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from teadata import own, plugged
from teadata.card import DatasetCard
from teadata.errors import DataError, UsageError, expect, unknown_name
from teadata.files import recover

if TYPE_CHECKING:
    from teadata.dataset import Dataset


@functools.cache
def data_root() -> Path:
    """The folder of the embedded data: inside the installed package, or the checkout's.

    Raises
    ------
    DataError
        If neither exists, i.e. the installation is broken.
    """
    package = Path(__file__).resolve().parent
    for root in (package / "_datasets", package.parent / "datasets"):
        if (root / "cards").is_dir():
            return root
    raise DataError(
        f"no dataset cards beside {package}: the installation is incomplete; reinstall with "
        "python -m pip install --force-reinstall tea-benchmark"
    )


def local_root(name: str) -> Path:
    """The folder that an official dataset is ingested into."""
    from teadata.remote.settings import home

    return home() / "datasets" / name


def packaged_card(name: str) -> Path:
    """The card that comes with the package."""
    return data_root() / "cards" / f"{name}.yaml"


def packaged_ids() -> list[str]:
    """Ids of the datasets whose cards come with the package."""
    stems = (path.stem for path in (data_root() / "cards").glob("*.yaml"))
    return sorted(stem for stem in stems if "@" not in stem)


def _older(name: str) -> list[str]:
    """Versions of a packaged dataset that come with the package beside the current one."""
    stems = [path.stem for path in (data_root() / "cards").glob(f"{name}@*.yaml")]
    return sorted((stem.partition("@")[2] for stem in stems), key=own.version_key)


def plugged_datasets() -> dict[str, plugged.Plugged]:
    """The datasets that other installed packages bring, by id; the user's own go before them."""
    found = {}
    for name, item in plugged.datasets(tuple(packaged_ids())).items():
        if own.versions(name):
            item.plugin.pass_over(f"you have a dataset {name!r} of your own")
        else:
            found[name] = item
    return found


def ids() -> list[str]:
    """Ids of all datasets that have a card: the package's, other packages', the user's own."""
    packaged = packaged_ids()
    mine = [name for name in own.names() if name not in packaged]
    return [*packaged, *sorted(plugged_datasets()), *mine]


def every() -> list[str]:
    """What :func:`card` takes for each card there is: ids, and older versions as ``id@version``."""
    packaged, asked = packaged_ids(), []
    for name in ids():
        *older, _ = [*_older(name), ""] if name in packaged else own.versions(name) or [""]
        asked += [*(f"{name}@{version}" for version in older), name]
    return asked


def here() -> list[str]:
    """The datasets whose data are on this machine: embedded, ingested, or the user's own.

    By id; older versions as ``id@version``.
    """
    return [name for name in every() if card(name).files]


@functools.lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> DatasetCard:
    return DatasetCard.read(path)


def _located(name: str) -> tuple[DatasetCard, Path]:
    """A dataset's card, and the folder that its file names are relative to."""
    path, root = packaged_card(name), data_root()
    card = _read(path, path.stat().st_mtime_ns)
    if card.edition == "official" and (local := _ingested_card(name)) is not None:
        card, root = _read(local, local.stat().st_mtime_ns), local.parent
        if card.id != name:
            raise DataError(
                f"{local}: is the card of {card.id!r}, expected that of {name!r}; ingest the "
                "dataset again with --replace"
            )
    return card, root


def _ingested_card(name: str) -> Path | None:
    """The card of an official dataset that was ingested, if it was."""
    try:
        local = local_root(name) / "card.yaml"
    except UsageError:  # the user has no home folder, so no data there either
        return None
    if not local.is_file():  # perhaps a process was killed while it replaced the dataset
        recover(local.parent.parent)
    return local if local.is_file() else None


def _own(name: str, version: str) -> tuple[DatasetCard, Path]:
    """The card of a user's own dataset, and its folder; the newest if no version is asked for."""
    there = own.versions(name)
    if version and version not in there:
        raise UsageError(
            f"dataset {name} is here at {', '.join(f'version {v}' for v in there)}, not {version}; "
            f"ask for {name}@{there[-1]}, or make {name}@{version} with teadata create"
        )
    root = own.root(name, version or there[-1])
    path = root / own.CARD
    card = _read(path, path.stat().st_mtime_ns)
    if (card.id, card.version, card.edition) != (name, root.name, "own"):
        raise DataError(
            f"{path}: says {card.full_id} of the {card.edition} edition, expected "
            f"{name}@{root.name} of the own edition; put id, version and edition back"
        )
    return card, root


def _plugged(name: str, version: str) -> tuple[DatasetCard, Path]:
    """The card of a dataset that another package brings, and its folder."""
    if (item := plugged_datasets().get(name)) is None:
        raise unknown_name("dataset", name, ids(), "teadata list")
    if version and version != item.card.version:
        raise UsageError(
            f"dataset {name} is here at version {item.card.version}, as {item.package} brings it, "
            f"not {version}; ask for {item.card.full_id}, or install another version of the package"
        )
    return item.card, item.root


def _named(dataset: str) -> tuple[DatasetCard, Path]:
    name, _, version = dataset.partition("@")
    if name not in packaged_ids():
        if own.versions(name):
            return _own(name, version)
        return _plugged(name, version)
    card, root = _located(name)
    if not version or version == card.version:
        return card, root
    older = _older(name)
    if version in older:
        path = packaged_card(f"{name}@{version}")
        return _read(path, path.stat().st_mtime_ns), data_root()
    raise UsageError(
        f"dataset {name} is here at version {' and '.join([*older, card.version])}, not "
        f"{version}; install the release of tea-benchmark that carries {dataset}, or ask for "
        f"{card.full_id}"
    )


ID = "the id of a dataset, e.g. 'mini-i'"
"""What errors say is expected."""


def card(dataset: str) -> DatasetCard:
    """The card of a dataset, given as ``id`` or ``id@version``.

    ``id`` is the newest version that is here.  The card of an official
    dataset lists files only once they were fetched or ingested.

    Raises
    ------
    UsageError
        If there is no such dataset, or not at that version.
    """
    expect(dataset, str, ID)
    return _named(dataset)[0]


def find(dataset: str) -> DatasetCard | None:
    """The card of a dataset, or of another version of it; None if there is none on this machine.

    A result may be of a dataset that somebody else made.
    """
    for asked in (dataset, dataset.partition("@")[0]):
        with suppress(UsageError):
            return card(asked)
    return None


def packaged(dataset: str) -> DatasetCard:
    """The card that comes with the package, whatever was fetched or ingested.

    Raises
    ------
    UsageError
        If there is no such dataset, or not at that version, or it is not this package's.
    """
    if (found := card(dataset)).edition in ("own", "plugin"):
        whose = "your own" if found.edition == "own" else "another package's"
        raise UsageError(f"{found.full_id} is {whose}, and not one of this package's datasets")
    path = packaged_card(found.full_id)
    path = path if path.is_file() else packaged_card(found.id)
    return _read(path, path.stat().st_mtime_ns)


def cards() -> list[DatasetCard]:
    """The cards of all datasets, of every version that is here."""
    return [card(name) for name in every()]


def load(dataset: str) -> Dataset:
    """Open a dataset, given as ``id`` or ``id@version``.

    The arrays are read, and their files' checksums verified, on first use.

    Examples
    --------
    >>> import teadata
    >>> mini = teadata.load("mini-i")
    >>> len(mini.split("folded/train/200"))
    200

    Raises
    ------
    UsageError
        If there is no such dataset, or not at that version.
    DataError
        If it is an official one whose data are not on this machine.
    """
    from teadata.dataset import Dataset

    expect(dataset, str, ID)
    card, root = _named(dataset)
    if not card.files:
        raise DataError(
            f"the data of {card.full_id} are not on this machine: get them with\n"
            f"  teadata fetch {card.id}\n"
            f"or, from files that you have, with\n"
            f"  teadata ingest FILE... --dataset {card.id}"
        )
    return Dataset(card, root)
