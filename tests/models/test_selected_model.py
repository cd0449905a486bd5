"""Choice among candidates by validation on later rows, excluded columns, and the linear base of trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import RangeError, SchemaError
from energyforecast.models import Climatology, LightGBMQuantiles, SelectedModel
from energyforecast.models.linear_base import fit_linear_base
from energyforecast.models.tree_growth import folds_along_time
from energyforecast.models.unseen_scores import unseen_scores

Array = npt.NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)
#: Samples are small here: test_calibration.py asks for the warning.
pytestmark = pytest.mark.filterwarnings("ignore::energyforecast.errors.UncalibratedWarning")
ABSOLUTE = LightGBMQuantiles(n_estimators=60)
DEPARTURE = LightGBMQuantiles(n_estimators=60, relative_to="level")


def _rows(growth: float, rows: int = 1500, *, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """Outcomes whose level grows by so much, with the level as a column, and one that explains the rest."""
    rng = np.random.default_rng(seed)
    level = 1 + growth * np.linspace(0, 1, rows) + 0.3 * rng.normal(size=rows)
    x = rng.uniform(size=rows)
    y = 1 + growth * np.linspace(0, 1, rows) + x + 0.05 * rng.normal(size=rows)
    return pd.DataFrame({"level": level, "x": x}), y


def _selected(**settings: Any) -> SelectedModel:
    given = {"candidates": {"absolute": ABSOLUTE, "departure": DEPARTURE}} | settings
    return SelectedModel(LEVELS, **given)


def test_growth_beyond_the_range_of_training_selects_the_departure() -> None:
    X, y = _rows(growth=6.0)
    model = _selected(blend=False).fit(X, y)
    assert list(model.models_) == ["departure"]
    chosen = model.selection_.set_index("choice")
    assert chosen["chosen"].to_dict() == {"absolute": False, "departure": True}
    assert chosen.at["departure", "difference"] < -3 * chosen.at["departure", "standard_error"] < 0


def test_a_noisy_level_keeps_the_outcome_itself() -> None:
    model = _selected(blend=False).fit(*_rows(growth=0.0))
    assert list(model.models_) == ["absolute"]


def test_equal_candidates_seldom_replace_the_first() -> None:
    X, y = _rows(growth=0.0)
    kept = 0
    for seed in range(10):
        one, two = (LightGBMQuantiles(n_estimators=80, seed=10 * seed + k) for k in range(2))
        model = _selected(candidates={"one": one, "two": two}, blend=False).fit(X, y)
        kept += list(model.models_) == ["one"]
    assert kept >= 8


def test_later_rows_do_not_change_what_was_chosen_before_them() -> None:
    X, y = _rows(growth=6.0)
    late = y.copy()
    late[1000:] = 1e6  # poison
    before, after = (_selected().fit(X[:1000], outcome[:1000]) for outcome in (y, late))
    pd.testing.assert_frame_equal(before.selection_, after.selection_)
    np.testing.assert_array_equal(before.predict(X[1000:]), after.predict(X[1000:]))


def test_each_validation_part_learns_from_earlier_rows_alone() -> None:
    X, y = _rows(growth=0.0, rows=600)
    seen: list[tuple[float, float]] = []

    class Spy(LightGBMQuantiles):
        def fit(self, X: pd.DataFrame, y: Array, **given: Any) -> Spy:
            self.last_ = float(X["time"].max())
            return super().fit(X, y, **given)

        def predict(self, X: pd.DataFrame) -> Array:
            seen.append((self.last_, float(X["time"].min())))
            return super().predict(X)

    timed = X.assign(time=np.arange(len(X), dtype=float))
    candidates = {"one": Spy(n_estimators=5), "two": Spy(n_estimators=5, seed=2)}
    _selected(candidates=candidates).fit(timed, y)
    assert len(seen) == 6
    assert all(last < first for last, first in seen)


def test_a_candidate_without_its_column_is_left_out() -> None:
    X, y = _rows(growth=6.0)
    model = _selected().fit(X[["x"]], y)
    assert list(model.models_) == ["absolute"]
    assert model.selection_.empty
    empty = X.assign(level=np.nan)
    assert list(_selected().fit(empty, y).models_) == ["absolute"]
    with pytest.raises(SchemaError, match="None of the candidates"):
        _selected(candidates={"departure": DEPARTURE}).fit(X[["x"]], y)


def test_the_mean_of_two_has_half_the_trees_of_each() -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(2000, 2)), columns=["a", "b"])
    y = X["a"].to_numpy() + X["b"].to_numpy() + rng.normal(size=2000)
    # Each sees half of what the outcome depends on: their mean is better than either.
    candidates = {
        "a": LightGBMQuantiles(n_estimators=40, exclude=("b",)),
        "b": LightGBMQuantiles(n_estimators=40, exclude=("a",)),
    }
    model = _selected(candidates=candidates).fit(X, y)
    assert list(model.models_) == ["a", "b"]
    assert [one.get_params()["n_estimators"] for one in model.models_.values()] == [20, 20]
    halves = np.mean([one.predict(X)[:, 7] for one in model.models_.values()], axis=0)
    assert np.corrcoef(model.predict(X)[:, 1], halves)[0, 1] > 0.99


def test_the_usual_choice_is_the_mean_of_the_two_that_are_named() -> None:
    X, y = _rows(growth=0.0)
    candidates = {
        "absolute": ABSOLUTE,
        "again": LightGBMQuantiles(n_estimators=60, seed=5),
        "departure": DEPARTURE,
    }
    model = _selected(candidates=candidates, usual=("again", "absolute"), blend=False).fit(X, y)
    assert list(model.models_) == ["absolute", "again"]
    assert "absolute + again" in model.selection_["choice"].tolist()
    assert list(_selected(candidates=candidates, usual=("departure",)).fit(X[:200], y[:200]).models_) == [
        "departure"
    ]
    with pytest.raises(SchemaError, match="of the candidates"):
        _selected(usual=("nobody",)).fit(X, y)


def test_a_candidate_without_a_column_that_it_requires_is_left_out() -> None:
    X, y = _rows(growth=0.0)
    required = (("absolute", "temp_air*"),)
    assert "absolute" not in _selected(required=required).fit(X, y).models_
    warm = X.assign(**{"temp_air[mean]": X["x"]})
    assert list(_selected(required=required, blend=False).fit(warm, y).models_) == ["absolute"]


def test_a_candidate_is_left_out_with_a_column_that_it_must_not_have() -> None:
    X, y = _rows(growth=0.0)
    required = (("absolute", "!temp_air*"),)
    assert list(_selected(required=required, blend=False).fit(X, y).models_) == ["absolute"]
    warm = X.assign(**{"temp_air[mean]": X["x"]})
    assert list(_selected(required=required).fit(warm, y).models_) == ["departure"]


def test_requirements_that_leave_no_candidate_are_not_heeded() -> None:
    X, y = _rows(growth=0.0)
    required = (("absolute", "temp_air*"), ("departure", "temp_air*"))
    assert list(_selected(required=required, blend=False).fit(X, y).models_) == ["absolute"]


def _cold_rows() -> tuple[pd.DataFrame, Array]:
    """Outcomes that rise by ten with one column, by one with another."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"cold": rng.uniform(0, 1, 280), "x": rng.uniform(size=280)})
    return X, 10 * X["cold"].to_numpy() + X["x"].to_numpy() + 0.1 * rng.normal(size=280)


BLIND_AND_LINEAR = {
    "blind": LightGBMQuantiles(n_estimators=20, exclude=("cold",), calibrate=False),
    "linear": LightGBMQuantiles(n_estimators=20, linear_base=True, calibrate=False),
}


def test_a_candidate_takes_over_beyond_the_range_of_training() -> None:
    X, y = _cold_rows()
    given = {"candidates": BLIND_AND_LINEAR, "usual": ("blind", "linear"), "blend": False}
    frost = pd.DataFrame({"cold": [0.5, 1.05, 1.4], "x": 0.5})  # truth of the last: 14.5
    plain, taken = (_selected(**given, beyond=beyond).fit(X, y) for beyond in ((), (("cold", "linear"),)))
    assert taken.leaves_range(frost, "cold").tolist() == [False, True, True]
    assert plain.predict(frost)[0, 1] == taken.predict(frost)[0, 1]
    assert plain.predict(frost)[2, 1] < 11
    assert taken.predict(frost)[2, 1] == pytest.approx(14.5, abs=1.0)
    linear = taken.models_["linear"].predict(frost)[:, 7]
    assert abs(taken.predict(frost)[1, 1] - linear[1]) < abs(plain.predict(frost)[1, 1] - linear[1])


def test_a_candidate_takes_over_only_where_it_is_higher_if_asked() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"warm": rng.uniform(0, 1, 280)})
    y = 10 * X["warm"].to_numpy() + 0.1 * rng.normal(size=280)
    candidates = {
        "blind": LightGBMQuantiles(n_estimators=20, calibrate=False),
        "linear": LightGBMQuantiles(n_estimators=20, linear_base=True, calibrate=False),
    }
    given = {"candidates": candidates, "usual": ("blind", "linear"), "blend": False}
    plain, taken, higher = (
        _selected(**given, beyond=beyond).fit(X, y)
        for beyond in ((), (("warm", "linear"),), (("warm", "linear", "above"),))
    )
    both = pd.DataFrame({"warm": [-0.4, 1.4]})
    np.testing.assert_array_equal(higher.predict(both)[0], plain.predict(both)[0])  # the base falls
    np.testing.assert_array_equal(higher.predict(both)[1], taken.predict(both)[1])
    assert taken.predict(both)[0, 1] < plain.predict(both)[0, 1] - 0.5


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"required": (("absolut", "temp_air*"),)}, "required is"),
        ({"beyond": (("x", "nobody"),)}, "beyond is"),
        ({"beyond": (("x", "absolute", "below"),)}, "beyond has"),
        ({"beyond": (("x",),)}, "beyond has"),
    ],
)
def test_arguments_that_name_no_candidate_are_refused(given: dict[str, Any], found: str) -> None:
    with pytest.raises(SchemaError, match=found):
        _selected(**given).fit(*_rows(growth=0.0, rows=50))


def test_a_candidate_that_needs_a_column_is_left_out_without_it() -> None:
    X, y = _rows(growth=0.0, rows=400)
    candidates = {"naive": ef.SeasonalNaive(), "absolute": ABSOLUTE}
    model = _selected(candidates=candidates, usual=("naive", "absolute")).fit(X, y)
    assert list(model.models_) == ["absolute"]
    with pytest.raises(SchemaError, match="without \\['lag_168h', 'hour', 'day_class'\\]"):
        ef.SeasonalNaive(LEVELS).fit(X, y)


def test_columns_of_a_named_weather_model_are_found_like_those_without_a_name() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"cold": rng.uniform(0, 1, 400), "level": rng.uniform(size=400)})
    y = 10 * X["cold"].to_numpy() + X["level"].to_numpy() + 0.1 * rng.normal(size=400)
    candidates = {
        "blind": LightGBMQuantiles(n_estimators=20, exclude=("cold",)),
        "departure": LightGBMQuantiles(n_estimators=20, relative_to="level", linear_base=True),
    }
    given = {"candidates": candidates, "usual": tuple(candidates), "blend": False}
    given |= {"required": (("departure", "col*"),), "beyond": (("cold", "departure"),)}
    frost = pd.DataFrame({"cold": [0.5, 1.4], "level": 0.5})
    alone, named = (
        _selected(**given).fit(X.rename(columns=name), y).predict(frost.rename(columns=name))
        for name in ({}, {"cold": "ifs:cold", "level": "ifs:level"})
    )
    np.testing.assert_array_equal(named, alone)
    two = X.assign(**{"ifs:level": X["level"] + 0.1, "gfs:level": X["level"] - 0.1}).drop(columns="level")
    model = LightGBMQuantiles(LEVELS, n_estimators=20, relative_to="level", exclude=("level",))
    mean = model.fit(two, y).predict(two)
    np.testing.assert_allclose(mean, model.fit(X, y).predict(X), atol=1e-6)  # of the two


def test_several_take_over_together() -> None:
    X, y = _cold_rows()
    share = LightGBMQuantiles(n_estimators=20, share_of="cold", calibrate=False)
    candidates = BLIND_AND_LINEAR | {"share": share}
    model = _selected(
        candidates=candidates,
        usual=tuple(candidates),
        blend=False,
        beyond=(("cold", "linear"), ("cold", "share")),
    ).fit(X, y)
    frost = pd.DataFrame({"cold": [1.4], "x": 0.5})
    apart = [model.models_[name].predict(frost)[0, 7] for name in ("linear", "share")]
    assert list(model.models_) == list(candidates)
    assert model.followers == {("cold", False): ["linear", "share"]}
    assert model.predict(frost)[0, 1] == pytest.approx(np.mean(apart), abs=1e-9)


def test_the_mean_of_several_is_calibrated_by_its_own_errors() -> None:
    rng, rows = np.random.default_rng(1), 4000
    X = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
    y = X["a"].to_numpy() + X["b"].to_numpy() + 4 * X["c"].to_numpy() + 0.2 * rng.normal(size=rows)
    candidates = {
        "a": LightGBMQuantiles(n_estimators=60, exclude=("b",)),
        "b": LightGBMQuantiles(n_estimators=60, exclude=("a",)),
    }
    model = SelectedModel((0.1, 0.9), candidates=candidates, usual=("a", "b"), blend=False)
    model.fit(X[:2500], y[:2500])
    low, high = model.predict(X[2500:]).T
    assert ((y[2500:] >= low) & (y[2500:] <= high)).mean() == pytest.approx(0.8, abs=0.05)
    halves = np.mean([one.predict(X[2500:]) for one in model.models_.values()], axis=0)
    assert ((y[2500:] >= halves[:, 3]) & (y[2500:] <= halves[:, 11])).mean() > 0.84  # wider than they are


def test_three_usual_candidates_have_two_fifths_of_the_trees() -> None:
    X, y = _rows(growth=0.0)
    candidates = {str(k): LightGBMQuantiles(n_estimators=50, seed=k) for k in range(3)}
    model = _selected(candidates=candidates, usual=("0", "1", "2"), blend=False).fit(X, y)
    assert list(model.models_) == ["0", "1", "2"]
    assert [one.get_params()["n_estimators"] for one in model.models_.values()] == [20, 20, 20]


@pytest.mark.parametrize(("years", "used"), [(0.9, False), (1.6, True)])
def test_the_season_enters_once_it_was_seen_long_enough(years: float, used: bool) -> None:
    rng, rows = np.random.default_rng(0), 2000
    angle = 2 * np.pi * np.linspace(0, years, rows)
    X = pd.DataFrame(
        {"season_cosine": np.cos(angle), "season_sine": np.sin(angle), "x": rng.uniform(size=rows)}
    )
    y = np.cos(angle) + X["x"].to_numpy()
    model = LightGBMQuantiles(LEVELS, n_estimators=20, season_after=1.25).fit(X, y)
    assert (model.gain()["season_cosine"] > 0) == used


def test_the_season_waits_as_long_where_sites_are_pooled() -> None:
    times = pd.date_range("2020-01-01", "2020-11-25", periods=600)
    angle = 2 * np.pi * np.tile(times.day_of_year / 366, 2)
    X = pd.DataFrame(
        {"season_cosine": np.cos(angle), "season_sine": np.sin(angle)}, index=times.append(times)
    )
    X["x"] = np.random.default_rng(0).uniform(size=len(X))
    y = np.cos(angle) + X["x"].to_numpy()
    model = LightGBMQuantiles(LEVELS, n_estimators=20, folds=0, season_after=1.25).fit(X, y)
    assert model.gain()["season_cosine"] == 0  # 0.9 years, twice


@pytest.mark.parametrize(("years", "chosen"), [(1.4, ""), (1.55, ", season")])
def test_the_default_of_wind_has_the_season_after_a_year_and_a_half(years: float, chosen: str) -> None:
    farm = ef.WindFarm(name="farm", latitude=50, longitude=5, capacity=10)
    default = ef.Forecaster(farm, ef.day_ahead("09:00", timezone="UTC", quantiles=LEVELS)).model
    rng, rows = np.random.default_rng(0), 1000
    times = pd.date_range("2020-01-01", periods=rows, freq=pd.Timedelta(years * 365.25, "D") / rows)
    angle = 2 * np.pi * times.day_of_year.to_numpy() / 366
    X = pd.DataFrame({"season_cosine": np.cos(angle), "season_sine": np.sin(angle)}, index=times)
    X["wind"] = rng.uniform(size=rows)
    y = np.clip(0.5 + 0.3 * np.cos(angle) + 0.2 * X["wind"].to_numpy(), 0, 1)
    model = default.fit(X, y)
    assert isinstance(model, SelectedModel)
    assert list(model.models_) == [f"trees{chosen}", f"kernel{chosen}"]
    assert (model.gain()["season_cosine"] > 0) == bool(chosen)
    assert model.selection_.empty == (not chosen)  # nothing is compared before


def test_columns_of_the_outcome_enter_as_departures_where_it_does() -> None:
    rng, rows = np.random.default_rng(0), 1500
    level = np.linspace(10, 40, rows)
    departure = rng.uniform(size=rows)
    X = pd.DataFrame({"level": level, "lag_24h": level + departure})
    y = level + 2 * departure
    later = pd.DataFrame({"level": [60.0, 60.0], "lag_24h": [60.1, 60.9]})  # truth: 60.2 and 61.8
    given = {"relative_to": "level", "n_estimators": 80}
    beside = LightGBMQuantiles(LEVELS, relative_columns=("lag_*",), **given).fit(X, y).predict(later)[:, 1]
    alone = LightGBMQuantiles(LEVELS, **given).fit(X, y).predict(later)[:, 1]
    np.testing.assert_allclose(beside, [60.2, 61.8], atol=0.15)
    assert abs(alone - [60.2, 61.8]).max() > 0.4


def test_a_column_with_brackets_is_excluded_by_its_name() -> None:
    X, y = _rows(growth=2.0)
    X = X.rename(columns={"level": "level[newest]"})
    model = LightGBMQuantiles(LEVELS, n_estimators=20, exclude=("level[newest]",)).fit(X, y)
    assert model.gain()["level[newest]"] == 0


class _Folded(Climatology):
    """Keeps the folds that it was given."""

    def fit_out_of_fold(
        self,
        X: pd.DataFrame,
        y: Array,
        *,
        fold: npt.ArrayLike,
        sample_weight: Array | None = None,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> Array:
        self.fold_ = np.asarray(fold)
        self.fit(X, y, sample_weight=sample_weight, bounds=bounds)
        return self.predict(X)


@pytest.mark.parametrize(("folds", "blocks"), [(2, 2), (3, 5)])
def test_models_of_a_mean_are_compared_on_the_folds_of_its_trees(folds: int, blocks: int) -> None:
    X, y = _rows(growth=0.0)
    X.index = pd.date_range("2020-01-01", periods=len(X), freq="8h")
    X["hour"] = X.index.hour
    trees = LightGBMQuantiles(n_estimators=5, folds=folds, blocks_per_fold=blocks)
    several = {"other": _Folded(by=("hour",)), "trees": trees}
    model = SelectedModel(LEVELS, candidates=several, usual=tuple(several), blend=False).fit(X, y)
    other = model.models_["other"]
    assert isinstance(other, _Folded)
    np.testing.assert_array_equal(other.fold_, folds_along_time(X.index, folds=folds, blocks_per_fold=blocks))


def test_out_of_fold_quantiles_are_not_kept_when_they_were_read() -> None:
    X, y = _rows(growth=0.0)
    alone = LightGBMQuantiles(LEVELS, n_estimators=5).fit(X, y)
    both = _selected(usual=("absolute", "departure"), blend=False).fit(X, y)
    for model in (alone, both):
        scores = unseen_scores(model, X, y, rng=np.random.default_rng(0))
        assert scores is not None
        # Of held-out rows: as a standard normal, a little less, since levels are widened for what is not known.
        assert abs(np.nanmean(scores)) < 0.1
        assert 0.85 < np.nanstd(scores) < 1.05
        assert model.unseen_ is None
        assert unseen_scores(model, X, y, rng=np.random.default_rng(0)) is None


def test_an_excluded_column_has_no_influence() -> None:
    X, y = _rows(growth=2.0)
    model = LightGBMQuantiles(LEVELS, n_estimators=20, exclude=("lev*",)).fit(X, y)
    other = X.assign(level=-X["level"])
    np.testing.assert_array_equal(model.predict(X), model.predict(other))
    assert model.gain()["level"] == 0
    shapley = model.contributions(X[:50])
    assert list(shapley.columns) == ["level", "x", "base"]
    assert (shapley["level"] == 0).all()


def test_a_linear_base_goes_beyond_the_range_of_training() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"cold": rng.uniform(0, 1, 1500), "x": rng.uniform(size=1500)})
    y = 10 * X["cold"].to_numpy() + X["x"].to_numpy() + 0.1 * rng.normal(size=1500)
    frost = pd.DataFrame({"cold": [1.4], "x": [0.5]})  # truth: 14.5
    with_base, without = (
        float(LightGBMQuantiles(LEVELS, linear_base=base).fit(X, y).predict(frost)[0, 1])
        for base in (True, False)
    )
    assert with_base == pytest.approx(14.5, abs=0.6)
    assert without < 11


def test_a_linear_base_does_not_follow_a_knot_that_hardly_a_row_of_a_fold_reaches() -> None:
    rng, rows = np.random.default_rng(0), 3000
    x = rng.uniform(0, 0.6, rows)
    x[:1000] = np.linspace(0.6, 1, 1000)  # the first fold alone lies above the upper knot
    x[-3:] = np.quantile(x, 0.75) + 0.002  # and three rows of the others, by a hair
    y = 10 + x + rng.normal(0, 0.5, rows)
    y[-3:] += 2
    _, level = fit_linear_base(x[:, None], y, fold=np.repeat([0, 1, 2], 1000), weight=None)
    assert np.abs(level - y).max() < 4


def _short_or_long(years: float) -> tuple[pd.DataFrame, Array]:
    """Rows that span so many years, with the columns of the season."""
    X, y = _rows(growth=0.0)
    angle = 2 * np.pi * np.linspace(0, years, len(X))
    return X.assign(season_cosine=np.cos(angle), season_sine=np.sin(angle)), y


@pytest.mark.parametrize(
    ("years", "names", "more"), [(0.3, ["few", "linear"], ["past"]), (1.4, ["absolute", "departure"], [])]
)
def test_a_short_history_has_its_own_candidates(years: float, names: list[str], more: list[str]) -> None:
    early = {name: LightGBMQuantiles(n_estimators=20 + k) for k, name in enumerate(("few", "linear", "past"))}
    model = _selected(
        candidates={"absolute": ABSOLUTE, "departure": DEPARTURE} | early,
        usual=("absolute", "departure", "few", "linear"),  # the third is only tried
        early=tuple(early),
        blend=False,
    )
    model.fit(*_short_or_long(years))
    tried = set(model.selection_["choice"])
    assert tried == {" + ".join(names), *names, *more}
    assert model.selection_["choice"].iloc[0] == " + ".join(names)


def test_early_candidates_that_lack_a_column_leave_the_choice_to_the_others() -> None:
    early = {"few": LightGBMQuantiles(n_estimators=20)}
    model = _selected(
        candidates={"absolute": ABSOLUTE} | early, early=("few",), required=(("few", "temp_air*"),)
    )
    assert list(model.fit(*_short_or_long(0.3)).models_) == ["absolute"]


def test_early_candidates_must_be_among_the_candidates() -> None:
    with pytest.raises(SchemaError, match="early is"):
        _selected(early=("few",)).fit(*_rows(growth=0.0))
    with pytest.raises(RangeError, match="early_before is nan"):
        _selected(early_before=np.nan).fit(*_rows(growth=0.0))


def test_a_linear_base_is_calibrated_on_rows_it_has_not_seen() -> None:
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(1200, 30)), columns=[f"x{k}" for k in range(30)])
    y = rng.normal(size=1200)
    model = LightGBMQuantiles((0.1, 0.9), n_estimators=60, linear_base=True).fit(X, y)
    later = pd.DataFrame(rng.normal(size=(2000, 30)), columns=X.columns)
    low, high = model.predict(later).T
    outcome = rng.normal(size=2000)
    assert ((outcome >= low) & (outcome <= high)).mean() == pytest.approx(0.8, abs=0.05)
