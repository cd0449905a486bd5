"""Spread and error of an ensemble: on the diagonal where the spread is that of the errors.

Run: python examples/gallery/spread_skill.py spread_skill.png
"""

import sys

import numpy as np

import energyforecast as ef

# Three months of hours of different uncertainty, and an ensemble with 0.7 of their spread.
rng = np.random.default_rng(0)
scale = rng.uniform(1, 8, size=2160)
outcome = scale * rng.normal(size=2160)
members = 0.7 * scale[:, None] * rng.normal(size=(2160, 20))

table = ef.evaluation.spread_skill_of_samples(outcome, members)
figure = ef.reporting.figures.spread_skill(table, caveats=["synthetic data"])
ef.reporting.figures.save(figure, sys.argv[1])
