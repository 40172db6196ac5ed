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


@pytest.mark.parametrize("text", ["hartree/bohr", "Ha / a0", "EH/Bohr", "a.u./a.u."])
def test_common_spellings_of_force_units(text):
    assert units.force_unit(text) == "Hartree/Bohr"
    assert units.force_unit("kcal/mol/Ang") == "kcal/mol/Å"


@pytest.mark.parametrize("text", ["hartree", "bohr", "hartree/", "kcal/mol", "bohr/hartree", ""])
def test_what_is_no_force_unit_is_told_how_one_is_spelled(text):
    with pytest.raises(
        UsageError, match="a slash and a length unit, such as Hartree/Bohr"
    ) as found:
        units.force_unit(text)
    assert repr(text) in str(found.value)
    assert "Å, nm, Bohr" in str(found.value)


def test_a_system_of_units_may_have_a_unit_of_forces_of_its_own():
    mixed = units.UnitSystem("hartree", "ang", "ha/a0")
    assert str(mixed) == "Hartree, Å, Hartree/Bohr"
    assert mixed.further == {"force_unit": "Hartree/Bohr"}
    assert mixed.names["forces"] == "Hartree/Bohr"
    assert mixed.stress == "Hartree/Å³"
    assert mixed.factors["forces"] == pytest.approx(units.HARTREE / units.BOHR)
    assert mixed.factors["stress"] == units.HARTREE
    assert units.UnitSystem("eV", "Å", "eV/Å") == units.ASE
    assert units.ASE.further == {}
    assert units.UnitSystem.stated({"energy_unit": "eV", "length_unit": None}) == units.ASE


def test_a_system_of_units_has_the_units_that_follow_from_energy_and_length():
    system = units.UnitSystem("ev", "a0")
    assert (system.force, system.stress) == ("eV/Bohr", "eV/Bohr³")
    assert system.factors["stress"] == pytest.approx(units.EV / units.BOHR**3)
    assert units.INSIDE.factors == dict.fromkeys(units.INSIDE.factors, 1.0)


def test_rydberg_is_half_a_hartree():
    assert units.energy_unit("Rydberg") == units.energy_unit("ry") == "Ry"
    assert 2 * units.energy_factor("Ry") == pytest.approx(units.HARTREE, rel=1e-15)
    assert units.force_unit("ry/bohr") == "Ry/Bohr"
