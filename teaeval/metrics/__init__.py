"""Errors of predictions: their definitions, one pass over the frames, and how sure they are."""
