"""Features of frames: their rows of the regression, and predictions from coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from baselines.fchl.config import FCHLConfig
from baselines.fchl.dispatch import representation
from baselines.fchl.neighbours import Environments
from baselines.fchl.representation import Representation
from baselines.fchl.rows import Slopes
from baselines.fchl.sorf import Sorf
from teadata import Frames

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.fchl.regression import Equations
    from teadata.typing import Floats, Progress

FRAMES_ON_GPU, ROWS_ON_GPU = 64, 1 << 30
"""Frames, and bytes of their rows, that are made at once on a GPU, if the settings say fewer."""


class Reduction(NamedTuple):
    """Projection of the representations of the elements on their leading directions.

    ``vectors`` (E, M, d), orthonormal; zero where an element has fewer directions.
    """

    vectors: Tensor

    @classmethod
    def of(cls, representation: Representation, frames: Frames, d: int, batch: int) -> Reduction:
        """Compute the principal axes, without centring, of the representations in these frames."""
        import torch

        shape = len(representation.elements), representation.size, representation.size
        grams = torch.zeros(shape, dtype=torch.float64, device=representation.device)
        counts = [0] * len(representation.elements)
        for start in range(0, len(frames), batch):
            for env in representation.environments(frames[start : start + batch]):
                values = representation.values(env).double()
                grams[env.element].addmm_(values.T, values)
                counts[env.element] += len(env)
        vectors = torch.zeros(shape[0], shape[1], d, dtype=torch.float64)
        for element, count in enumerate(counts):
            kept = min(d, shape[1], count)
            axes = torch.linalg.eigh(grams[element].cpu())[1].flip(1)[:, :kept]
            vectors[element, :, :kept] = axes
        return cls(vectors)


class Features:
    """Random features of frames.

    Parameters
    ----------
    config
        The settings.
    elements
        Atomic numbers, in the order of the representation's blocks.
    reduction, sorf
        Projection and random features; they are taken to the device and the dtype.
    device
        ``"cpu"`` or ``"cuda"``.
    """

    def __init__(
        self,
        config: FCHLConfig,
        elements: Sequence[int],
        reduction: Reduction,
        sorf: Sorf,
        device: str,
    ) -> None:
        import torch

        self.config = config
        self.representation = representation(config, elements, device)
        self.dtype, self.device = self.representation.dtype, device
        self.vectors = reduction.vectors.to(device, self.dtype)
        self.sorf = sorf.to(device, self.dtype)
        layout = self.representation.layout
        self._touched = [
            torch.from_numpy(layout.touched(p)).to(device) for p in range(layout.elements)
        ]

    def rows(self, frames: Frames) -> tuple[Tensor, Tensor]:
        """Make the rows of a few frames: energies and forces are these times the coefficients.

        Returns
        -------
        energy
            (N, N_f), float64.
        force
            (N · A, 3, N_f), float64, per Å: minus the derivatives of the former.
        """
        import torch

        count, atoms, size = len(frames), frames.n_atoms, self.sorf.features
        energy = torch.zeros(count, size, dtype=torch.float64, device=self.device)
        force = torch.zeros(count * atoms, 3, size, dtype=torch.float64, device=self.device)
        groups: dict[int, list[Environments]] = {}
        for env in self.representation.environments(frames):
            groups.setdefault(env.element, []).append(env)
        for element, group in groups.items():
            slopes = self._slopes(element, group)
            angles = self.sorf.angles(slopes.values, element)
            frame = torch.cat([env.centre for env in group]) // atoms
            energy.index_add_(0, frame, (angles.cos() * self.sorf.amplitude).T)
            sines = angles.sin_().mul_(self.sorf.amplitude).to(self.dtype)
            self.representation.add_forces(force, self.sorf, element, slopes, sines)
        return energy, force

    def equations(
        self, frames: Frames, energies: Floats | None, progress: Progress, task: str
    ) -> Equations:
        """Make the equations of all rows, with these energies (N,) in kcal/mol or without any."""
        import torch

        from baselines.fchl.regression import equations_for

        rows = len(frames) * (3 * frames.n_atoms + (energies is not None))
        equations = equations_for(rows, self.sorf.features, self.device)
        step = self._rows_at_once(frames)
        for start in range(0, len(frames), step):
            part = slice(start, min(start + step, len(frames)))
            energy, force = self.rows(frames[part])
            if energies is not None:
                equations.add(energy, torch.from_numpy(energies[part]).to(self.device))
            targets = torch.tensor(frames.forces[part]).to(self.device)
            equations.add(force.flatten(0, 1), targets.flatten())
            progress(task, part.stop, len(frames))
        return equations

    def _rows_at_once(self, frames: Frames) -> int:
        """Frames whose rows are made at once: those of the settings, on a GPU more if they fit."""
        least = self.config.batch_size
        if self.device == "cpu":
            return least
        frame = 3 * frames.n_atoms * self.sorf.features * 8
        return max(least, min(FRAMES_ON_GPU, ROWS_ON_GPU // frame))

    def _slopes(self, element: int, group: list[Environments]) -> Slopes:
        """Project the representations of the atoms of an element, and their derivatives."""
        import torch

        vectors = self.vectors[element]
        values, slopes, targets, sources = [], [], [], []
        first = 0
        for env in group:
            represented, derivatives = self.representation.jacobian(env)
            values.append(represented @ vectors)
            own = vectors.new_zeros(len(env), 3, vectors.shape[1])
            for p, (part, derivative) in enumerate(zip(env.slots, derivatives, strict=True)):
                projected = derivative @ vectors[self._touched[p]]
                own -= projected.sum(dim=1)
                row, place = env.mask[:, part].nonzero(as_tuple=True)
                slopes.append(projected[row, place])
                targets.append(env.target[:, part][row, place])
                sources.append(row + first)
            slopes.append(own)
            targets.append(env.centre)
            sources.append(torch.arange(first, first + len(env), device=self.device))
            first += len(env)
        return Slopes(
            torch.cat(values).T.contiguous(),
            torch.cat(slopes),
            torch.cat(targets),
            torch.cat(sources),
        )

    def predict(self, frames: Frames, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict energies and forces of a few frames, for several sets of coefficients.

        Parameters
        ----------
        frames
            N frames.
        coefficients
            (N_f, k) in kcal/mol, float64.

        Returns
        -------
        energies
            (k, N) in kcal/mol, without the energies of the elements.
        forces
            (k, N, A, 3) in kcal/mol/Å.
        virials
            (k, N, 3, 3) in kcal/mol, ∂E/∂ε.
        """
        count, atoms, sets = len(frames), frames.n_atoms, coefficients.shape[1]
        energies = coefficients.new_zeros(sets, count)
        gradients = coefficients.new_zeros(sets, count * atoms, 3)
        virials = coefficients.new_zeros(sets, count, 3, 3)
        for env in self.representation.environments(frames):
            vectors = self.vectors[env.element]
            values = self.representation.values(env)
            angles = self.sorf.angles((values @ vectors).T.contiguous(), env.element)
            frame = env.centre // atoms
            atomic = coefficients.T @ angles.cos() * self.sorf.amplitude
            energies.index_add_(1, frame, atomic)
            sines = angles.sin_() * -self.sorf.amplitude
            for k in range(sets):
                slope = (sines * coefficients[:, k, None]).to(self.dtype)
                reduced = self.sorf.adjoint(slope, env.element).T
                edges = self.representation.pullback(env, reduced @ vectors.T).double()
                gradients[k].index_add_(0, env.target.flatten(), edges.flatten(0, 1))
                gradients[k].index_add_(0, env.centre, -edges.sum(dim=1))
                virial = edges.transpose(1, 2) @ env.vectors.double()
                virials[k].index_add_(0, frame, virial)
        return energies, -gradients.reshape(sets, count, atoms, 3), virials
