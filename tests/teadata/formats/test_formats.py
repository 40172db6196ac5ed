from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teadata import Frames, formats, units
from teadata.arrays import open_arrays
from teadata.errors import DataError, UsageError

finite = st.floats(allow_nan=False, allow_infinity=False, width=64, min_value=-1e12, max_value=1e12)


SUFFIXES = ["h5", "npz", "xyz", "parquet", "zarr", "zarr.zip"]
FIELDS = [field.name for field in dataclasses.fields(Frames)]


def same_bits(found: Frames, expected: Frames) -> None:
    for name in FIELDS:
        a, b = getattr(found, name), getattr(expected, name)
        assert (a is None) == (b is None), name
        if a is not None:
            assert (a.shape, a.tobytes()) == (b.shape, b.tobytes()), name


def shared_lattice(frames: Frames) -> bool:
    return len(frames) > 0 and bool((frames.cell == frames.cell[0]).all())


@st.composite
def any_frames(draw: st.DrawFn, most: int = 2**40) -> Frames:
    """None, one or some frames, molecules or periodic, with or without each optional field."""
    count, atoms = draw(st.integers(0, 4)), draw(st.integers(1, 5))
    periodic, stressed, known, heated = (draw(st.booleans()) for _ in range(4))
    cells = draw(st.sampled_from([1, count])) if periodic else 0
    tensors = arrays(np.float64, (cells, 3, 3), elements=st.floats(-9, 9))
    integers = arrays(np.int64, count, elements=st.integers(0, most), unique=True)
    return Frames(
        numbers=draw(arrays(np.int64, atoms, elements=st.integers(1, 118))),
        positions=draw(arrays(np.float64, (count, atoms, 3), elements=finite)),
        energies=draw(arrays(np.float64, count, elements=finite)),
        forces=draw(arrays(np.float64, (count, atoms, 3), elements=finite)),
        cell=np.resize(draw(tensors) + 20 * np.eye(3), (count, 3, 3)) if periodic else None,
        pbc=draw(st.tuples(*[st.booleans()] * 3).filter(any)) if periodic else (False,) * 3,
        stress=draw(arrays(np.float64, (count, 3, 3), elements=finite)) if stressed else None,
        ids=draw(integers),
        trajectories=draw(integers) % draw(st.sampled_from([7, 2**41])) if known else None,
        temperatures=draw(arrays(np.float64, count, elements=finite)) if heated else None,
    )


def refusal(frames: Frames, suffix: str) -> str | None:
    """What a format says that cannot hold these frames."""
    if suffix == "xyz" and len(frames) == 0:
        return "no frames"
    if (
        suffix == "xyz"
        and max(max(v) for v in (frames.ids, frames.trajectories) if v is not None) >= 2**31
    ):
        return "integers of 32 bits"
    if suffix == "npz" and frames.cell is not None and not shared_lattice(frames):
        return "holds one lattice"
    return None


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames=any_frames())
def test_every_format_gives_back_every_bit(suffix, frames):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"frames.{suffix}"
        if message := refusal(frames, suffix):
            with pytest.raises(DataError, match=message):
                formats.write(path, frames)
            assert not list(Path(folder).iterdir())
            return
        formats.write(path, frames)
        same_bits(formats.read(path), frames)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    frames=any_frames(most=2**20).filter(lambda f: len(f) and f.periodic and f.stress is not None)
)
def test_ase_reads_cell_pbc_and_stress_of_our_extxyz(frames):
    import ase.io

    symmetric = frames.stress + frames.stress.transpose(0, 2, 1)
    frames = Frames(**{name: getattr(frames, name) for name in FIELDS} | {"stress": symmetric})
    with tempfile.TemporaryDirectory() as folder:
        formats.write(Path(folder) / "f.xyz", frames)
        images = ase.io.read(Path(folder) / "f.xyz", index=":")
    for i, image in enumerate(images):
        np.testing.assert_array_equal(image.cell.array, frames.cell[i])
        np.testing.assert_array_equal(image.pbc, frames.pbc)
        # the numbers are kcal/mol/Å³, as the comment line says; order and sign are ASE's
        np.testing.assert_array_equal(image.get_stress(voigt=False), symmetric[i])
        xx, yy, zz, yz, xz, xy = image.get_stress()
        np.testing.assert_array_equal([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]], symmetric[i])


def test_the_sign_of_stress_is_ases(tmp_path):
    """Compressed argon wants to expand: negative stress in ASE, after our units and back."""
    import ase.build
    import ase.io
    from ase.calculators.lj import LennardJones
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = ase.build.bulk("Ar", cubic=True, a=4.9)
    atoms.calc = LennardJones(sigma=3.4, epsilon=0.0104, rc=8.0, smooth=True)
    cells = [atoms.cell.array * scale for scale in (0.9, 1.1)]
    images = []
    for cell in cells:
        image = atoms.copy()
        image.set_cell(cell, scale_atoms=True)
        image.calc = atoms.calc
        results = {"energy": image.get_potential_energy(), "forces": image.get_forces()}
        image.calc = SinglePointCalculator(image, stress=image.get_stress(), **results)
        images.append(image)
    frames = Frames.from_ase(images)
    formats.write(tmp_path / "f.xyz", frames)
    same_bits(formats.read(tmp_path / "f.xyz"), frames)
    for image, read in zip(images, ase.io.read(tmp_path / "f.xyz", index=":"), strict=True):
        np.testing.assert_allclose(read.get_stress() / units.EV, image.get_stress(), rtol=1e-14)
    squeezed, stretched = np.trace(frames.stress, axis1=1, axis2=2)
    assert squeezed < 0 < stretched


def test_ase_reads_our_extxyz_bit_for_bit(small, tmp_path):
    import ase.io

    path = tmp_path / "frames.xyz"
    formats.write(path, small, name="mini-i", theory="GFN2-xTB")
    images = ase.io.read(path, index=":")
    np.testing.assert_array_equal([image.positions for image in images], small.positions)
    np.testing.assert_array_equal([i.get_potential_energy() for i in images], small.energies)
    np.testing.assert_array_equal([image.get_forces() for image in images], small.forces)
    np.testing.assert_array_equal([image.info["frame_id"] for image in images], small.ids)
    assert images[0].info["energy_unit"] == "kcal/mol"
    assert images[0].get_chemical_formula("hill") == small.formula


def test_real_frame_of_challenge_iii(repository, tmp_path):
    import ase.io

    source = repository / "tests/data/challenge3_frame.extxyz"
    with pytest.raises(DataError, match=r"image 0 \(line 2\) has no energy_unit"):
        formats.read(source, "extxyz")
    declared = source.read_text().replace("energy=", "energy_unit=kcal/mol energy=", 1)
    path = tmp_path / "frame.xyz"
    path.write_text(declared)
    frame = formats.read(path)
    assert frame.formula == "C106H6N2"
    assert frame.periodic
    assert np.linalg.norm(frame.cell[0, 0]) == pytest.approx(17.25837925)
    assert np.linalg.norm(frame.cell[0, 2]) == pytest.approx(38.70524185)
    assert frame.energies[0] == -2602430.748856439  # every digit of a large total energy
    np.testing.assert_allclose(frame.forces.sum(axis=1), 0, atol=1e-6)
    reference = ase.io.read(source)
    np.testing.assert_array_equal(frame.positions[0], reference.positions)
    np.testing.assert_array_equal(frame.cell[0], reference.cell.array)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_unit_of_forces_of_their_own_is_stated_and_read(mini_i, tmp_path, suffix):
    frames, path = mini_i.split("folded/train/10"), tmp_path / f"f.{suffix}"
    formats.write(path, frames, units=units.UnitSystem("Hartree", "Å", "Hartree/Bohr"))
    found, stored = formats.read(path), open_arrays(path)
    np.testing.assert_allclose(found.forces, frames.forces, rtol=1e-14)
    np.testing.assert_allclose(found.energies, frames.energies, rtol=1e-14)
    assert units.force_unit(stored.stated(["force_unit"])) == "Hartree/Bohr"
    formats.write(path, frames, units=units.ASE)
    assert open_arrays(path).stated(["force_unit"]) is None


def test_stress_and_units_of_another_file(tmp_path):
    path = tmp_path / "f.xyz"
    line = (
        'energy=1.0 energy_unit=eV Lattice="9 0 0 0 9 0 0 0 9" '
        "Properties=species:S:1:pos:R:3:forces:R:3"
    )
    path.write_text(f'1\n{line} stress="1 2 3 4 5 6 7 8 9"\nH 0 0 0 1 0 0\n')
    np.testing.assert_allclose(
        formats.read(path).stress[0] / units.EV, np.arange(1.0, 10).reshape(3, 3).T
    )
    path.write_text(f'1\n{line} stress="1 2 3 4 5 6"\nH 0 0 0 1 0 0\n')
    with pytest.raises(DataError, match=r"image 0 \(line 2\) has 6 values for stress, expected 9"):
        formats.read(path)
    image = f'1\n{line} pbc="{{}} T T"\nH 0 0 0 1 0 0\n'
    path.write_text(image.format("T") + image.format("F"))
    with pytest.raises(DataError, match=r"image 0 and image 1 \(line 5\) differ in pbc"):
        formats.read(path)


@pytest.mark.parametrize("name", ["f.h5", "f.npz", "f.xyz", "f.parquet", "f.zarr.zip"])
def test_damaged_files_are_one_clear_error(small, tmp_path, name):
    path = tmp_path / name
    with pytest.raises(DataError, match=r"f\.[\w.]+: "):
        formats.read(path)
    formats.write(path, small)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"f\.[\w.]+: "):
        formats.read(path)
    path.write_text("nonsense\n")
    with pytest.raises(DataError, match=r"f\.[\w.]+: "):
        formats.read(path)


def test_a_write_that_fails_leaves_the_old_file(small, tmp_path, monkeypatch):
    path = tmp_path / "f.npz"
    path.write_text("precious")

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(DataError, match="No space left"):
        formats.write(path, small)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_path_below_a_file_is_one_clear_error(small, tmp_path, suffix):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(DataError, match="cannot be written"):
        formats.write(tmp_path / "file" / f"f.{suffix}", small)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_one_clear_error(suffix, run, tmp_path):
    """A limit on the size of files, which the kernel enforces as it does a full disk."""
    code = (
        "import sys, resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "sys.dont_write_bytecode = True  # other tests would find half of it\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"sys.argv = 'teadata export mini-i --split folded/test -o f.{suffix}'.split()\n"
        "from teadata.cli import main; main()"
    )
    (tmp_path / "full.py").write_text(code)
    (tmp_path / "disk").mkdir()
    done = run(tmp_path / "full.py", cwd=tmp_path / "disk")
    assert list((tmp_path / "disk").iterdir()) == []
    assert done.returncode == 1
    assert f"f.{suffix}: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_suffix_and_format(small, tmp_path):
    with pytest.raises(UsageError, match=r"'\.pdb'; expected one of: \.h5"):
        formats.write(tmp_path / "f.pdb", small)
    with pytest.raises(UsageError, match="'pdb'; expected one of: hdf5, npz, extxyz"):
        formats.read(tmp_path / "f.npz", "pdb")
