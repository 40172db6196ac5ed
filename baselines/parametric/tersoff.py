"""A Tersoff bond-order potential, fitted to energies, forces and stress.

Tersoff, Phys. Rev. B 39, 5566 (1989), evaluated by matscipy.  What is fitted are the parameters
of the equivalent form of Brenner, Phys. Rev. B 42, 9458 (1990): depth, length, slope and
asymmetry of a bond, of which bounds can be told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import model_validator

from baselines.fields import Count, NotNegative, Positive
from baselines.parametric.objective import WeightedConfig, labels, weighted
from baselines.parametric.parameters import Parameters, Parametrised
from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, FitResult
from baselines.toolkit.identity import SearchFile, identity_of
from baselines.toolkit.labels import the_element, validation_errors
from teadata import Frames
from teadata.errors import MissingExtraError
from teadata.typing import Floats, Progress

STARTS_FILE = "starts.json"
"""In the workdir: the training's identity, and the result of every start that has finished."""

FITTED = ("depth", "length", "asymmetry", "slope", "gamma", "n", "c", "d", "h", "lambda3")
"""Fitted parameters in their order; the first eight by their logarithms.

Depth in eV, length in Å, asymmetry S − 1, slope and lambda3 in 1/Å: the bond of two atoms is
depth/(S − 1) · (exp(−slope √(2S) (r − length)) − S exp(−slope √(2/S) (r − length))).
"""

LOGARITHMIC = 8

START = (4.7509, 0.74144, 1.3432, 1.9436, 12.33, 1.1, 0.5, 1.0, 0.0, 4.0)
"""Where a fit begins.

Depth to gamma and lambda3 are those of hydrogen in Juslin et al., J. Appl. Phys. 98, 123520
(2005), as matscipy has them.  There the angle plays no part (c = 0) and n is 1: values nearby,
from where both can move.
"""

LOWER = (0.5, 0.5, 0.05, 0.5, 1e-3, 1.0, 1e-2, 0.1, -1.5, 0.0)
UPPER = (20.0, 1.2, 20.0, 5.0, 1e3, 5.0, 1e2, 10.0, 1.5, 8.0)
"""Bounds of the parameters.

With S above 1 the repulsion outweighs the attraction at short distances, whatever the
neighbours.  With n below 1 the force on a neighbour that enters would be without bound.
"""


class TersoffConfig(WeightedConfig):
    """Settings of a Tersoff potential.

    Parameters
    ----------
    inner, outer
        Å; between them a bond is switched off (R and S of the paper).  Not fitted.
    starts
        Fits from different parameters, of which the one of least validation loss is kept.  The
        first begins at :data:`START`, the others at random around it.
    spread
        Standard deviation of the logarithms of the parameters of the random starts, and of the
        parameters that are not fitted by their logarithms.
    evaluations
        Most evaluations of the loss in a fit, not counting those for its derivatives.
    """

    inner: Positive
    outer: Positive
    starts: Count
    spread: NotNegative
    evaluations: Count

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.inner >= self.outer:
            raise ValueError(f"inner {self.inner:g} Å is not below outer {self.outer:g} Å")
        return self


class TersoffParameters(Parameters):
    """A Tersoff potential in eV and Å, by the names of :func:`bond_order.evaluate`."""

    form: dict[str, float]


def vector_of(values: Any) -> Floats:
    """Make the vector (10,) that is fitted, from parameters in the order of :data:`FITTED`."""
    vector = np.array(values, dtype=np.float64)
    vector[:LOGARITHMIC] = np.log(vector[:LOGARITHMIC])
    return vector


def form_of(vector: Floats, inner: float, outer: float) -> dict[str, float]:
    """Convert the vector that is fitted, and cutoffs in Å, to Tersoff's parameters in eV and Å."""
    values = vector.copy()
    values[:LOGARITHMIC] = np.exp(values[:LOGARITHMIC])
    depth, length, asymmetry, slope, gamma, n, c, d, h, lambda3 = (float(v) for v in values)
    s = 1 + asymmetry
    repulsive, attractive = slope * np.sqrt(2 * s), slope * np.sqrt(2 / s)
    return {
        "A": float(depth / asymmetry * np.exp(repulsive * length)),
        "B": float(s * depth / asymmetry * np.exp(attractive * length)),
        "lambda": float(repulsive),
        "mu": float(attractive),
        "beta": gamma,
        "n": n,
        "c": c,
        "d": d,
        "h": h,
        "lambda3": lambda3,
        "r1": inner,
        "r2": outer,
    }


class Tersoff(Parametrised[TersoffConfig, TersoffParameters]):
    """A Tersoff potential of one element."""

    title = "Tersoff"
    layout = "tea-benchmark Tersoff 1"
    parameters_class = TersoffParameters

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Fit from several starts, and keep the best on the validation frames.

        Starts that have finished are not repeated when an
        interrupted fit is taken up; the one that was running is.
        """
        element = the_element(train, valid, self.title)
        identity = identity_of(self.config, self.seed, train, valid)
        done = _Starts(identity, self, workdir)
        problem = _Problem(self.config, train, valid)
        for number in range(len(done.results), self.config.starts):
            task = f"fit {number + 1}/{self.config.starts}"
            result = problem.fitted(done.start(number), task, progress)
            done.add({"start": float(number), **result})
        best = min(done.results, key=lambda result: result["valid_loss"])
        vector = vector_of([best[name] for name in FITTED])
        fitted = TersoffParameters(
            format=self.layout,
            element=element,
            energy_per_atom=best["energy_per_atom"],
            form=form_of(vector, self.config.inner, self.config.outer),
        )
        self.use(fitted)
        self.save(workdir / self.model_file)
        chosen = {name: best[name] for name in ("start", *FITTED)}
        return FitResult(chosen, validation_errors(self.predict(valid), valid), done.results)

    def _evaluate(self, fitted: TersoffParameters, frames: Frames) -> Predicted:
        from baselines.parametric.bond_order import Bonds, evaluate

        bonds = evaluate(fitted.form, Bonds(frames, fitted.form["r2"]))
        return bonds._replace(energies=bonds.energies + frames.n_atoms * fitted.energy_per_atom)


class _Problem:
    """The least-squares problem of some frames; the energy per atom follows by itself."""

    def __init__(self, config: TersoffConfig, train: Frames, valid: Frames) -> None:
        from baselines.parametric.bond_order import Bonds

        self.config = config
        self.train, self.valid = Bonds(train, config.outer), Bonds(valid, config.outer)

    def errors(self, vector: Floats, energy_per_atom: float | None = None) -> tuple[Floats, float]:
        """Compute weighted errors, and the best-fitting energy per atom in kcal/mol.

        Of the training frames; of the validation frames if the energy per atom is given.
        """
        from baselines.parametric.bond_order import evaluate

        bonds = self.train if energy_per_atom is None else self.valid
        frames = bonds.frames
        predicted = evaluate(form_of(vector, self.config.inner, self.config.outer), bonds)
        if energy_per_atom is None:
            energy_per_atom = float((frames.energies - predicted.energies).mean() / frames.n_atoms)
        whole = predicted.energies + frames.n_atoms * energy_per_atom
        target = weighted(labels(frames), frames, self.config)
        predicted_values = weighted(predicted._replace(energies=whole), frames, self.config)
        return predicted_values - target, energy_per_atom

    def fitted(self, start: Floats, task: str, progress: Progress) -> dict[str, float]:
        """Fit from a start: the best parameters near it, with their losses."""
        try:
            from scipy.optimize import least_squares
        except ImportError:
            raise MissingExtraError("scipy", "classical", "a Tersoff potential") from None
        # SciPy counts the evaluations of a step, and takes one more per parameter for its slope.
        total, calls = self.config.evaluations * (len(FITTED) + 1), 0

        def errors(vector: Floats) -> Floats:
            nonlocal calls
            calls += 1
            progress(task, min(calls, total), total)
            return self.errors(vector)[0]

        solution = least_squares(
            errors,
            start,
            bounds=(vector_of(LOWER), vector_of(UPPER)),
            x_scale="jac",
            max_nfev=self.config.evaluations,
        )
        trained, energy_per_atom = self.errors(solution.x)
        validated, _ = self.errors(solution.x, energy_per_atom)
        values = solution.x.copy()
        values[:LOGARITHMIC] = np.exp(values[:LOGARITHMIC])
        return {
            "train_loss": float(trained @ trained),
            "valid_loss": float(validated @ validated),
            "evaluations": float(solution.nfev),
            "energy_per_atom": energy_per_atom,
            **dict(zip(FITTED, (float(value) for value in values), strict=True)),
        }


class _Starts:
    """The starts of a fit, and the results that a workdir already holds."""

    def __init__(self, identity: dict[str, Any], model: Tersoff, workdir: Path) -> None:
        self.config, self.seed, self.log = model.config, model.seed, workdir / LOG_FILE
        kind = "the starts of a Tersoff fit"
        self.file = SearchFile(workdir / STARTS_FILE, identity, kind, ("results",))
        self.results: list[dict[str, float]] = self.file.read()["results"]

    def start(self, number: int) -> Floats:
        """Return the vector that a start begins at, within the bounds."""
        vector = vector_of(START)
        if number:
            rng = np.random.default_rng([self.seed, number])
            vector += self.config.spread * rng.normal(size=len(vector))
        return np.clip(vector, vector_of(LOWER), vector_of(UPPER))

    def add(self, result: dict[str, float]) -> None:
        """Store the result of a start in the workdir."""
        self.results.append(result)
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(", ".join(f"{key} {value:.6g}" for key, value in result.items()) + "\n")
        self.file.write(results=self.results)
