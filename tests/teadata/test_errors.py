from __future__ import annotations

import pickle
import re
import shlex
import sys
from pathlib import Path

import pytest

from teadata.errors import MissingExtraError, install_command, unknown_name


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
    assert re.search(r"python\S* -m pip install (-e )?'?\S*\[gap\]'", message)
    assert ("no wheel for Python 3.14: use Python 3.13" in message) == told
    assert "no wheel" not in str(MissingExtraError("ase", "ase", "conversion to ASE atoms"))


def test_the_command_that_installs_an_extra_is_of_this_checkout():
    import teadata

    *_, option, what = shlex.split(install_command("ase"))
    checkout = Path(teadata.__file__).parents[1]
    assert (option, what) == ("-e", f"{checkout}[ase]")
    assert "[ase]" in str(MissingExtraError("ase", "ase", "conversion to ASE atoms"))


def test_the_command_of_an_installed_package_names_it(monkeypatch, tmp_path):
    from teadata import errors

    monkeypatch.setattr(errors, "__file__", str(tmp_path / "teadata/errors.py"))
    assert install_command("md").endswith(" -m pip install 'tea-benchmark[md]'")


def test_a_missing_extra_survives_the_way_from_another_process():
    error = MissingExtraError("ase", "md", "molecular dynamics")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
