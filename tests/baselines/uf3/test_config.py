"""Settings that cannot be."""

from __future__ import annotations

import pytest

from baselines import config
from baselines.uf3 import UF3Config
from teadata.errors import DataError


def test_impossible_settings_are_refused(case):
    with pytest.raises(DataError, match=r"trio_cutoff 5 Å is above pair_cutoff 4 Å"):
        config.parse(UF3Config, case("uf3").config.model_dump() | {"trio_cutoff": 5.0}, "mine.yaml")
