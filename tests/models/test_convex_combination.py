"""The mixture of climatology and persistence: the best share at each lead, learnt from the past alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from energyforecast.models import Climatology, ConvexCombination, Persistence


def _rows(seed: int, *, days: int = 400, memory: float = 0.9) -> tuple[pd.DataFrame, pd.Series]:
    """An hourly process about a daily wave, forecast each noon for leads of 1 to 24 hours."""
    rng = np.random.default_rng(seed)
    noise = np.zeros(24 * days)
    for k in range(1, len(noise)):
        noise[k] = memory * noise[k - 1] + rng.normal()
    power = 50 + 10 * np.sin(2 * np.pi * np.arange(24 * days) / 24) + noise
    issued = np.arange(12, 24 * (days - 2), 24)
    lead = np.tile(np.arange(1, 25), len(issued))
    hour = np.repeat(issued, 24) + lead
    X = pd.DataFrame(
        {"newest": np.repeat(power[issued], 24), "lead_time": lead, "hour": hour % 24}, dtype=float
    )
    return X, pd.Series(power[hour])


def _squared(
    model: Climatology | Persistence | ConvexCombination, rows: pd.DataFrame, y: pd.Series
) -> pd.Series:
    error = model.predict(rows)[:, 0] - y.to_numpy()
    return pd.Series(error**2).groupby(rows["lead_time"].to_numpy()).mean()


def test_it_is_as_good_as_the_better_of_both_at_every_lead() -> None:
    (X, y), (later, outcomes) = _rows(0), _rows(1)
    models = [kind((0.5,)).fit(X, y.to_numpy()) for kind in (ConvexCombination, Climatology, Persistence)]
    mixed, climate, newest = (_squared(model, later, outcomes) for model in models)
    assert (mixed <= 1.05 * np.minimum(climate, newest)).all()
    between = mixed.loc[3:8] / np.minimum(climate, newest).loc[3:8]
    assert (between < 0.95).any(), "at some lead the mixture is better than either"


def test_shares_fall_with_the_lead_and_are_shares() -> None:
    X, y = _rows(0)
    share = ConvexCombination((0.5,)).fit(X, y.to_numpy()).share_[:-1, 1]
    assert ((share >= 0) & (share <= 1)).all()
    np.testing.assert_allclose(share[:6], 0.9 ** np.arange(1, 7), atol=0.1)  # the memory of the process


def test_opposite_values_get_no_negative_share() -> None:
    X = pd.DataFrame({"newest": [1.0, 3.0], "lead_time": 1.0, "hour": 0.0})
    model = ConvexCombination((0.5,)).fit(X, np.array([3.0, 1.0]))
    assert model.share_[0, 1] == 0.0


def test_without_a_newest_value_or_at_an_unseen_lead_it_is_climatology() -> None:
    X, y = _rows(0, days=60)
    model = ConvexCombination((0.5,)).fit(X, y.to_numpy())
    means = y.groupby(X["hour"].to_numpy()).mean()
    bare = X.iloc[:24].assign(newest=np.nan)
    np.testing.assert_allclose(model._point(bare), means.loc[bare["hour"]].to_numpy())
    far = X.iloc[:24].assign(lead_time=99.0)
    np.testing.assert_allclose(model._point(far), means.loc[far["hour"]].to_numpy())


@pytest.mark.parametrize("column", ["newest", "smart_persistence"])
def test_rows_of_no_weight_teach_nothing(column: str) -> None:
    X, y = _rows(0, days=30)
    X = X.rename(columns={"newest": column})
    half = len(X) // 2
    weight = np.r_[np.ones(half), np.zeros(len(X) - half)]
    spoilt = y.where(weight > 0, 1e6)
    one = ConvexCombination((0.1, 0.9), column=column).fit(X, spoilt.to_numpy(), sample_weight=weight)
    two = ConvexCombination((0.1, 0.9), column=column).fit(X, y.to_numpy(), sample_weight=weight)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
