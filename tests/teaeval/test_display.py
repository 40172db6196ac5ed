"""Objects fit on a line of a session, are tables in a notebook, and become DataFrames."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import teadata
import teaeval
from teadata.errors import UsageError
from teaeval import published
from teaeval.published.select import to_pandas


@pytest.fixture(scope="module")
def objects(mini_i, scores, made):
    first, second = made("mini-i", "folded", "a"), made("mini-i", "folded", "<b>", seed=1)
    compared = teaeval.compare(first, second, replicates=100)
    from baselines.config import read
    from baselines.registry import entry
    from baselines.toolkit.calculator import BaselineCalculator

    model, config = entry("sgdml").classes()
    baseline = model(read(config, "sgdml", "quick"))
    return {
        "Frames": mini_i.split("folded/train/200"),
        "Dataset": mini_i,
        "SplitTable": mini_i.splits,
        "DatasetCard": mini_i.card,
        "Prediction": first,
        "Score": scores[0],
        "Row": scores[0].rows[0],
        "Comparison": compared,
        "ComparedRow": compared.rows[0],
        model.__name__: baseline,
        "BaselineCalculator": BaselineCalculator(baseline),
    }


def test_one_line_each_and_a_table(objects):
    for name, item in objects.items():
        text = repr(item)
        assert text.startswith(f"{name}(")
        assert "\n" not in text
        assert len(text) < 300
        if name == "DatasetCard":
            continue
        page = ET.fromstring(item._repr_html_())
        assert page.tag == "table"
        assert page.findall(".//td")


def test_names_of_others_are_text(objects):
    assert "<b>" not in objects["Comparison"]._repr_html_()


def test_warnings_and_failed_frames_are_shown_as_the_command_prints_them(made):
    good = made("mini-i", "folded", "a")
    energies = good.energies[:] + 500.0
    energies[3] = np.nan
    score = teaeval.score(
        dataclasses.replace(good, energies=energies), allow_failed=True, replicates=0
    )
    assert "frames=2499 of 2500 (INCOMPLETE)" in repr(score)
    assert "warnings=[not-finite-energy, energy-offset]" in repr(score)
    page = score._repr_html_()
    notes = [cell.text for cell in ET.fromstring(page).findall("tfoot/tr/td")]
    assert notes[0].startswith("INCOMPLETE: 1 of 2500 frames failed (0 missing, 1 not finite)")
    assert notes[1:] == [f"warning: {text}" for text in score.warnings]
    compared = teaeval.compare(good, good, replicates=10)
    assert "warnings=[A and B predict the same]" in repr(compared)
    assert "warning: A and B predict the same" in compared._repr_html_()
    test = teadata.load("mini-i").split("folded/test")
    itself = dataclasses.replace(good, energies=test.energies, forces=test.forces)
    assert "reference-itself" in repr(teaeval.score(itself, replicates=0))


def test_data_frames(objects, mini_i):
    score, compared = objects["Score"], objects["Comparison"]
    table = score.to_pandas()
    assert table["mae"].tolist() == [row.mae for row in score.rows]
    assert set(table["model"]) == {"sGDML"}
    table = compared.to_pandas()
    assert len(table) == 2 * len(compared.rows)
    table = mini_i.splits.to_pandas()
    chosen = table[(table["subset"] == "folded") & (table["role"] == "test")]
    assert chosen["frame"].tolist() == mini_i.splits.ids("folded/test").tolist()
    assert mini_i.card.to_pandas()["subset"].tolist() == list(mini_i.card.subsets)
    assert len(to_pandas("si7", challenge="I", model="MACE")) == len(
        [e for e in published.entries() if (e.challenge, e.model) == ("I", "MACE")]
    )


def test_recorded_accuracy_as_a_data_frame():
    from baselines.accuracy import record

    some = record.read_records(record.RECORDS, "sgdml")[0]
    table = some.to_pandas()
    training = some.trainings[0]
    subset = next(iter(training.seeds[0].tests))
    chosen = table[(table["train"] == training.train) & (table["test"] == subset)]
    assert chosen[chosen["quantity"] == "F"]["mae"].tolist() == training.values(subset, "F")


def test_a_training_record_is_a_line_and_a_row(repository):
    from baselines.runs.record import TrainingRecord

    record = TrainingRecord.read(repository / "examples/mini-i_folded_sgdml.record.json")
    assert repr(record).startswith("TrainingRecord(model=sgdml, dataset=mini-i@")
    assert len(repr(record)) < 200
    (row,) = record.to_pandas().to_dict("records")
    assert row["valid_force_mae"] == record.valid["force_mae"]


def test_a_plot_shows_itself(made):
    from teaeval.plots import errors
    from teaeval.plots.error_summary import summarise
    from teaeval.scores.examine import examine

    plot = errors.parity([summarise(examine(made("mini-i", "folded", "a")))])
    assert len(repr(plot)) < 80
    assert plot._repr_png_().startswith(b"\x89PNG")
    assert "base64" in plot._repr_html_()
    assert len(plot.to_pandas()) == len(plot.data)


def test_pandas_is_asked_for_only_when_it_is_needed():
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "import teadata, teaeval\n"
        "table = teadata.load('mini-i').splits\n"
        "repr(table)\n"
        "try:\n    table.to_pandas()\n"
        "except teadata.TeaError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[pandas]" in done.stdout


def test_what_there_is():
    assert "mini-i" in teadata.list()
    assert teadata.list() == list(dict.fromkeys(card.id for card in teadata.cards()))
    names = list(teadata.load("mini-i").splits)
    assert "folded/test" in names
    assert all(len(teadata.load("mini-i").splits.ids(name)) for name in names)


def test_scores_of_files_are_a_data_frame(prediction_file, run, tmp_path):
    score = tmp_path / "score.json"
    score.write_text(teaeval.score(prediction_file, replicates=0).model_dump_json())
    table = teaeval.scores([score, prediction_file])
    assert table["quantity"].tolist().count("F") == 2
    assert np.allclose(*(table[table["quantity"] == "F"]["mae"].to_numpy()[i] for i in (0, 1)))


def test_files_and_names_in_place_of_objects(prediction_file, mini_i):
    path = str(prediction_file)
    rows = teaeval.score(path, dataset="mini-i", replicates=0).rows
    assert rows == teaeval.score(prediction_file, mini_i, replicates=0).rows
    assert teaeval.compare(path, prediction_file, replicates=10).frames == 2500
    assert teaeval.check(path)[1] == []


def test_mistakes_have_a_sentence(prediction_file, scores):
    with pytest.raises(UsageError, match="did you mean 'F'"):
        scores[0].row("f")
    with pytest.raises(UsageError, match="path of its file, found int"):
        teaeval.score(3)
    with pytest.raises(UsageError, match="a dataset or its id, found float"):
        teaeval.score(prediction_file, 1.5)
    with pytest.raises(UsageError, match="did you mean 'energy_unit'"):
        teaeval.read_prediction(prediction_file, energy_units="eV")
