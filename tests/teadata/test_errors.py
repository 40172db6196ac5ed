from __future__ import annotations

import pickle
import re
import shlex
import sys
from pathlib import Path

import pytest

from teadata.errors import (
    IncompleteError,
    MissingExtraError,
    UsageError,
    install_command,
    restated,
    unknown_name,
)


def test_a_near_name_is_suggested_and_a_far_one_is_not():
    assert str(unknown_name("subset", "foldet", ["folded", "other"])) == (
        "unknown subset 'foldet'; expected one of: folded, other (did you mean 'folded'?)"
    )
    assert "did you mean" not in str(unknown_name("subset", "xyz", ["folded", "other"]))


def test_of_many_names_the_nearest_are_named_and_what_lists_all():
    names = [f"mol-{i:03d}" for i in range(200)] + ["ethanol-ccsd-of-2023", "Water"]
    message = str(unknown_name("dataset", "mol-15", names, "teadata list"))
    assert message.startswith("unknown dataset 'mol-15'; expected one of 202, such as mol-15")
    assert "; `teadata list` lists all (did you mean 'mol-15" in message
    assert message.count("mol-") == 8
    assert "such as ethanol-ccsd-of-2023, " in str(unknown_name("dataset", "ccsd", names))
    assert str(unknown_name("dataset", "WATER", names)).endswith("(did you mean 'Water'?)")
    assert "lists all" not in str(unknown_name("dataset", "xyz", names[:20], "teadata list"))
    with pytest.raises(UsageError, match=r"one of 202, such as .*lists all, found int 3") as caught:
        raise unknown_name("dataset", 3, names, "teadata list")
    assert len(str(caught.value)) < 200


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


def test_an_error_is_restated_whatever_its_class_takes():
    missing = MissingExtraError("mace-torch", "mace", "MACE")
    again = restated(missing, f"campaign.yaml: {missing}")
    assert isinstance(again, MissingExtraError)
    assert str(again).startswith("campaign.yaml: MACE needs the package 'mace-torch'")
    incomplete = restated(IncompleteError("say the unit", ["--energy-unit", "eV"]), "a.xyz: say it")
    assert (str(incomplete), incomplete.options) == ("a.xyz: say it", ("--energy-unit", "eV"))
