"""Planned operation in forecasts: learnt as it was known, tried out, carried by files and commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import energyforecast as ef
from energyforecast import configuration, errors
from energyforecast.cli import application
from energyforecast.features import LocalHour, Planned, RecentLevel
from energyforecast.features.planned import planned_activity
from energyforecast.testing import check_no_leakage, example_snapshot

WORKS = ef.DemandArea(name="works", latitude=50.0, longitude=8.0, sector="industry", timezone="Europe/Berlin")
TASK = ef.day_ahead("11:00", timezone="Europe/Berlin", quantiles=(0.1, 0.5, 0.9))
DAYS = 100
INDEX = pd.date_range("2024-01-01", periods=24 * DAYS, freq="1h", tz="UTC")
MODEL = ef.LightGBMQuantiles(n_estimators=80, folds=0, min_child_samples=5, extra_trees=False)
ISSUE = "2024-04-05 11:00"
FIT = "2024-03-20"


def _plan() -> pd.DataFrame:
    """A campaign of some hours on every second day or so, known two days ahead; some are cancelled after the issue."""
    rng = np.random.default_rng(0)
    rows = []
    for day in np.flatnonzero(rng.uniform(size=DAYS - 1) < 0.5):
        start = INDEX[24 * day] + pd.Timedelta(int(rng.integers(0, 14)), unit="h")
        end = start + pd.Timedelta(int(rng.integers(3, 9)), unit="h")
        rows.append((start, end, 1.0, INDEX[24 * day] - pd.Timedelta("36h")))
        if rng.uniform() < 0.1:
            rows.append((start, end, 0.0, INDEX[24 * day] - pd.Timedelta("2h")))
    frame = pd.DataFrame(rows, columns=["start", "end", "level", "published"])
    return frame.assign(site="works", activity="furnace")


ROWS = _plan()
PLAN = ef.PlannedOperation(ROWS)
ON = PLAN.at("works", "furnace", INDEX)
DEMAND = pd.DataFrame({"works": 4.0 + 6.0 * ON + np.random.default_rng(1).normal(0, 0.2, len(INDEX))}, INDEX)
POWER = ef.Observations(DEMAND, published_after="1h", planned=PLAN)
BARE = ef.Observations(DEMAND, published_after="1h")


def _forecaster(**more: Any) -> ef.Forecaster:
    return ef.Forecaster(WORKS, TASK, **({"model": MODEL} | more))


@pytest.fixture(scope="module")
def fitted() -> ef.Forecaster:
    return _forecaster().fit(None, POWER, as_of=FIT)


def _campaign(
    level: float, *, published: str, hours: tuple[str, str] = ("08:00", "14:00")
) -> ef.PlannedOperation:
    start, end = (f"2024-04-06 {hour}" for hour in hours)
    row = {"site": "works", "activity": "furnace", "start": start, "end": end, "level": level}
    return ef.PlannedOperation(pd.DataFrame([row | {"published": published}]), timezone="Europe/Berlin")


def _median(forecast: ef.Forecast) -> pd.Series:
    table = forecast.to_frame()
    return table.set_index(table["valid_time"].dt.tz_convert("Europe/Berlin").dt.hour)["q0.5"]


# -- columns ---------------------------------------------------------------------------------------


def test_columns_hold_the_plan_as_it_was_known_and_its_departure_from_the_last_weeks() -> None:
    issued = pd.date_range("2024-03-01 11:00", periods=20, freq="1D", tz="Europe/Berlin")
    matrix = _forecaster(features=[Planned(), RecentLevel()]).design_matrix(None, POWER, issued)
    frame = matrix.columns["works"]
    expected = [
        PLAN.at("works", "furnace", [hour], as_of=moment)[0]
        for hour, moment in zip(matrix.valid_time, matrix.issue_time, strict=True)
    ]
    np.testing.assert_array_equal(frame["planned[furnace]"], np.float32(expected))
    # Of demand that is the plan of the time, the level is that of the plan, but for campaigns that were cancelled
    # after they were measured, of which there are none.
    as_measured = pd.DataFrame({"works": PLAN.at("works", "furnace", INDEX)}, INDEX)
    level = _forecaster(features=[RecentLevel()]).design_matrix(
        None, ef.Observations(as_measured, published_after="1h"), issued
    )
    change = frame["planned[furnace]"] - level.columns["works"]["level"]
    np.testing.assert_allclose(frame["planned_change[furnace]"], change, atol=1e-6)


def test_before_the_first_publication_nothing_is_known_and_afterwards_nothing_is_planned() -> None:
    first = PLAN.rows["published"].min()
    issued = [first - pd.Timedelta("1min"), first]
    matrix = _forecaster(features=[Planned(), LocalHour()]).design_matrix(None, POWER, issued)
    column = matrix.columns["works"]["planned[furnace]"].to_numpy()
    assert np.isnan(column[matrix.origin == 0]).all()
    assert np.isfinite(column[matrix.origin == 1]).all()


def test_without_a_plan_there_are_no_columns() -> None:
    matrices = [_forecaster().design_matrix(None, power, [ISSUE]) for power in (BARE, POWER)]
    bare, planned = (list(matrix.columns["works"]) for matrix in matrices)
    assert [name for name in planned if name not in bare] == ["planned[furnace]", "planned_change[furnace]"]
    assert [name for name in planned if name in bare] == bare
    assert Planned().compute(example_snapshot(history=Planned().history)) == {}


def test_columns_of_activities_do_not_share_a_name() -> None:
    names = ("furnace", "furnace, change", "change", "]", "[furnace]")
    rows = {"site": "farm", "activity": names, "start": "2024-01-02 01:00", "end": "2024-01-02 02:00"}
    plan = ef.PlannedOperation(pd.DataFrame(rows), published="2023-12-31")
    columns = Planned().compute(example_snapshot(planned=plan, history=Planned().history))
    assert len(columns) == 2 * len(names)
    assert {name for name in map(planned_activity, columns) if name} == set(names)


def test_members_of_an_ensemble_have_the_plan_of_their_origin() -> None:
    row = {"site": "farm", "activity": "shift", "start": "2024-01-02 01:00", "end": "2024-01-02 02:00"}
    plan = ef.PlannedOperation(pd.DataFrame([row]), published="2023-12-31")
    now = example_snapshot({"temp_air": [1.0, 2.0]}, planned=plan, history=Planned().history)
    columns = Planned().compute(now.by_member())
    assert columns["planned[shift]"].tolist() == [[0.0, 1.0, 0.0]] * 2


# -- forecasts -------------------------------------------------------------------------------------


def test_a_plan_makes_forecasts_better_and_a_backtest_takes_it_as_it_was_known() -> None:
    results = {
        name: ef.backtest(
            _forecaster(), None, BARE, start="2024-03-21", end="2024-04-05", refit=None, planned=given
        )
        for name, given in (("with", PLAN), ("without", None))
    }
    loss = {
        name: float(ef.evaluation.score("pinball", BARE, result.forecasts["model"])["value"].iloc[0])
        for name, result in results.items()
    }
    assert loss["with"] < 0.6 * loss["without"]
    assert results["with"].provenance["planned"] == repr(PLAN)
    assert "planned" not in results["without"].provenance


def test_a_plan_is_tried_out(fitted: ef.Forecaster) -> None:
    usual = fitted.predict(None, POWER, issue_time=ISSUE)
    off, on = (
        _median(
            fitted.predict(
                None, POWER, issue_time=ISSUE, planned=_campaign(level, published="2024-04-05 10:59")
            )
        )
        for level in (0.0, 1.0)
    )
    assert (on - off).loc[8:13].min() > 3  # six MW, less what a short history leaves open
    assert abs(on - off).drop(range(8, 14)).max() < 1
    late = _campaign(1.0 - PLAN.at("works", "furnace", ["2024-04-06 08:00"])[0], published="2024-04-05 11:01")
    unseen = fitted.predict(None, POWER, issue_time=ISSUE, planned=late)
    np.testing.assert_array_equal(unseen.data.values, usual.data.values)


def test_no_plan_of_later_is_seen() -> None:
    check_no_leakage(_forecaster(), None, POWER, issue_time=ISSUE, origins=3)


def test_a_plan_of_later_that_is_seen_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from energyforecast.point_in_time import planned

    real = planned._mean_levels

    def with_all(rows: pd.DataFrame, issued: Any, begin: Any, width: pd.Timedelta) -> Any:
        return real(rows, issued + np.timedelta64(30, "h"), begin, width)

    monkeypatch.setattr(planned, "_mean_levels", with_all)
    with pytest.raises(errors.LeakageError, match="planned"):
        check_no_leakage(_forecaster(), None, POWER, issue_time=ISSUE, origins=3)


def test_another_plan_than_that_of_the_fit_is_refused(fitted: ef.Forecaster) -> None:
    with pytest.raises(errors.SchemaError, match=r"fitted with \['furnace'\]"):
        fitted.predict(None, BARE, issue_time=ISSUE)
    press = ROWS.assign(activity="press")
    with pytest.raises(errors.SchemaError, match=r"\['furnace', 'press'\]"):
        fitted.predict(None, POWER, issue_time=ISSUE, planned=ef.PlannedOperation(press))
    naive = _forecaster(model=ef.SeasonalNaive()).fit(None, POWER, as_of=FIT)
    naive.predict(None, BARE, issue_time=ISSUE)  # needs none


def test_an_activity_that_training_never_saw_is_left_out_and_marked(fitted: ef.Forecaster) -> None:
    press = ef.PlannedOperation(
        pd.DataFrame([{"site": "works", "activity": "press", "start": "2024-04-07", "end": "2024-04-08"}]),
        published="2024-04-01 12:00",
        timezone="Europe/Berlin",
    )
    issued = ["2024-04-04 11:00", ISSUE, "2024-04-06 11:00"]
    usual = fitted.predict(None, POWER, issue_time=issued)
    loose = fitted.predict(None, POWER, issue_time=issued, planned=press, strict=False)
    np.testing.assert_array_equal(loose.data.values, usual.data.values)
    assert loose.data["fallback_level"].values.tolist() == [[0, 0, 2]]  # of the press's day alone
    assert loose.caveats == ("works: planned activity 'press' is unknown to training and left out",)
    assert usual.caveats == ()
    assert not usual.data["fallback_level"].values.any()


def test_a_level_beyond_that_of_training_is_named(fitted: ef.Forecaster) -> None:
    double = fitted.predict(None, POWER, issue_time=ISSUE, planned=_campaign(2.0, published="2024-04-04"))
    said = "works: activity 'furnace' is planned at 2 in 6 intervals, in training at most 1: the forecast does not"
    assert [caveat for caveat in double.caveats if caveat.startswith(said)]
    closed = ROWS.assign(activity="closed").iloc[:1].assign(start=INDEX[-48], end=INDEX[-24])
    plan = ef.PlannedOperation(pd.concat([ROWS, closed.assign(published="2024-01-01 00:00Z")]))
    power = ef.Observations(DEMAND, published_after="1h", planned=plan)
    forecaster = _forecaster().fit(None, power, as_of=FIT)
    assert forecaster.training_.planned == {"works": {"closed": 0.0, "furnace": 1.0}}
    found = forecaster.predict(None, power, issue_time=[ISSUE, INDEX[-60]]).caveats
    assert [
        "'closed' is planned at 1 in " in caveat and "in training never" in caveat for caveat in found
    ] == [True]
    assert not forecaster.predict(None, power, issue_time=ISSUE).caveats


def test_an_activity_of_training_that_no_plan_has_is_missing_and_marked(fitted: ef.Forecaster) -> None:
    bare = fitted.predict(None, BARE, issue_time=ISSUE, strict=False)
    assert np.isfinite(bare.data.values).all()
    assert bare.data["fallback_level"].values.tolist() == [[2]]
    assert bare.caveats == ("works: planned activity 'furnace' of training is missing",)


def test_plans_of_other_sites_and_without_observations_are_refused(fitted: ef.Forecaster) -> None:
    misspelt = ef.PlannedOperation(ROWS.assign(site="wroks"))
    with pytest.raises(errors.SchemaError, match="'wroks'"):
        fitted.predict(None, POWER, issue_time=ISSUE, planned=misspelt)
    with pytest.raises(errors.MissingDataError, match="without observations"):
        fitted.predict(None, issue_time=ISSUE, planned=PLAN)
    with pytest.raises(errors.SchemaError, match="planned"):
        fitted.predict(None, POWER, issue_time=ISSUE, planned=ROWS)  # type: ignore[arg-type]
    with pytest.raises(errors.SchemaError, match="planned"):
        ef.Observations(DEMAND, published_after="1h", planned=ROWS)  # type: ignore[arg-type]


def test_observations_carry_their_plan() -> None:
    other = ef.PlannedOperation(pd.concat([ROWS, ROWS.assign(site="mill")]))
    both = replace(
        POWER, values=DEMAND.assign(mill=1.0), planned=other, published_after=POWER.published_after
    )
    assert both[["works"]].planned.rows.equals(PLAN.rows)
    assert both[:"2024-02"].planned.rows.equals(other.rows)  # the hours to come belong to it
    assert both.resample("2h").planned.rows.equals(other.rows)


# -- files -----------------------------------------------------------------------------------------


def test_a_stored_forecaster_and_a_stored_result_go_on_with_the_plan(
    fitted: ef.Forecaster, tmp_path: Path
) -> None:
    again = ef.load(fitted.save(tmp_path / "works.forecaster"))
    one, two = (item.predict(None, POWER, issue_time=ISSUE) for item in (fitted, again))
    assert one.data.identical(two.data)
    naive = _forecaster(model=ef.SeasonalNaive())
    result = ef.backtest(naive, None, POWER, start="2024-04-01", end="2024-04-03", refit=None)
    result.save(tmp_path / "result")
    pd.testing.assert_frame_equal(ef.Result.load(tmp_path / "result").observations.planned.rows, PLAN.rows)


def test_a_backtest_does_not_go_on_with_another_plan(tmp_path: Path) -> None:
    def run(plan: ef.PlannedOperation) -> None:
        ef.backtest(
            _forecaster(model=ef.SeasonalNaive()),
            None,
            BARE,
            start="2024-04-01",
            end="2024-04-03",
            refit=None,
            planned=plan,
            execution=ef.evaluation.Execution(resume=tmp_path),
        )

    run(PLAN)
    run(PLAN)
    with pytest.raises(errors.SchemaError, match="holds a backtest of other data"):
        run(ef.PlannedOperation(ROWS.assign(level=ROWS["level"] * 2)))


CONFIGURATION = """
[sites.works]
kind = "demand"
latitude = 50.0
longitude = 8.0
sector = "industry"
timezone = "Europe/Berlin"
[observations]
file = "demand.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[planned]
file = "plan.csv"
timezone = "UTC"
site = "works"
[task]
kind = "day_ahead"
issue = "11:00"
timezone = "Europe/Berlin"
quantiles = [0.1, 0.5, 0.9]
[model]
kind = "LightGBMQuantiles"
n_estimators = 80
extra_trees = false
folds = 0
min_child_samples = 5
"""


def test_the_command_forecasts_with_the_plan_of_a_file(tmp_path: Path) -> None:
    DEMAND.to_csv(tmp_path / "demand.csv", index_label="time")
    ROWS.drop(columns="site").to_csv(tmp_path / "plan.csv", index=False)
    (tmp_path / "works.toml").write_text(CONFIGURATION)
    read = configuration.read(tmp_path / "works.toml").observations()
    pd.testing.assert_frame_equal(read.planned.rows, PLAN.rows)
    arguments = [
        "forecast",
        str(tmp_path / "works.toml"),
        "--issue-time",
        ISSUE,
        "--out",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(application.app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "out" / "forecast.csv", parse_dates=["valid_time"])
    on = PLAN.at("works", "furnace", table["valid_time"], as_of=pd.Timestamp(ISSUE, tz="Europe/Berlin")) > 0
    assert table["q0.5"][on].min() > table["q0.5"][~on].max() + 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('timezone = "UTC"\nsite', "site", "does not give timezone"),
        ('file = "plan.csv"\n', "", "no place"),
        ('site = "works"\n[task]', 'sight = "works"\n[task]', "'sight'"),
        ('site = "works"\n[task]', 'label = "ending"\n[task]', "'label'"),
    ],
)
def test_a_section_that_is_wrong_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in CONFIGURATION
    path = tmp_path / "works.toml"
    path.write_text(CONFIGURATION.replace(old, new))
    with pytest.raises(errors.ConfigurationError, match=words):
        configuration.read(path)


def test_a_pooled_model_of_sites_with_different_activities_is_refused_in_the_fit() -> None:
    both = ef.Observations(DEMAND.assign(other=DEMAND["works"]), published_after="1h", planned=PLAN)
    sites = [WORKS, replace(WORKS, name="other")]
    features = [LocalHour(), RecentLevel(), Planned()]
    pooled = ef.Forecaster(sites, TASK, model=MODEL, pooled=True, features=features)
    with pytest.raises(errors.SchemaError, match=r"'other' and 'works' differ in .*furnace"):
        pooled.fit(None, both, as_of=FIT)
    idle = ROWS.iloc[[0]].assign(site="other", level=0.0, published=INDEX[0] - pd.Timedelta("9D"))
    whole = ef.PlannedOperation(pd.concat([ROWS, idle], ignore_index=True))
    pooled.fit(None, replace(both, planned=whole), as_of=FIT)
    assert np.isfinite(pooled.predict(None, replace(both, planned=whole), issue_time=ISSUE).data.values).all()
