"""Comparisons with other libraries and published values: each is a test, and a row of the page "Checked against"."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[np.float64]
#: Our values and those of the peer, of one shape.
Pair: TypeAlias = tuple[npt.ArrayLike, npt.ArrayLike]
Cases: TypeAlias = Callable[[np.random.Generator, int], Iterable[Pair]]
AREAS = (
    *("scores", "significance", "calibration", "models", "reconciliation"),
    *("wind", "solar", "calendars", "observations", "planning"),
)


def peer(module: str) -> Any:
    """A module of a peer; the tests of the file are skipped where it is not installed.

    Only warnings of its import are ignored: pytest turns those of its calls into errors.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(module)
        except ImportError as error:
            pytest.skip(f"{module} is not installed here: {error}", allow_module_level=True)


@dataclass(frozen=True)
class Agreement:
    """Number of compared values and the largest differences."""

    cases: int
    absolute: float
    relative: float  # to the peer's value, or to 1 where that is smaller


@dataclass(frozen=True)
class Comparison:
    """One quantity by us and by a peer."""

    name: str  # the quantity, as a row of the page names it: "CRPS of members"
    area: str  # of AREAS, in whose order the page has its tables
    ours: str  # public name: "evaluation.crps_of_samples"
    theirs: str  # the peer's function, or the table of a paper
    peer: str  # name of the peer's distribution on the registry; for published values author, year and DOI or URL
    tolerance: float  # of the relative difference
    convention: str  # where the two differ by choice, and which choice is ours
    suite: int  # random draws in the suite
    benchmark: int  # random draws of benchmarks/oracles.py
    cases: Cases = field(repr=False)

    def run(self, draws: int) -> Agreement:
        """Compare; NaN of one side alone is an infinite difference."""
        rng = np.random.default_rng(20241130)
        count, absolute, relative = 0, 0.0, 0.0
        for ours, theirs in self.cases(rng, draws):
            gap, expected = _differences(ours, theirs)
            count += gap.size
            absolute = max(absolute, gap.max(initial=0.0))
            relative = max(relative, (gap / np.maximum(1.0, np.abs(expected))).max(initial=0.0))
        return Agreement(count, float(absolute), float(relative))


def _differences(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> tuple[Array, Array]:
    """Absolute differences, and the finite values of the peer that they are relative to."""
    found, expected = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert found.shape == expected.shape, f"shapes {found.shape} and {expected.shape}"
    equal = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        gap = np.where(equal, 0.0, np.abs(found - expected))
    return np.nan_to_num(gap, nan=np.inf), np.nan_to_num(expected, posinf=0.0, neginf=0.0)


def compared(
    name: str,
    *,
    area: str,
    ours: str,
    theirs: str,
    peer: str,
    tolerance: float = 1e-12,
    convention: str = "",
    suite: int = 20,
    benchmark: int = 1000,
) -> Callable[[Cases], Callable[[], None]]:
    """Turn a function ``test_...(rng, draws)`` that yields pairs of values (ours, the peer's) into a test.

    ``draws`` is the number of random inputs to make, edge inputs come in addition. The comparison is the attribute
    ``comparison`` of the test, by which ``benchmarks/oracles.py`` finds it and runs it with more draws.
    """

    assert area in AREAS, f"{area}: one of {AREAS}"

    def declare(cases: Cases) -> Callable[[], None]:
        comparison = Comparison(
            name, area, ours, theirs, peer, tolerance, convention, suite, benchmark, cases
        )

        def test() -> None:
            found = comparison.run(comparison.suite)
            assert found.cases > 0
            assert found.relative <= comparison.tolerance, f"{name}: {found}"

        test.__name__, test.__doc__ = cases.__name__, cases.__doc__
        test.comparison = comparison
        return test

    return declare


def comparisons(module: Any) -> Iterator[Comparison]:
    """Those that a file of tests declares, in its order."""
    for value in vars(module).values():
        found = getattr(value, "comparison", None)
        if isinstance(found, Comparison):
            yield found
