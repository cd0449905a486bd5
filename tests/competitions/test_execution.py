"""Competitions as benchmarks: scores, point-in-time information, processes, and the command."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import competitions, testing
from energyforecast.cli import main
from energyforecast.competitions import (
    CompetitionData,
    TaskForecast,
    competition,
    execution,
    scoring,
    settings,
)
from energyforecast.errors import ConfigurationError, LeakageError
from energyforecast.forecasting.default_of_wind import model_of_wind
from energyforecast.models import KernelQuantiles, LightGBMQuantiles, SelectedModel
from energyforecast.testing import check_no_leakage
from tests.support.competition_files import QuickWind, wind_table, write_2012, write_solar, write_wind

DATA = Path(os.environ.get("ENERGYFORECAST_DATA", "")) / "gefcom2014" / "wind.parquet"
REAL = pytest.mark.skipif(
    not DATA.is_file(), reason="needs gefcom2014 in the folder that ENERGYFORECAST_DATA names"
)
INFORMATION = ("competition", "operational")


@pytest.fixture(autouse=True)
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of a second."""
    quick = LightGBMQuantiles(folds=0, n_estimators=8, num_leaves=6, fitted_quantiles=(0.1, 0.5, 0.9))
    monkeypatch.setattr(settings, "model", lambda kind, *, next_hours: quick)


@pytest.fixture(scope="module")
def wind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wind")
    return write_wind(folder, wind_table("2012-08-01", "2012-12-01"), split="2012-11-01")


def _wind(folder: Path, information: Any = "competition") -> CompetitionData:
    return ef.competitions.read_gefcom2014_wind(folder, information=information)


# --- Information ----------------------------------------------------------------------------------


@pytest.mark.parametrize("information", INFORMATION)
def test_nothing_that_was_not_known_reaches_a_forecast(wind: Path, information: str) -> None:
    data = _wind(wind, information)
    forecaster = competition("gefcom2014-wind").forecaster(data, "zone 1")  # type: ignore[attr-defined]
    # In the middle of a month: an operator has no power of the month so far.
    issue = "2012-11-01 00:00" if information == "competition" else "2012-11-12 00:00"
    check_no_leakage(forecaster, data.weather, data.observations[["zone 1"]], issue_time=issue)


def test_power_that_is_said_to_be_known_as_it_is_made_would_be_caught(wind: Path) -> None:
    """The poison test of this pipeline can fail: here the month's own power is a feature of its days."""
    data = _wind(wind, "operational")
    forecaster = competition("gefcom2014-wind").forecaster(data, "zone 1")  # type: ignore[attr-defined]
    archive = data.observations.values["zone 1"]

    @ef.feature(weather=["wind_speed_100m"])
    def peek(now):  # type: ignore[no-untyped-def]
        hours = pd.DatetimeIndex(now.valid_time.ravel(), tz="UTC") - pd.Timedelta("1h")
        return seen["power"].reindex(hours).to_numpy().reshape(now.valid_time.shape)

    seen = {"power": archive}
    leaky = ef.Forecaster(
        forecaster.sites,
        forecaster.task,
        features=forecaster.features + peek,
        model=forecaster.model,
        neighbours=forecaster.neighbours,
    )
    table = leaky.design_matrix(data.weather, data.observations, ["2012-11-12 00:00"])
    assert table.columns["zone 1"]["peek"].notna().any()
    with pytest.raises(LeakageError):
        _poisoned_archive(leaky, data, seen)


def _poisoned_archive(forecaster: ef.Forecaster, data: CompetitionData, seen: dict[str, Any]) -> None:
    """The check, with the archive that the feature reads destroyed as the observations are."""
    original = testing.poison_observations

    def spoil(observations: ef.Observations, moment: pd.Timestamp, *, seed: int = 0) -> ef.Observations:
        spoilt = original(observations, moment, seed=seed)
        seen["power"] = spoilt.values["zone 1"]
        return spoilt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "poison_observations", spoil)
        check_no_leakage(
            forecaster, data.weather, data.observations[["zone 1"]], issue_time="2012-11-12 00:00"
        )


@pytest.mark.parametrize("information", INFORMATION)
def test_a_forecast_of_a_task_rests_on_nothing_after_its_start(wind: Path, information: str) -> None:
    event, data = competition("gefcom2014-wind"), _wind(wind, information)
    expected = event.forecast(data, 1, site="zone 1")
    start = data.starts[1]
    power = data.observations.values.copy()
    power.loc[power.index >= start] = 0.123
    later = data.weather["init_time"] > np.datetime64(start.tz_localize(None))
    spoilt = data.weather.where(~later, 3.0) if information == "competition" else data.weather
    changed = replace(
        data,
        weather=spoilt.assign_attrs(data.weather.attrs),
        observations=replace(data.observations, values=power),
    )
    got = event.forecast(changed, 1, site="zone 1")
    np.testing.assert_array_equal(got.quantiles, expected.quantiles)


def test_a_day_of_an_operator_rests_on_its_own_run(wind: Path) -> None:
    event, data = competition("gefcom2014-wind"), _wind(wind, "operational")
    expected = event.forecast(data, 1, site="zone 1")
    tenth = data.weather["init_time"] == np.datetime64("2012-10-10", "ns")
    changed = replace(data, weather=data.weather.where(~tenth, 3.0).assign_attrs(data.weather.attrs))
    got = event.forecast(changed, 1, site="zone 1")
    moved = np.unique(
        got.valid_time[(got.quantiles != expected.quantiles).any(axis=1)].astype("datetime64[D]")
    )
    assert moved.astype(str).tolist() == ["2012-10-10"]


def test_neighbours_weather_counts_and_their_power_does_not(wind: Path) -> None:
    event, data = competition("gefcom2014-wind"), _wind(wind)
    forecaster = event.forecaster(data, "zone 1")  # type: ignore[attr-defined]
    issued = [data.starts[1]]
    calm = data.weather.copy(deep=True)
    calm["wind_speed_100m"].loc[{"site": "zone 2"}] = 3.0
    one, two = (forecaster.design_matrix(weather, None, issued).columns for weather in (data.weather, calm))
    assert list(one) == ["zone 1"], "neighbours are looked at, not forecast"
    changed = [name for name in one["zone 1"] if not one["zone 1"][name].equals(two["zone 1"][name])]
    assert changed
    assert all("neighbour" in name for name in changed)
    expected = event.forecast(data, 1, site="zone 1")
    power = data.observations.values.assign(**{"zone 2": 0.5})
    got = event.forecast(
        replace(data, observations=replace(data.observations, values=power)), 1, site="zone 1"
    )
    np.testing.assert_array_equal(got.quantiles, expected.quantiles)


def test_blocks_of_2012_are_forecast_from_what_was_known_before_them(tmp_path: Path) -> None:
    event = competition("gefcom2012-wind")
    data = event.read(write_2012(tmp_path))
    done = event.forecast(data, 1, site="farm 1")
    assert len(done) == len(done.scored()) == 3 * 48
    persistence = event.references(data, 1, site="farm 1")["persistence"]
    block = persistence.quantiles[:48]
    newest = data.observations.values.loc["2010-12-31 23:00+00:00", "farm 1"]
    assert np.median(block[0]) == pytest.approx(newest, abs=0.2)
    assert (event.climatology(data, 1, site="farm 1").valid_time == done.valid_time).all()
    power = data.observations.values.copy()
    power.loc[power.index >= "2011-01-10"] = 0.0
    changed = replace(data, observations=replace(data.observations, values=power))
    got = event.forecast(changed, 1, site="farm 1")
    np.testing.assert_array_equal(got.quantiles, done.quantiles)


def test_later_training_hours_count_in_2012_with_the_information_of_the_competition_alone(
    tmp_path: Path,
) -> None:
    """The same blocks; one fit knows power after them, and what is known of each block stays what it was."""
    event, folder = competition("gefcom2012-wind"), write_2012(tmp_path, farms=1)
    past, whole = (event.read(folder, information=kind) for kind in event.information)
    one, other = event.forecast(past, 1, site="farm 1"), event.forecast(whole, 1, site="farm 1")
    np.testing.assert_array_equal(one.valid_time, other.valid_time)
    power = whole.observations.values.copy()
    power.loc[power.index >= "2011-01-10"] = 0.0  # after all blocks
    later = replace(whole, observations=replace(whole.observations, values=power))
    got = event.forecast(later, 1, site="farm 1")
    assert np.mean(got.quantiles[:, 49]) < np.mean(other.quantiles[:, 49])
    newest = [event.references(data, 1, site="farm 1")["persistence"] for data in (past, whole, later)]
    np.testing.assert_allclose(
        np.median(newest[1].quantiles[:1]), np.median(newest[0].quantiles[:1]), atol=0.05
    )
    assert event.settings(whole)["information"] == "competition"


def test_2012_has_one_task_with_the_information_of_the_competition(tmp_path: Path) -> None:
    folder = write_2012(tmp_path, farms=1)
    past, whole = (
        competitions.run("gefcom2012-wind", folder, information=kind) for kind in (None, "competition")
    )
    assert (past["information"], whole["information"]) == ("past", "competition")
    assert whole["n"] == past["n"] == 3 * 48
    assert list(whole["tasks"]) == ["1"]
    assert whole["rmse"]["model"] == pytest.approx(whole["sites"]["farm 1"]["rmse"]["model"])
    assert whole["settings"]["refit"].startswith("never")


# --- Scores ---------------------------------------------------------------------------------------


def _known(observed: Any, quantiles: Any, start: str = "2013-01-01") -> TaskForecast:
    observed = np.asarray(observed, dtype=float)
    hours = np.datetime64(start, "ns") + np.arange(len(observed)) * np.timedelta64(3_600_000_000_000, "ns")
    table = np.broadcast_to(np.asarray(quantiles, dtype=float), (len(observed), 99))
    return TaskForecast(observed, table, np.full(len(observed), "zone 1"), hours, hours - hours[:1])


def test_the_pinball_loss_is_not_doubled_and_skips_what_was_not_observed() -> None:
    # An outcome 1 above all quantiles costs the level itself: 0.5 on average; 1 below costs 1 - level.
    assert scoring.pinball(_known([1.0, np.nan, -1.0], np.zeros(99))) == pytest.approx(0.5)
    assert np.isnan(scoring.pinball(_known([np.nan], np.zeros(99))))


def test_sites_weigh_alike_however_many_of_their_hours_were_observed() -> None:
    one, other = _known([1.0], np.zeros(99)), _known([0.0] * 3, np.zeros(99))
    both = TaskForecast.joined([one, replace(other, site=np.full(3, "zone 2"))])
    assert scoring.pinball(both) == pytest.approx(0.25)


def test_coverage_is_counted_by_season() -> None:
    levels = np.arange(1, 100) / 100
    winter = _known(np.full(48, 0.5), levels, "2012-12-15")
    summer = _known(np.full(24, 0.97), levels, "2013-07-15")
    found = scoring.coverage(TaskForecast.joined([winter, summer]))
    plain = {"all": 48 / 72, "DJF": 1.0, "JJA": 0.0}
    assert {name: found["0.8"][name] for name in plain} == plain
    assert {name: found["0.8"]["ties_shared"][name] for name in plain} == plain
    assert found["n"] == {"all": 72, "DJF": 48, "JJA": 24}
    low, high = found["0.8"]["interval"]
    assert 0.0 <= low <= 48 / 72 <= high <= 1.0


def test_calms_are_inside_by_the_share_of_their_probability() -> None:
    """A right forecast of a farm that stands still in 40 hours of 100: its intervals begin at 0 and hold them all."""
    right = np.maximum(np.arange(1, 100) / 100 - 0.4, 0)
    outcomes = np.maximum(np.arange(0.005, 1, 0.01) - 0.4, 0)
    found = scoring.coverage(_known(outcomes, right))
    assert found["0.8"]["all"] == pytest.approx(0.9)
    assert found["0.9"]["all"] == pytest.approx(0.95, abs=0.006)
    assert found["0.8"]["ties_shared"]["all"] == pytest.approx(0.8, abs=0.006)
    assert found["0.9"]["ties_shared"]["all"] == pytest.approx(0.9, abs=0.006)


def test_kinds_of_model_are_compared_in_pairs_and_by_lead_time() -> None:
    """One model is half as wrong in every hour: its change is certain, however much the days differ."""
    rng = np.random.default_rng(0)
    error = rng.exponential(size=24 * 60)
    usual, better = (_known(share * error, np.zeros(99)) for share in (1, 0.5))
    far = replace(better, quantiles=np.where(np.arange(24 * 60)[:, None] < 6, 0.5, 0.0) * np.ones(99))
    found = scoring.comparison({"usual": usual, "better": better, "far": far}, usual="usual")
    assert found["usual"]["change"] == {"pinball": 0.0, "rmse": 0.0}
    assert found["better"]["change"] == pytest.approx({"pinball": -50.0, "rmse": -50.0})
    assert found["better"]["interval"]["pinball"] == pytest.approx([-50.0, -50.0])
    assert found["better"]["pinball"] == pytest.approx(0.5 * found["usual"]["pinball"])
    low, high = found["far"]["interval"]["rmse"]
    assert low < found["far"]["change"]["rmse"] < high
    leads = found["usual"]["leads"]
    assert {lead: row["n"] for lead, row in leads.items()} == {
        "0": 6, "6": 6, "12": 12, "24": 24, "48": 120, "168": 168, "336": 1104,
    }  # fmt: skip
    wide = replace(
        usual, quantiles=np.tile(np.linspace(-9, 9, 99), (1440, 1)) * (np.arange(1440) < 6)[:, None]
    )
    covered = scoring.comparison({"wide": wide}, usual="wide")["wide"]["leads"]
    assert (covered["0"]["0.8"], covered["6"]["0.8"]) == (1.0, 0.0)


@REAL
def test_the_organisers_benchmark_comes_out_as_they_published_it() -> None:
    """Data, hours, levels and the score are theirs; they filled what was missing, which is not scored here."""
    event = competition("gefcom2014-wind")
    data = event.read(DATA.parent)
    board = pd.read_csv(DATA.parent / "leaderboard_wind.csv").set_index("Participant").loc["Benchmark - Wind"]
    for task in range(1, 13):
        parts = [event.climatology(data, task, site=site) for site in event.sites(data)]
        assert scoring.pinball(TaskForecast.joined(parts)) == pytest.approx(board[f"Task{task}"], abs=1e-4)


@REAL
@pytest.mark.slow
@pytest.mark.parametrize("information", INFORMATION)
def test_nothing_that_was_not_known_reaches_a_forecast_of_the_real_track(information: str) -> None:
    data = _wind(DATA.parent, information)
    two = replace(data, sites=data.sites[:2])
    forecaster = competition("gefcom2014-wind").forecaster(two, "zone 1")  # type: ignore[attr-defined]
    power = data.observations[["zone 1"]]
    check_no_leakage(forecaster, data.weather, power, issue_time=data.starts[2], origins=3)


@REAL
@pytest.mark.slow
def test_nothing_that_was_not_known_reaches_a_forecast_of_the_real_solar_track() -> None:
    event = competitions.Gefcom2014Solar()
    data = event.read(DATA.parent)
    forecaster = event.forecaster(data, "zone 1")
    power = data.observations[["zone 1"]]
    check_no_leakage(forecaster, data.weather, power, issue_time=data.starts[1], origins=3)


# --- A whole run ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def board(wind: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("with a board")
    shutil.copytree(wind / "Wind", folder / "Wind")
    (folder / "leaderboard_wind.csv").write_text(
        "Participant,Task1,Task2\nlate,,0.01\nearly,0.03,0.05\nbad,0.9,0.9\n"
    )
    return folder


def test_a_run_says_all_that_is_asked_of_it(board: Path) -> None:
    report = competitions.run("gefcom2014-wind", board, tasks="1-2")
    assert list(report["tasks"]) == ["1", "2"]
    assert report["mean"] == pytest.approx(np.mean(list(report["tasks"].values())))
    assert report["n"] == 2 * (31 + 30) * 24
    assert report["mean"] < 0.7 * report["climatology"]["mean"]
    assert report["leaderboard"]["team"] == "early"
    assert report["leaderboard"]["mean"] == pytest.approx(0.04)
    assert report["leaderboard"]["best"] == {"1": 0.03, "2": 0.01}
    assert report["leaderboard"]["teams"]["late"] == {"1": None, "2": 0.01}
    assert set(report["coverage"]) == {"0.8", "0.9", "n"}
    assert report["settings"]["information"] == "competition"
    assert report["cpu_seconds"] > 0
    assert report["leave_one_month_out"] is None


@pytest.mark.slow
def test_both_kinds_of_model_and_half_of_each_are_compared_where_it_is_asked(board: Path) -> None:
    alone = competitions.run("gefcom2014-wind", board, tasks="1")
    report = competitions.run("gefcom2014-wind", board, tasks="1", models=["half"])
    assert alone["models"] is None
    assert report["tasks"] == alone["tasks"]
    assert report["references"] == alone["references"] == {}
    assert report["models"]["against"] == "trees"
    scores = report["models"]["scores"]
    assert list(scores) == ["default", "trees", "kernel", "half"]
    assert scores["default"]["pinball"] == pytest.approx(report["mean"])
    both = [scores[name]["pinball"] for name in ("trees", "kernel")]
    assert both[0] != both[1]
    assert scores["half"]["pinball"] < np.mean(both)  # the loss is convex
    assert scores["half"]["cpu_seconds"] > scores["kernel"]["cpu_seconds"] > 0
    assert set(report["sites"]["zone 1"]["rmse"]) == {"model", "trees", "kernel", "half", "climatology"}


def test_the_kinds_of_model_learn_what_the_default_learns() -> None:
    """Of a mean one candidate is left, of trees above a kernel model both kinds can be made."""
    departure: dict[str, Any] = {"relative_to": "newest[decayed]", "exclude": ("season_*",)}
    stacked = LightGBMQuantiles(base_models=(KernelQuantiles(),), **departure)
    mean = SelectedModel(
        candidates={"trees": LightGBMQuantiles(**departure), "kernel": KernelQuantiles(**departure)},
        usual=("trees", "kernel"),
        required=(("kernel", "wind_speed*"),),
    )
    for default in (stacked, SelectedModel(candidates={"stacked": stacked}), mean):
        for name, kind in (("trees", LightGBMQuantiles), ("kernel", KernelQuantiles)):
            found = settings.kinds(default)[name]
            candidates = found.candidates if isinstance(found, SelectedModel) else {"": found}
            (model,) = (candidates or {}).values()
            assert isinstance(model, kind)
            assert {key: getattr(model, key) for key in departure} == departure
            assert getattr(model, "base_models", ()) == ()
    alone = settings.kinds(mean)["trees"].get_params(deep=False)
    assert (alone["usual"], alone["required"]) == (("trees",), ())


def test_both_kinds_of_the_default_of_wind_are_there() -> None:
    for name in ("trees", "kernel"):
        found = settings.kinds(model_of_wind(next_hours=True, by_recipe=True))[name]
        assert isinstance(found, SelectedModel)
        assert set(found.usual) | set(found.early) <= set(found.candidates or {})
        kinds = {type(item) for item in (found.candidates or {}).values()}
        assert kinds == {LightGBMQuantiles if name == "trees" else KernelQuantiles}


@pytest.mark.slow
def test_tasks_are_independent_of_each_other_and_of_processes(
    board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(execution._COMPETITIONS, "gefcom2014-wind", QuickWind)
    both = competitions.run("gefcom2014-wind", board, tasks="1-2", jobs=2)
    alone = competitions.run("gefcom2014-wind", board, tasks="2")
    assert alone["tasks"]["2"] == both["tasks"]["2"]
    assert both["cpu_seconds"] > alone["cpu_seconds"]


def test_a_folder_without_leaderboard_gives_null(wind: Path, tmp_path: Path) -> None:
    report = competitions.run("gefcom2014-wind", wind, tasks="1", information="operational")
    assert report["leaderboard"] is None
    written = json.loads(competitions.write_json(tmp_path / "scores.json", report).read_text())
    assert written["leaderboard"] is None
    assert written["settings"]["information"] == "operational"


@pytest.mark.slow
def test_solar_leaves_one_month_out(tmp_path: Path) -> None:
    folder = write_solar(tmp_path, "2013-03-01", "2013-05-01", split="2013-04-01")
    report = competitions.run("gefcom2014-solar", folder, leave_one_month_out=True)
    assert list(report["tasks"]) == ["1"]
    months = report["leave_one_month_out"]["months"]
    assert list(months) == ["2013-03", "2013-04"]
    assert report["leave_one_month_out"]["mean"] == pytest.approx(np.mean(list(months.values())))
    assert report["n"] == 3 * 720


def test_a_month_that_is_left_out_teaches_its_own_forecast_nothing(wind: Path) -> None:
    event, data = competition("gefcom2014-wind"), _wind(wind)
    power = data.observations.values.copy()
    power.loc["2012-10"] = 0.123
    spoilt = replace(data, observations=replace(data.observations, values=power))
    left, got = (event.leave_one_month_out(item, site="zone 1") for item in (data, spoilt))  # type: ignore[attr-defined]
    np.testing.assert_array_equal(left["2012-10"].quantiles, got["2012-10"].quantiles)
    assert (left["2012-09"].quantiles != got["2012-09"].quantiles).any()


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("gefcom2014-rain", {}, "gefcom2014-rain"),
        ("gefcom2014-wind", {"tasks": "3"}, "Task 3"),
        ("gefcom2014-wind", {"tasks": "first"}, "first"),
        ("gefcom2012-wind", {"information": "operational"}, "operational"),
        ("gefcom2014-wind", {"information": "past"}, "past"),
        ("gefcom2012-wind", {"leave_one_month_out": True}, "one month out"),
        ("gefcom2014-load", {"models": ["sets"]}, "'sets'"),
        ("gefcom2014-solar", {"models": ["kernel"]}, "'kernel'"),
        ("gefcom2014-wind", {"models": ["forest"]}, "'forest'"),
    ],
)
def test_what_cannot_be_run_is_refused(wind: Path, name: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        competitions.run(name, wind, **options)
    assert len(str(caught.value).splitlines()) == 3


def test_single_tasks_of_2012_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no single tasks"):
        competitions.run("gefcom2012-wind", write_2012(tmp_path, farms=1), tasks="1")


def _command(*arguments: object, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["energyforecast", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


def test_the_command_writes_scores_and_prints_them_beside_the_best(
    board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENERGYFORECAST_DATA", str(board))
    options = ("--tasks", "1", "--models", "kernel", "--json", tmp_path / "scores.json")
    assert _command("benchmark", "gefcom2014-wind", *options, monkeypatch=monkeypatch) == 0
    out = capsys.readouterr().out
    assert "early" in out
    assert "0.03000" in out
    assert "Coverage: 80% interval" in out
    assert "kinds of model" in out
    assert "from lead [h]" in out
    assert "information: competition" in " ".join(out.split())
    written = json.loads((tmp_path / "scores.json").read_text())
    assert written["information"] == "competition"
    assert written["n"] == 2 * 744
    assert written["models"]["against"] == "default"
    assert list(written["models"]["scores"]) == ["default", "kernel"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("gefcom2014-wind",), "ENERGYFORECAST_DATA"),
        (("gefcom2014-wind", "--data", "absent"), "absent"),
        (("gefcom2014-wind", "--information", "all"), "--information"),
    ],
)
def test_the_command_says_what_is_wrong(
    arguments: tuple[str, ...],
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("ENERGYFORECAST_DATA", raising=False)
    assert _command("benchmark", *arguments, monkeypatch=monkeypatch) == 1
    err = capsys.readouterr().err
    assert named in err
    assert "Traceback" not in err
