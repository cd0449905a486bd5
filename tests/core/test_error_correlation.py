"""Correlation of forecast errors: memory of a fit of many sites."""

from __future__ import annotations

import tracemalloc

import numpy as np

from energyforecast.core.error_correlation import Decay, standardised


def test_memory_of_many_sites_does_not_grow_with_issues_times_their_pairs() -> None:
    scores = standardised(np.random.default_rng(0).normal(size=(2000, 40, 2)), min_count=10)
    tracemalloc.start()
    Decay.fit(scores, np.arange(2.0), sites=tuple(map(str, range(40))))
    largest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert largest < 8 * 2000 * 40**2 / 2, "bytes of the products of all issues"
