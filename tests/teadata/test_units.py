import pytest

from teadata import units
from teadata.errors import UsageError


def test_factors_agree_with_the_codes_that_users_convert_with():
    # ASE's CODATA 2014 and ours of 2018 differ by less than 1e-8
    from ase import units as ase_units

    kcal = ase_units.kcal / ase_units.mol
    assert units.EV * kcal == pytest.approx(1, abs=2e-8)
    assert units.HARTREE * kcal / ase_units.Hartree == pytest.approx(1, abs=2e-8)
    assert pytest.approx(ase_units.Bohr, rel=2e-9) == units.BOHR
    assert units.ENERGY_UNITS["kJ/mol"] * 4.184 == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "name"),
    [("ev", "eV"), (" KCAL/MOL ", "kcal/mol"), ("Ha", "Hartree"), ("hartree", "Hartree")],
)
def test_common_spellings_of_energy_units(text, name):
    assert units.energy_unit(text) == name


@pytest.mark.parametrize("text", ["Å", "Ang", "angstrom", "\N{ANGSTROM SIGN}"])
def test_common_spellings_of_angstrom(text):
    assert units.length_factor(text) == 1


def test_force_factor_is_energy_over_length():
    assert units.force_factor("Hartree", "Bohr") == pytest.approx(627.5094740631 / 0.529177210903)


def test_unknown_unit_names_those_there_are():
    with pytest.raises(UsageError, match=r"'kcal'; expected one of: kcal/mol, .*Hartree"):
        units.energy_unit("kcal")


def test_a_system_of_units_has_the_units_that_follow_from_energy_and_length():
    system = units.UnitSystem("ev", "a0")
    assert (system.force, system.stress) == ("eV/Bohr", "eV/Bohr³")
    assert system.factors["stress"] == pytest.approx(units.EV / units.BOHR**3)
    assert units.INSIDE.factors == dict.fromkeys(units.INSIDE.factors, 1.0)
