"""The names of the site's pages, from names that strangers chose."""

from __future__ import annotations

import hashlib
import re

DIGITS = 16
"""Digits of a checksum in a name: so many that nobody finds a text of another's page."""


def slug(text: str) -> str:
    """A part of a file's name: letters and digits of a text, and of its SHA-256."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}".lstrip("-")


def model_page(model: str) -> str:
    """The page of a model."""
    return f"model-{slug(model)}.html"


def task_page(dataset: str, task: str, checksums: str) -> str:
    """The page of a task of a dataset, whose frames and splits have checksums."""
    return f"task-{slug(f'{dataset} {task} {checksums}')}.html"


def dataset_page(dataset: str) -> str:
    """The page of a dataset."""
    return f"dataset-{slug(dataset)}.html"
