"""Defaults that the commands show, apart from what takes time to import."""

REPLICATES = 1000
"""Bootstrap samples behind the interval of a MAX."""

SIGN_PATTERNS = 20_000
"""Sign patterns behind a p-value, where there are too many units to count all of them."""
