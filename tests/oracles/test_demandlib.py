"""Standard load profiles against demandlib itself."""

from __future__ import annotations

import warnings
from typing import cast

import numpy as np
import pandas as pd
import pytest
from demandlib import bdew

from energyforecast.core.load_profiles import LOAD_PROFILES, LoadProfile, profile_at

YEAR = pd.date_range("2023-01-01", "2024-01-01", freq="15min", inclusive="left")


def _ours(profile: LoadProfile, index: pd.DatetimeIndex, step: float) -> np.ndarray:
    day = index.to_numpy().astype("datetime64[D]")
    hour = np.asarray(index.hour + index.minute / 60)
    return profile_at(
        profile, day, kind=np.maximum(index.day_of_week.to_numpy() - 4, 0), hour=hour, step=step
    )


@pytest.mark.parametrize("profile", [name for name in LOAD_PROFILES if name.endswith("25")])
def test_profiles_of_2025_are_those_of_demandlib_but_for_their_scale(profile: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, by demandlib's own calls
        theirs = np.asarray(getattr(bdew, profile)(YEAR), dtype=float)
    ours = _ours(cast("LoadProfile", profile), YEAR, 0.25)
    np.testing.assert_allclose(ours / ours.mean(), theirs / theirs.mean(), rtol=1e-9)
    assert ours.mean() == pytest.approx(1.0, abs=0.005), "of another year than that of the scale"


@pytest.mark.parametrize("profile", [name for name in LOAD_PROFILES if not name.endswith("25")])
def test_profiles_of_1999_are_those_of_demandlib_but_for_their_scale(profile: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = bdew.ElecSlp(2023).get_profiles("h0_dyn" if profile == "H0" else profile.lower())
        except Warning as error:  # it turns warnings into errors, and newer pandas has some
            pytest.skip(f"demandlib's ElecSlp fails with pandas {pd.__version__}: {type(error).__name__}")
    theirs = theirs.to_numpy(dtype=float).ravel()
    ours = _ours(cast("LoadProfile", profile), YEAR, 0.25)
    # Their factor of the day grows with the quarter, ours with the day.
    np.testing.assert_allclose(ours / ours.mean(), theirs / theirs.mean(), rtol=0.01)


@pytest.mark.parametrize("minutes", [5, 10, 30, 60])
def test_other_steps_are_means_of_the_quarters(minutes: int) -> None:
    fine = pd.Series(_ours("H25", YEAR, 0.25), YEAR)["2023-06"]
    index = pd.date_range("2023-06-01", "2023-07-01", freq=f"{minutes}min", inclusive="left")
    ours = pd.Series(_ours("H25", index, minutes / 60), index)
    pd.testing.assert_series_equal(
        ours.resample("1h").mean(), fine.resample("1h").mean(), check_names=False, check_freq=False
    )
