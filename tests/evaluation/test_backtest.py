"""Backtests of a real wind farm: what each fit may know, what is counted, what is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea, Site
from energyforecast.core.tasks import day_ahead, intraday
from energyforecast.errors import (
    MissingDataError,
    PerfectWeatherError,
    SchemaError,
    TimeError,
)
from energyforecast.evaluation import METRICS, Execution, Result, backtest
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import Climatology, LightGBMQuantiles, Persistence, QuantileModel
from energyforecast.testing import example_forecast, example_observations, example_result, poison_observations
from tests.support.error_messages import three_lines

Data = tuple[Site, xr.Dataset, Observations]
TASK = day_ahead("09:00", timezone="Europe/Paris")
KEYS = ["site", "model", "lead_hours", "metric", "level", "value", "unit", "n"]


@pytest.fixture(scope="module")
def data() -> Data:
    return ef.datasets.la_haute_borne()


def _forecaster(data: Data, model: QuantileModel, **changes: Any) -> Forecaster:
    return Forecaster(data[0], changes.pop("task", TASK), model=model, **{"perfect_weather": True} | changes)


def _trees() -> LightGBMQuantiles:
    return LightGBMQuantiles(n_estimators=20, folds=0)


def _several(data: Data) -> dict[str, Forecaster]:
    models = {"trees": _trees(), "Climatology": Climatology(), "Persistence": Persistence()}
    return {name: _forecaster(data, model) for name, model in models.items()}


@pytest.fixture(scope="module")
def spring(data: Data) -> Result:
    """March, with its day of 23 hours, and April 2015."""
    return backtest(_several(data), data[1], data[2], start="2015-03", end="2015-04")


# --- Skill and provenance -----------------------------------------------------------------------------


def test_trees_beat_climatology_and_persistence_on_a_real_wind_farm(spring: Result) -> None:
    for reference in ("Climatology", "Persistence"):
        skill = spring.skill("crps", reference=reference).set_index("model")["value"]
        assert skill["trees"] > 0.3
        assert skill[reference] == 0
    by_lead = spring.skill("crps", reference="Climatology", by="lead_time")
    assert (by_lead.loc[by_lead["model"] == "trees", "value"] > 0).all()


def test_skill_is_one_minus_the_ratio_of_scores(spring: Result) -> None:
    scores = spring.scores(chosen=["mae"]).set_index("model")["value"]
    skill = spring.skill("mae", reference="Climatology").set_index("model")["value"]
    assert skill["trees"] == pytest.approx(1 - scores["trees"] / scores["Climatology"])


@pytest.mark.parametrize(
    ("metric", "reference"), [("crps", "nobody"), ("bias", "Climatology"), ("width", "trees")]
)
def test_skill_of_the_unknown_is_refused(spring: Result, metric: str, reference: str) -> None:
    with pytest.raises(MissingDataError) as caught:
        spring.skill(metric, reference=reference)
    three_lines(caught.value, metric, reference)


# --- Origins and folds ----------------------------------------------------------------------------


def test_scores_are_chosen_by_name() -> None:
    result = example_result()
    table = result.scores(chosen=["coverage", "mae"], model="model")
    assert table["metric"].tolist() == [
        "coverage",
        "coverage",
        "mae",
    ]  # of the intervals that its levels span
    same = result.scores(chosen=[ef.evaluation.coverage, ef.evaluation.mae], model="model")
    pd.testing.assert_frame_equal(table, same)
    with pytest.raises(SchemaError, match="'mae', 'rmse'"):
        result.scores(chosen=["mea"])


def test_all_forecasters_meet_identical_hours(spring: Result) -> None:
    first, *others = spring.pairs.values()
    for other in others:
        pd.testing.assert_frame_equal(first.labels, other.labels)
        np.testing.assert_array_equal(first.observed, other.observed)


def test_months_are_meant_whole_in_local_time(spring: Result) -> None:
    forecast = spring.forecasts["trees"]
    local = timestamps.to_index(forecast.data["valid_time"].values[forecast.inside]).tz_convert(
        timestamps.zone("Europe/Paris")
    )
    expected = pd.date_range("2015-03-01", "2015-05-01", freq="1h", tz="Europe/Paris", inclusive="left")
    assert local.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("month", "hours"),
    [
        ("2015-03", dict.fromkeys(range(15, 38), 31) | {38: 30}),  # 29 March has 23 hours
        ("2015-10", dict.fromkeys(range(15, 39), 31) | {39: 1}),  # 25 October has 25
    ],
)
def test_every_hour_of_a_month_is_counted_at_its_lead(data: Data, month: str, hours: dict[int, int]) -> None:
    result = backtest(_forecaster(data, Climatology()), data[1], data[2], start=month, end=month)
    table = result.scores(by="lead_time", chosen=METRICS[:1])
    found = dict(zip(table["lead_time"].astype(int), table["n"] + table["missing"], strict=True))
    assert found == hours


def _reproduced(data: Data, result: Result, name: str, fold: int, model: QuantileModel) -> None:
    """What a forecaster fitted as of the fold's time forecasts for the fold's origins."""
    rows = result.folds[result.folds["model"] == name].set_index("fold")
    as_of = rows.loc[fold, "as_of"]
    forecast = result.forecasts[name]
    after = rows["as_of"].get(fold + 1, forecast.issue_times[-1] + pd.Timedelta("1h"))
    origins = forecast.issue_times[(forecast.issue_times >= as_of) & (forecast.issue_times < after)]
    assert len(origins) == rows.loc[fold, "origins"]
    alone = _forecaster(data, model).fit(data[1], data[2], as_of=as_of)
    assert sum(alone.training_.rows.values()) == rows.loc[fold, "training_rows"]
    expected = alone.predict(data[1], data[2], issue_time=list(origins)).data
    found = forecast.data.sel(issue_time=timestamps.to_ns(origins), lead_time=expected["lead_time"])
    np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize("fold", [0, 1])
@pytest.mark.parametrize(("name", "model"), [("trees", _trees()), ("Persistence", Persistence())])
def test_a_fold_is_a_forecaster_fitted_as_of_its_time(
    data: Data, spring: Result, fold: int, name: str, model: QuantileModel
) -> None:
    _reproduced(data, spring, name, fold, model)


def test_a_fit_knows_no_outcome_published_after_its_time(data: Data, spring: Result) -> None:
    """Every later outcome becomes noise; the forecasts of that fold stay the same to the bit."""
    as_of = spring.folds["as_of"].max()
    forecasters = {name: item for name, item in _several(data).items() if name != "Persistence"}
    spoilt = poison_observations(data[2], as_of)
    assert (spoilt.values != data[2].values).to_numpy().sum() > 1000
    again = backtest(forecasters, data[1], spoilt, start="2015-03", end="2015-04")
    for name, forecast in again.forecasts.items():
        np.testing.assert_array_equal(forecast.data.values, spring.forecasts[name].data.values)


def test_fits_are_made_at_the_first_issue_of_each_month(spring: Result) -> None:
    expected = [pd.Timestamp("2015-02-28 08:00", tz="UTC"), pd.Timestamp("2015-03-31 07:00", tz="UTC")]
    for name in spring.forecasts:
        assert spring.folds.loc[spring.folds["model"] == name, "as_of"].tolist() == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("refit", "fits"), [("D", 61), ("W", 10), ("MS", 2), ("QS", 2), ("YS", 1), (None, 1)]
)
def test_refits_follow_the_local_calendar(data: Data, refit: str | None, fits: int) -> None:
    """1 March 2015 was a Sunday: the first week holds one day."""
    climatology = _forecaster(data, Climatology())
    result = backtest(climatology, data[1], data[2], start="2015-03", end="2015-04", refit=refit)
    assert len(result.folds) == fits
    assert result.folds["origins"].sum() == 61
    assert result.folds["as_of"].is_monotonic_increasing
    assert result.folds["training_rows"].is_monotonic_increasing


def test_a_month_of_daily_refits_learns_a_day_more_each_day(data: Data) -> None:
    result = backtest(
        _forecaster(data, Climatology()), data[1], data[2], start="2015-06-01", end="2015-06-10", refit="D"
    )
    published = data[2].values.iloc[:, 0].where(~data[2].unfit.iloc[:, 0]).notna()
    index, ready = data[2].index, data[2].published[:, 0]
    for row in result.folds.itertuples():
        known = published.to_numpy() & (ready <= timestamps.to_ns([row.as_of])[0])
        # The first window of the task begins on the first local day that the data holds whole.
        begin = timestamps.period("2014-01-02", timezone="Europe/Paris")[0]
        assert row.training_rows == int((known & (index >= begin)).sum())


@pytest.mark.slow
def test_processes_change_no_bit(data: Data) -> None:
    keywords = {"start": "2015-03", "end": "2015-04"}
    one, two = (
        backtest(_several(data), data[1], data[2], execution=Execution(jobs=jobs), **keywords)
        for jobs in (1, 2)
    )
    for name in one.forecasts:
        xr.testing.assert_identical(one.forecasts[name].data, two.forecasts[name].data)
    assert one.records() == two.records()


def test_progress_rises_to_the_number_of_fits(data: Data) -> None:
    calls: list[tuple[int, int]] = []
    backtest(
        {"a": _forecaster(data, Climatology()), "b": _forecaster(data, Persistence())},
        data[1],
        data[2],
        start="2015-01",
        end="2015-03",
        execution=Execution(progress=lambda done, total: calls.append((done, total))),
    )
    assert calls == [(k, 6) for k in range(1, 7)]


def test_forecasters_are_not_changed(data: Data) -> None:
    forecaster = _forecaster(data, Climatology())
    backtest(forecaster, data[1], data[2], start="2015-03-01", end="2015-03-02")
    assert not forecaster.is_fitted


# --- What is refused ------------------------------------------------------------------------------


def test_an_unknown_refit_is_refused_with_the_known_ones(data: Data) -> None:
    with pytest.raises(SchemaError) as caught:
        backtest(
            _forecaster(data, Climatology()),
            data[1],
            data[2],
            start="2015-03",
            end="2015-03",
            refit="monthly",
        )
    three_lines(caught.value, "monthly", "MS")


@pytest.mark.parametrize("change", ["task", "sites"])
def test_forecasters_of_other_tasks_or_sites_are_not_compared(data: Data, change: str) -> None:
    first = _forecaster(data, Climatology())
    if change == "task":
        other = _forecaster(data, Climatology(), task=day_ahead("10:00", timezone="Europe/Paris"))
    else:
        other = _forecaster((replace(data[0], capacity=9.0), *data[1:]), Climatology())
    with pytest.raises(SchemaError) as caught:
        backtest({"one": first, "two": other}, data[1], data[2], start="2015-03", end="2015-03")
    three_lines(caught.value, "two", "one")


def test_nothing_to_compare_is_refused(data: Data) -> None:
    with pytest.raises(SchemaError):
        backtest({}, data[1], data[2], start="2015-03", end="2015-03")


def test_an_analysis_is_refused_unless_perfect_weather_is_said(data: Data) -> None:
    honest = _forecaster(data, Climatology(), perfect_weather=False)
    with pytest.raises(PerfectWeatherError) as caught:
        backtest(honest, data[1], data[2], start="2015-03", end="2015-03")
    three_lines(caught.value, "perfect_weather=True")


def test_observations_that_end_early_are_refused_by_the_first_hour_without_outcome(data: Data) -> None:
    with pytest.raises(TimeError) as caught:
        backtest(
            _forecaster(data, Climatology()), data[1], data[2][:"2015-03-20"], start="2015-03", end="2015-03"
        ).scores()
    three_lines(caught.value, "2015-03-21")
    assert "start" in caught.value.remedy
    assert "value_at" not in str(caught.value), "the user called backtest"


def test_an_intraday_backtest_runs_to_the_end_of_the_record() -> None:
    """The last issues of its last day reach past it: they are left out, and counted."""
    index = pd.date_range("2024-01-01", "2024-02-01", freq="15min", tz="UTC", inclusive="left")
    load = pd.DataFrame({"works": 5 + np.sin(np.arange(len(index)) / 15)}, index=index)
    works = DemandArea(name="works", latitude=43.2, longitude=76.9, sector="industry")
    task = intraday(every="1h", leads="4h", frequency="15min", quantiles=(0.1, 0.5, 0.9))
    forecaster = Forecaster(works, task, model=Persistence())
    demand = Observations(load, published_after="15min")
    result = backtest(forecaster, None, demand, start="2024-01-30", end="2024-01-31", refit=None)
    issued = result.forecasts["model"].data["issue_time"].values
    assert str(issued[-1])[:16] == "2024-01-31T20:00"
    assert result.provenance["beyond_record"] == 3
    for end, count in (("2024-01-31", 8), ("2024-01-30 23:00", 16)):  # nothing is left
        period = {"start": "2024-01-31 22:00", "end": "2024-01-31 22:15"}
        with pytest.raises(TimeError, match=f"was not observed in {count} intervals"):
            backtest(forecaster, None, demand[:end], refit=None, **period)
    with pytest.raises(SchemaError, match="No origin is left of 0"):
        backtest(forecaster, None, demand, start="2024-01-31 22:00", end="2024-01-31 22:00")


def test_a_period_before_anything_was_learnt_is_refused(data: Data) -> None:
    with pytest.raises(MissingDataError) as caught:
        backtest(_forecaster(data, Climatology()), data[1], data[2], start="2014-01-02", end="2014-01-03")
    three_lines(caught.value)


def test_weather_that_ends_early_is_refused(data: Data) -> None:
    short = data[1].sel(time=slice(None, "2015-03-20T12:00"))
    with pytest.raises(MissingDataError) as caught:
        backtest(_forecaster(data, _trees()), short, data[2], start="2015-03", end="2015-03")
    three_lines(caught.value, "La Haute Borne", "2015-03-20")


# --- What is counted and written ------------------------------------------------------------------


def test_hours_without_outcome_are_counted(data: Data) -> None:
    power = data[2]
    known = power.values.iloc[:, 0].where(~power.unfit.iloc[:, 0])
    lost = pd.date_range("2015-03-10 05:00", periods=7, freq="1h", tz="UTC")
    holes = power.values.copy()
    holes.loc[lost] = np.nan
    result = backtest(
        _forecaster(data, Climatology()),
        data[1],
        replace(power, values=holes),
        start="2015-03",
        end="2015-03",
    )
    month = pd.date_range(
        "2015-03-01", "2015-04-01", freq="1h", tz="Europe/Paris", inclusive="left"
    ).tz_convert("UTC")
    missing = set(month[known.reindex(month).isna()]) | set(lost)
    row = result.scores(chosen=METRICS[:1]).iloc[0]
    assert (row["n"], row["missing"]) == (len(month) - len(missing), len(missing))
    assert set(result.pairs["model"].missing["valid_time"]) == missing


def test_records_are_plain_and_complete(spring: Result) -> None:
    records = spring.records()
    assert all(list(record) == KEYS for record in records)
    json.dumps(records, allow_nan=False)
    kinds = {key: {type(record[key]) for record in records} for key in KEYS}
    assert kinds["n"] == {int}
    assert kinds["value"] <= {float, type(None)}
    assert kinds["lead_hours"] == {str, float}
    assert kinds["level"] == {float, type(None)}
    assert {record["unit"] for record in records} == {"MW", "% of capacity", "%"}
    assert {record["lead_hours"] for record in records} == {"all", *(float(lead) for lead in range(15, 39))}
    assert {record["model"] for record in records} == {"trees", "Climatology", "Persistence"}
    identity = [tuple(record[key] for key in KEYS if key not in ("value", "n")) for record in records]
    assert len(set(identity)) == len(identity), "each score is given once"


def test_records_agree_with_the_table_of_scores(spring: Result) -> None:
    scores, records = spring.scores(model="trees"), spring.records()
    for row in scores.itertuples():
        level = None if pd.isna(row.level) else row.level
        found = {
            record["unit"]: record
            for record in records
            if record["model"] == "trees"
            and (record["lead_hours"], record["metric"], record["level"]) == ("all", row.metric, level)
        }
        if row.metric == "coverage":
            assert found["%"]["value"] == pytest.approx(100 * row.value)
        else:
            assert found["MW"]["value"] == row.value
            assert found["% of capacity"]["value"] == pytest.approx(100 * row.value / 8.2)
        assert {record["n"] for record in found.values()} == {row.n}


def _undefined() -> Result:
    """The reference makes no error at all."""
    forecast, observations = example_forecast(), example_observations()
    outcome = observations.values.iloc[24:, 0].to_numpy()[:, None]
    perfect = Forecast(forecast.data.copy(data=np.repeat(outcome, 3, axis=1)[None, None]))
    return Result(
        forecasts={"model": forecast, "exact": perfect},
        observations=observations,
        folds=pd.DataFrame(),
        provenance={"references": ["exact"], "caveats": []},
    )


def test_skill_against_a_reference_without_error_is_undefined() -> None:
    result = _undefined()
    for by in (None, "lead_time"):
        assert result.skill("crps", reference="exact", by=by)["value"].isna().all()
    skills = [record for record in result.records() if record["metric"] == "skill_crps_vs_exact"]
    assert len(skills) == 25, "for all leads, and for each of 24"
    assert {record["value"] for record in skills} == {None}
    assert {record["n"] for record in skills} == {1, 24}


def _strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def _written(result: Result, folder: Path) -> Mapping[str, Any]:
    result.save(folder)
    content: Mapping[str, Any] = _strict((folder / "scores.json").read_text(encoding="utf-8"))
    return content


def test_a_result_writes_its_files_with_the_caveat_in_each(spring: Result, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    content = _written(spring, folder)
    assert {path.name for path in folder.iterdir()} == {
        "scores.json",
        "scores.csv",
        "forecast.csv",
        "forecast.nc",
        "result",
    }
    caveat = "perfect weather (ERA5 reanalysis): not forecast skill"
    assert list(content) == ["schema", "provenance", "scores"]
    assert content["schema"] == 1
    assert content["provenance"]["caveats"] == [caveat]
    assert content["provenance"]["perfect_weather"] is True
    assert pd.read_csv(folder / "scores.csv")["caveat"].eq(caveat).all()
    forecast = pd.read_csv(folder / "forecast.csv")
    assert forecast["caveat"].eq(caveat).all()
    assert len(forecast) == 61 * 24 - 1
    stored = Forecast.load(folder / "forecast.nc")
    assert stored.caveats == (caveat,)
    np.testing.assert_array_equal(stored.data.values, spring.forecasts["trees"].data.values)
    assert "not forecast skill" in repr(spring)
    assert spring.perfect_weather


@pytest.mark.parametrize("make", ["spring", "undefined"])
def test_json_and_csv_hold_the_same_scores(make: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue("spring") if make == "spring" else _undefined()
    scores = _written(result, tmp_path)["scores"]
    assert scores == result.records()
    table = pd.read_csv(tmp_path / "scores.csv", dtype={"lead_hours": str})
    assert len(table) == len(scores)
    for key in ("site", "model", "metric", "unit", "n"):
        assert table[key].tolist() == [record[key] for record in scores]
    assert table["lead_hours"].tolist() == [str(record["lead_hours"]) for record in scores]
    for key in ("level", "value"):
        expected = np.array(
            [np.nan if record[key] is None else record[key] for record in scores], dtype=float
        )
        np.testing.assert_allclose(table[key].to_numpy(dtype=float), expected, rtol=1e-12)


def test_provenance_counts_what_was_scored_and_nothing_else(spring: Result) -> None:
    """Auxiliary use outside of the tested period was judged by nobody."""
    assert spring.provenance["issues"] == 61
    assert spring.provenance["refit"] == "auto"
    assert spring.provenance["references"] == ["Climatology", "Persistence"]
    assert spring.provenance["capacity_mw"] == {"La Haute Borne": 8.2}
    assert spring.provenance["below_zero"] == spring.pairs["trees"].below_zero


def test_calibration_of_the_result_is_near_its_levels(spring: Result) -> None:
    table = spring.calibration(model="Climatology")
    assert table["n"].eq(len(spring.pairs["Climatology"])).all()
    assert table["frequency"].is_monotonic_increasing
    np.testing.assert_allclose(table["frequency"], table["level"], atol=0.15)


def test_observations_that_end_early_are_refused_before_the_fits(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("fitted, and only then refused")

    monkeypatch.setattr(Forecaster, "fit_matrix", never)
    with pytest.raises(TimeError, match=r"was not observed in \d+ hours, the first 2015-03-2"):
        backtest(_forecaster(data, _trees()), data[1], data[2][:"2015-03-20"], start="2015-03", end="2015-03")
