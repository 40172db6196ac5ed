"""Defaults that the commands show, apart from what takes time to import."""

REPLICATES = 1000
"""Bootstrap samples behind the interval of a MAX."""

MOST_REPLICATES = 1_000_000
"""Most samples or patterns that may be drawn; more add nothing to an interval but hours."""

SIGN_PATTERNS = 20_000
"""Sign patterns behind a p-value, where there are too many units to count all of them."""

WAIT = 30.0
"""Seconds to wait for a scheduler to answer, or for a piece that a cluster works on."""
