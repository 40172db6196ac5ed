"""Defaults that the commands show, apart from what takes time to import."""

REPLICATES = 1000
"""Bootstrap resamples behind an interval."""
