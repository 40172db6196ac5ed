"""Equations of both sizes against the least squares of all rows at once."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
import torch

from baselines.fchl.regression import KernelEquations, NormalEquations, equations_for


@pytest.fixture(scope="module")
def rows():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(40, 200, dtype=torch.float64, generator=generator)
    return values, torch.randn(200, dtype=torch.float64, generator=generator)


def accumulated(values, targets, block=33, kind=NormalEquations):
    size = (len(values),) if kind is NormalEquations else (len(targets), len(values))
    equations = kind(*size, "cpu")
    for start in range(0, len(targets), block):
        part = slice(start, start + block)
        equations.add(values[:, part].T, targets[part])
    return equations


@pytest.mark.parametrize("solver", ["svd", "cholesky"])
@pytest.mark.parametrize(
    ("kind", "count", "block"),
    [
        (NormalEquations, 200, 1),
        (NormalEquations, 200, 33),
        (NormalEquations, 200, 200),
        (KernelEquations, 25, 1),
        (KernelEquations, 25, 7),
        (KernelEquations, 25, 25),
    ],
)
def test_solution_is_ridge_regression(rows, solver, kind, count, block):
    values, targets = rows[0][:, :count], rows[1][:count]
    found = accumulated(values, targets, block, kind).solve([1e-9, 2.0], solver).coefficients
    for k, value in enumerate((1e-9, 2.0)):
        stacked = torch.cat((values.T, value**0.5 * torch.eye(40, dtype=torch.float64)))
        padded = torch.cat((targets, torch.zeros(40, dtype=torch.float64)))
        expected = torch.linalg.lstsq(stacked, padded[:, None]).solution[:, 0]
        torch.testing.assert_close(found[:, k], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", [NormalEquations, KernelEquations])
def test_singular_values_give_the_solution_of_least_norm(rows, kind):
    """With fewer rows than features, and hardly any regularisation."""
    values, targets = rows[0][:, :25], rows[1][:25]
    found = accumulated(values, targets, kind=kind).solve([1e-14], "svd").coefficients[:, 0]
    expected = torch.linalg.pinv(values.T) @ targets
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_the_smaller_matrix_is_taken():
    assert isinstance(equations_for(39, 40, "cpu"), KernelEquations)
    assert isinstance(equations_for(40, 40, "cpu"), NormalEquations)


@pytest.mark.parametrize("kind", [NormalEquations, KernelEquations])
def test_a_row_that_is_there_twice_is_solved_by_singular_values(rows, kind):
    """As with two equal frames, of which both matrices are singular."""
    values = torch.cat((rows[0][:, :12], rows[0][:, :12]), dim=1)
    targets = torch.cat((rows[1][:12], rows[1][:12]))
    found = accumulated(values, targets, kind=kind).solve([1e-14], "svd").coefficients[:, 0]
    expected = torch.linalg.pinv(values.T) @ targets
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_a_singular_matrix_loses_its_lambda_and_no_other(rows):
    equations = accumulated(torch.ones(40, 3, dtype=torch.float64), rows[1][:3])
    found = equations.solve([1e-30, 1.0], "cholesky")
    assert found.lambdas == [1.0]
    assert found.coefficients.shape == (40, 1)
    assert found.lost[1e-30].startswith("the normal equations are not positive definite")
    assert equations.solve([1e-30], "cholesky").coefficients.shape == (40, 0)


@pytest.mark.parametrize("solver", ["svd", "cholesky"])
def test_coefficients_that_are_not_finite_are_lost(rows, solver):
    equations = accumulated(rows[0], torch.full((200,), torch.nan, dtype=torch.float64))
    found = equations.solve([1.0], solver)
    assert found.lambdas == []
    assert "not finite" in found.lost[1.0]
