"""Scores of predictions: checked, compared with the reference, recorded, verified."""
