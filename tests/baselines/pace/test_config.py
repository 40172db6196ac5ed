"""Settings that cannot be."""

from __future__ import annotations

import pytest

from baselines import config
from baselines.pace import PACEConfig
from teadata.errors import DataError


def test_impossible_settings_are_refused(case):
    with pytest.raises(DataError, match="radial has 3 body orders, angular 2"):
        config.parse(
            PACEConfig, case("pace").config.model_dump() | {"angular": [0, 2]}, "mine.yaml"
        )
