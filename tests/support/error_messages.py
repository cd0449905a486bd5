"""Check of the three lines of an error: found, expected, remedy."""

from __future__ import annotations

from energyforecast.errors import EnergyForecastError


def three_lines(error: EnergyForecastError, *named: str) -> str:
    """The message, after a check that it has three lines and names each of some words."""
    lines = str(error).splitlines()
    assert len(lines) == 3, lines
    assert all(lines)
    for word in named:
        assert word in str(error), f"{word!r} is not named in {error}"
    return str(error)
