"""Advice is given in the words of who reads it."""

from __future__ import annotations

import pytest

from teaeval.predictions.wording import OWN_LABELS, for_command, for_python, for_submission

ADVICE = [
    (
        "pass --energy-unit",
        "pass energy_unit, which teaeval.score and teaeval.read_prediction take",
    ),
    ("pass --reference-energy-unit", "pass energy_unit to teaeval.read_reference"),
    ("the option --dataset, states", "the argument dataset, states"),
    ("(--force-unit Hartree/Bohr)", '(force_unit="Hartree/Bohr")'),
    ("score it with --dataset mini-i@1.0.0, or", 'score it with dataset="mini-i@1.0.0", or'),
    ("teaeval score --fix per-atom does so", 'teaeval.score(…, fixes=["per-atom"]) does so'),
    ("score with --allow-failed", "score with teaeval.score(…, allow_failed=True)"),
    ("first --reference-energy-unit or", "first energy_unit of teaeval.read_reference or"),
    ("the option --reference-forces-key", "the argument forces_key of teaeval.read_reference"),
]


@pytest.mark.parametrize(("command", "python"), ADVICE)
def test_options_are_arguments_in_python(command, python):
    assert for_python(command) == python


def test_what_a_command_has_no_option_for_is_declared_elsewhere():
    known = {"--energy-unit", "--reference"}
    assert for_command("pass --energy-unit", known) == "pass --energy-unit"
    assert for_command("pass --subset", known) == "pass --subset to `teaeval declare`"
    assert OWN_LABELS in for_command(f"pass --dataset{OWN_LABELS}", known)
    assert for_command(f"pass --dataset{OWN_LABELS}", ()) == "pass --dataset to `teaeval declare`"
    line = "write the line `energy_unit: …` of a file beside it, its name and .yaml"
    assert for_command("pass --reference-energy-unit", ()) == line


def test_a_submission_says_it_below_the_file():
    said = for_submission(f"pass --dataset{OWN_LABELS}")
    assert said == "write the line `dataset: …` below it in submission.yaml"
    assert for_submission("name it with --energy-key").endswith("--energy-key of `teaeval declare`")
