"""Kinds of numbers that settings of models are, each with the range that is checked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(gt=0)]
"""How many of something: at least one."""

Several = Annotated[int, Field(gt=1)]
"""How many of something: at least two."""

CountOrZero = Annotated[int, Field(ge=0)]
"""How many of something: none, too."""

Positive = Annotated[float, Field(gt=0)]
"""A length, a time or another number above zero."""

NotNegative = Annotated[float, Field(ge=0)]
"""A number that is zero or above it."""

Fraction = Annotated[float, Field(gt=0, lt=1)]
"""A number between zero and one, neither of them."""
