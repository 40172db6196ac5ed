"""Examine, score, compare and verify predictions."""
