"""Published numbers are filtered; an unknown name is answered with the known ones."""

from __future__ import annotations

import pytest

from teadata.errors import UsageError
from teaeval.published import select


def test_select_filters():
    rows = select.select("si7", model="fchl", challenge="iii", quantity="E")
    assert [r["value"] for r in rows] == [211, 211, 219]
    assert {r["model"] for r in select.select("settings", challenge="IV")} == {
        "MACE", "SO3krates", "FCHL19*", "SOAP/GAP"
    }  # fmt: skip
    with pytest.raises(UsageError, match="did you mean 'sGDML'"):
        select.select("si7", model="sGDMLL")
    with pytest.raises(UsageError, match="--task"):
        select.select("costs", task="folded->folded")
    with pytest.raises(UsageError, match="expected one of: complete->complete"):
        select.select("si7", challenge="IV", task="folded->folded")
