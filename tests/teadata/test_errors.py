from __future__ import annotations

import pickle
import sys

import pytest

from teadata.errors import MissingExtraError, unknown_name


def test_a_near_name_is_suggested_and_a_far_one_is_not():
    assert str(unknown_name("subset", "foldet", ["folded", "other"])) == (
        "unknown subset 'foldet'; expected one of: folded, other (did you mean 'folded'?)"
    )
    assert "did you mean" not in str(unknown_name("subset", "xyz", ["folded", "other"]))


@pytest.mark.parametrize(("version", "told"), [((3, 13), False), ((3, 14), True)])
def test_a_missing_extra_says_how_to_install_it_and_where_it_has_no_wheel(
    monkeypatch, version, told
):
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    message = str(MissingExtraError("quippy-ase", "gap", "SOAP/GAP"))
    assert "python -m pip install 'tea-benchmark[gap]'" in message
    assert ("no wheel for Python 3.14: use Python 3.13" in message) == told
    assert "no wheel" not in str(MissingExtraError("ase", "ase", "conversion to ASE atoms"))


def test_a_missing_extra_survives_the_way_from_another_process():
    error = MissingExtraError("ase", "md", "molecular dynamics")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
