"""Which models there are, and what each needs."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from baselines import config
from baselines.config import ModelConfig
from baselines.protocol import Baseline
from baselines.toolkit.devices import Framework
from teadata import catalog, plugins
from teadata.errors import DataError, TeaError, expect, unknown_name
from teadata.schema import what_is_wrong


@dataclass(frozen=True)
class ModelEntry:
    """A model: its class, its configuration, its backend.

    Parameters
    ----------
    title
        Name as in the published tables.
    module, class_name, config_name
        Where the classes of the model and its configuration are.
    backend
        Module that must be importable.
    package
        Package that brings it.
    extra
        Extra of this distribution that installs that; empty for a model of another package.
    reference
        DOI of the method.
    datasets
        Embedded datasets that it can be trained on.
    devices
        Where it can train and predict.
    traced
        Packages whose versions its records state.
    framework
        Which package finds the GPU: ``"torch"``, ``"jax"`` or ``"tensorflow"``.
    configs
        Folder of its configurations, ``<name>.yaml``; by default that of this distribution.
    needs
        Further packages that it imports.
    """

    title: str
    module: str
    class_name: str
    config_name: str
    backend: str
    package: str
    extra: str
    reference: str
    datasets: tuple[str, ...]
    traced: tuple[str, ...]
    devices: tuple[str, ...] = ("cpu",)
    framework: Framework = "torch"
    configs: Path | None = None
    needs: tuple[str, ...] = ()

    @property
    def lacking(self) -> tuple[str, ...]:
        """Packages that it imports and that are not installed; none is imported to find out."""
        modules = {self.package: self.backend}
        modules |= {name: MODULES.get(name, name.replace("-", "_")) for name in self.needs}
        return tuple(package for package, module in modules.items() if not _importable(module))

    @property
    def installed(self) -> bool:
        """Whether all packages that it imports are installed."""
        return not self.lacking

    @property
    def installable(self) -> str:
        """What to give to ``pip install`` for the backend."""
        return f"'tea-benchmark[{self.extra}]'" if self.extra else self.package

    @property
    def periodic(self) -> bool:
        """Whether it can be trained on a periodic system."""
        cards = map(catalog.find, self.datasets)
        return any(card.system.periodic for card in cards if card is not None)

    def suits(self, dataset: str) -> bool:
        """Whether nothing is known against training it on a dataset, by its id."""
        return dataset in self.datasets or dataset not in ALL

    def classes(self) -> tuple[type[Baseline[Any, Any]], type[ModelConfig]]:
        """Import the classes of the model and of its configuration; loads no backend.

        Raises
        ------
        TeaError
            If the module of another package cannot be imported, or does not have them.
        """
        try:
            module = importlib.import_module(self.module)
            model, kind = getattr(module, self.class_name), getattr(module, self.config_name)
        except TeaError:
            raise
        except Exception as error:
            if not self.extra:
                said = f"{type(error).__name__}: {error}"
                raise TeaError(
                    f"the model {self.title} cannot be loaded from {self.module}: {said}; install "
                    "its package again"
                ) from error
            raise
        pairs = (model, Baseline), (kind, ModelConfig)
        if not all(isinstance(one, type) and issubclass(one, base) for one, base in pairs):
            raise TeaError(
                f"the model {self.title}: expected {self.class_name} and {self.config_name} of "
                f"{self.module} to be a Baseline and a ModelConfig"
            )
        if lacking := sorted(getattr(model, "__abstractmethods__", ())):
            raise TeaError(
                f"the model {self.title}: {self.class_name} of {self.module} lacks "
                f"{', '.join(lacking)}, which a Baseline has"
            )
        return model, kind


MODULES = {"orbax-checkpoint": "orbax.checkpoint", "scikit-learn": "sklearn"}
"""Modules of packages whose name is another."""


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # the package that it is a module of is not there
        return False


ALL = ("mini-i", "mini-ii", "mini-iii", "mini-iv", "mini-hydrogen")

MODELS = {
    "mace": ModelEntry(
        title="MACE",
        module="baselines.mace",
        class_name="MACE",
        config_name="MACEConfig",
        backend="mace",
        package="mace-torch",
        extra="mace",
        reference="10.48550/arXiv.2206.07697",
        datasets=ALL,
        traced=(
            "numpy",
            "torch",
            "mace-torch",
            "e3nn",
            "torch-ema",
            "cuequivariance-torch",
            "cuequivariance-ops-torch-cu12",
            "cuequivariance-ops-torch-cu13",
        ),
        devices=("cpu", "cuda"),
        needs=("torch", "e3nn", "torch-ema", "ase"),
    ),
    "sgdml": ModelEntry(
        title="sGDML",
        module="baselines.sgdml",
        class_name="SGDML",
        config_name="SGDMLConfig",
        backend="sgdml",
        package="sgdml",
        extra="sgdml",
        reference="10.1016/j.cpc.2019.02.007",
        datasets=("mini-i", "mini-ii", "mini-iii"),
        traced=("numpy", "scipy", "torch", "sgdml"),
        devices=("cpu", "cuda"),
        needs=("scipy", "torch", "psutil", "threadpoolctl"),
    ),
    "gap": ModelEntry(
        title="SOAP/GAP",
        module="baselines.gap",
        class_name="GAP",
        config_name="GAPConfig",
        backend="quippy",
        package="quippy-ase",
        extra="gap",
        reference="10.1103/PhysRevLett.104.136403",
        datasets=ALL,
        traced=("numpy", "ase", "quippy-ase"),
        needs=("ase", "psutil"),
    ),
    "fchl": ModelEntry(
        title="FCHL19*",
        module="baselines.fchl",
        class_name="FCHL",
        config_name="FCHLConfig",
        backend="numba",
        package="numba",
        extra="fchl",
        reference="10.1063/5.0108967",
        datasets=ALL,
        traced=("numpy", "torch", "vesin", "numba"),
        devices=("cpu", "cuda"),
        needs=("torch", "vesin"),
    ),
    "so3krates": ModelEntry(
        title="SO3krates",
        module="baselines.so3krates",
        class_name="SO3krates",
        config_name="SO3kratesConfig",
        backend="flax",
        package="flax",
        extra="so3krates",
        reference="10.1038/s41467-024-50620-6",
        datasets=ALL,
        traced=(
            "numpy",
            "jax",
            "jaxlib",
            "jax-cuda12-plugin",
            "jax-cuda13-plugin",
            "flax",
            "optax",
            "orbax-checkpoint",
            "vesin",
        ),
        devices=("cpu", "cuda"),
        framework="jax",
        needs=("jax", "jaxlib", "optax", "orbax-checkpoint", "vesin"),
    ),
    "physnet": ModelEntry(
        title="PhysNet",
        module="baselines.physnet",
        class_name="PhysNet",
        config_name="PhysNetConfig",
        backend="tensorflow",
        package="tensorflow",
        extra="physnet",
        reference="10.1021/acs.jctc.9b00181",
        datasets=("mini-i", "mini-ii"),
        traced=("numpy", "tensorflow", "tensorflow-cpu", "vesin"),
        devices=("cpu", "cuda"),
        framework="tensorflow",
        needs=("vesin",),
    ),
    "yukawa": ModelEntry(
        title="Yukawa",
        module="baselines.parametric",
        class_name="Yukawa",
        config_name="YukawaConfig",
        backend="vesin",
        package="vesin",
        extra="classical",
        reference="10.1103/PhysRevE.56.4671",
        datasets=("mini-hydrogen",),
        traced=("numpy", "scipy", "vesin"),
        needs=("scipy",),
    ),
    "tersoff": ModelEntry(
        title="Tersoff",
        module="baselines.parametric",
        class_name="Tersoff",
        config_name="TersoffConfig",
        backend="matscipy",
        package="matscipy",
        extra="classical",
        reference="10.1103/PhysRevB.39.5566",
        datasets=("mini-hydrogen",),
        traced=("numpy", "scipy", "vesin", "ase", "matscipy"),
        needs=("scipy", "vesin", "ase"),
    ),
    "uf3": ModelEntry(
        title="UF3",
        module="baselines.uf3",
        class_name="UF3",
        config_name="UF3Config",
        backend="uf3",
        package="uf3",
        extra="uf3",
        reference="10.1038/s41524-023-01092-7",
        datasets=("mini-hydrogen",),
        traced=("numpy", "scipy", "vesin", "uf3"),
        needs=("scipy", "vesin"),
    ),
    "pace": ModelEntry(
        title="PACE",
        module="baselines.pace",
        class_name="PACE",
        config_name="PACEConfig",
        backend="pyace",
        package="python-ace",
        extra="pace",
        reference="10.1038/s41524-021-00559-9",
        datasets=("mini-hydrogen",),
        traced=("numpy", "scikit-learn", "vesin", "ase", "python-ace"),
        needs=("pandas", "scikit-learn", "vesin", "ase"),
    ),
}
"""The models of this distribution, by name; :func:`models` has those of other packages too."""


GROUP = "tea.baselines"
"""Entry points of other packages that are a :class:`ModelEntry`, under the model's name."""


@functools.cache
def plugged() -> dict[str, ModelEntry]:
    """The models that other installed packages bring, by name.

    What is no model, or has a name that is taken, is named in a
    :class:`~teadata.plugins.PluginWarning` and passed over.
    """
    found: dict[str, ModelEntry] = {}
    taken = dict.fromkeys(MODELS, plugins.OURS)
    for plugin in plugins.loaded(GROUP):
        try:
            model_entry = _checked(plugin.value)
        except TeaError as error:
            plugin.pass_over(error)
            continue
        if plugin.name in taken:
            plugin.pass_over(f"{taken[plugin.name]} has a model {plugin.name!r} already")
        elif not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", plugin.name):
            plugin.pass_over("expected a name of small letters and digits, joined by hyphens")
        else:
            taken[plugin.name] = plugin.package
            found[plugin.name] = model_entry
    return found


def _checked(value: Any) -> ModelEntry:
    """The entry of a model of another package, every field of its type, else a TeaError."""
    expect(value, ModelEntry, "a baselines.registry.ModelEntry")
    try:
        return TypeAdapter(ModelEntry).validate_python(vars(value))
    except ValidationError as error:
        raise DataError(f"not a ModelEntry: {what_is_wrong(error)}") from None


def models() -> dict[str, ModelEntry]:
    """The models that can be trained, by name: :data:`MODELS`, then those of other packages."""
    return MODELS | plugged()


def entry(name: str) -> ModelEntry:
    """Look up the entry of a model.

    Raises
    ------
    UsageError
        If there is no such model.
    """
    expect(name, str, "the name of a model, see baselines.MODELS")
    if name in MODELS:  # no plugin is imported for it
        return MODELS[name]
    if name not in (known := models()):
        raise unknown_name("model", name, known)
    return known[name]


def load_model(
    name: str, configuration: str = "quick", seed: int = 0, device: str = "cpu"
) -> Baseline[Any, Any]:
    """Make an untrained model with a configuration.

    Parameters
    ----------
    name
        One of :func:`models`.
    configuration
        Name of a shipped configuration, or path of a YAML file.
    seed
        Seed of everything random in the training.
    device
        ``"cpu"``, or ``"cuda"`` for a model that can use it.

    Raises
    ------
    UsageError
        If there is no such model, configuration or device.
    DataError
        If the configuration is not valid.
    """
    model_entry = entry(name)
    if device not in model_entry.devices:
        raise unknown_name(f"device of {name}", device, model_entry.devices)
    model, kind = model_entry.classes()
    return model(config.read(kind, name, configuration, model_entry.configs), seed, device)
