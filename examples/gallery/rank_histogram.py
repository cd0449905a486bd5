"""Rank histogram: where outcomes rank among the members of an ensemble; a U where its spread is too small.

Run: python examples/gallery/rank_histogram.py rank_histogram.png
"""

import sys

import numpy as np

import energyforecast as ef

# Three months of hours of different uncertainty, and an ensemble with 0.7 of their spread.
rng = np.random.default_rng(0)
scale = rng.uniform(1, 8, size=2160)
outcome = scale * rng.normal(size=2160)
members = 0.7 * scale[:, None] * rng.normal(size=(2160, 20))

table = ef.evaluation.rank_histogram(outcome, members)
figure = ef.reporting.figures.rank_histogram(table, caveats=["synthetic data"])
ef.reporting.figures.save(figure, sys.argv[1])
