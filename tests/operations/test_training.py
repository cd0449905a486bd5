"""Training of the daily run: when it is due, which fits are compared, what the manifest holds, ages as served."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import configuration
from energyforecast.configuration import Configuration
from energyforecast.core.weather_schema import validated
from energyforecast.errors import MissingDataError
from energyforecast.operations import Registry, Training, is_due, train
from energyforecast.operations.own_backtest import known_by, own_backtest
from tests.support.farm_configuration import SMALL, farm_configuration
from tests.support.synthetic_data import HOUR, with_arrival

FIRST, WEEK_LATER, MUCH_LATER = "2024-03-14 09:00", "2024-03-21 09:00", "2024-04-05 09:00"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return configuration.read(farm_configuration(tmp_path_factory.mktemp("farm")))


@pytest.fixture(scope="module")
def data(settings: Configuration) -> tuple[object, ef.Observations]:
    return settings.weather(), settings.observations()


@pytest.fixture(scope="module")
def trained(
    settings: Configuration, data: tuple, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Registry, list[Training]]:
    """Three trainings: the first, a week later, and 18 days later."""
    registry = Registry(tmp_path_factory.mktemp("trained") / "models")
    weather, power = data
    done = [
        train(settings, weather=weather, observations=power, as_of=day, registry=registry)
        for day in (FIRST, WEEK_LATER, MUCH_LATER)
    ]
    return registry, done


@pytest.fixture
def copied(trained: tuple[Registry, list[Training]], tmp_path: Path) -> Registry:
    """A copy of the registry, to change."""
    shutil.copytree(trained[0].folder, tmp_path / "models")
    return Registry(tmp_path / "models")


def _changed(settings: Configuration, tmp_path: Path, **changes: object) -> Configuration:
    return configuration.read(farm_configuration(tmp_path / "changed", days=2, **changes))  # type: ignore[arg-type]


# --- Due --------------------------------------------------------------------------------------------


def test_it_is_due_at_first_and_then_every_week(
    settings: Configuration, trained: tuple[Registry, list[Training]], tmp_path: Path
) -> None:
    registry, _ = trained
    assert is_due(settings, Registry(tmp_path), FIRST) == "No model has been trained yet."
    assert is_due(settings, registry, MUCH_LATER) is None
    assert is_due(settings, registry, "2024-04-11 09:00") is None
    assert is_due(settings, registry, "2024-04-12 08:59") == (
        "The newest model is of 2024-04-05 07:00 UTC, and one is trained every 7 days."
    )


def test_a_model_that_was_not_put_in_service_counts_as_trained(
    settings: Configuration, copied: Registry
) -> None:
    fitted = copied.load()
    copied.add(fitted, as_of=pd.Timestamp("2024-04-12 07:00Z"), about={"promotion": {"promoted": False}})
    assert is_due(settings, copied, "2024-04-13 09:00") is None


def test_drift_is_a_reason_once_a_day_unless_it_is_switched_off(
    settings: Configuration, trained: tuple[Registry, list[Training]], tmp_path: Path
) -> None:
    registry, _ = trained
    assert is_due(settings, registry, "2024-04-05 20:00", drift="CRPS 3 MW") is None
    assert is_due(settings, registry, "2024-04-06 09:00", drift="CRPS 3 MW") == "Drift: CRPS 3 MW."
    off = _changed(settings, tmp_path, operations="train_on_drift = false")
    assert is_due(off, registry, "2024-04-06 09:00", drift="CRPS 3 MW") is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"capacity": 12.0}, "site farm 0 capacity 10.0, not 12.0"),
        ({"model": SMALL.replace("= 20", "= 21")}, "model farm 0 parameters n_estimators 20, not 21"),
        ({"model": 'kind = "Climatology"'}, "LightGBMQuantiles, not Climatology"),
    ],
)
def test_a_changed_configuration_is_a_reason(
    settings: Configuration,
    trained: tuple[Registry, list[Training]],
    tmp_path: Path,
    changes: dict[str, object],
    words: str,
) -> None:
    reason = is_due(_changed(settings, tmp_path, **changes), trained[0], MUCH_LATER)
    assert reason is not None
    assert reason.startswith("The configuration has changed: ")
    assert words in reason


def test_a_refused_model_is_a_reason(settings: Configuration, copied: Registry) -> None:
    newest = copied.in_service()
    assert newest is not None
    newest.path.write_bytes(b"")
    reason = is_due(settings, copied, MUCH_LATER)
    assert reason is not None
    assert reason.startswith(f"The model in service was refused: {newest.name}: ")
    shutil.rmtree(copied.folder)
    assert is_due(settings, copied, MUCH_LATER) == "No model has been trained yet."


def test_a_model_of_a_time_to_come_is_a_reason(
    settings: Configuration, trained: tuple[Registry, list[Training]]
) -> None:
    reason = is_due(settings, trained[0], WEEK_LATER)
    assert reason is not None
    assert "is to come" in reason


# --- Promotion --------------------------------------------------------------------------------------


def test_the_first_is_put_in_service_and_later_ones_that_are_not_worse(
    trained: tuple[Registry, list[Training]],
) -> None:
    registry, (first, second, third) = trained
    assert [training.promoted for training in (first, second, third)] == [True, True, True]
    assert first.reason == "There is no model in service."
    assert second.reason == "It is not worse than the model in service."
    assert registry.in_service() == third.record
    assert registry.served().forecaster.training_.as_of == "2024-04-05 07:00"  # type: ignore[union-attr]


def test_neither_of_the_compared_fits_has_seen_the_weeks(trained: tuple[Registry, list[Training]]) -> None:
    _, done = trained
    for before, training in pairwise(done):
        verdict = training.record.manifest["promotion"]
        assert f"the recipe of the model in service {before.record.name} fitted as of" in verdict["compared"]
        first_issue = pd.Timestamp(verdict["compared"].split("issues of ")[1][:10], tz="UTC")
        for record in (before.record, training.record):
            earlier = ef.load(record.comparison)
            assert pd.Timestamp(earlier.training_.as_of, tz="UTC") <= first_issue + pd.Timedelta("1D")
            assert earlier.fallbacks_ == ()
            full = ef.load(record.path)
            assert full.fallbacks_ != ()
            assert full.training_.origins > earlier.training_.origins
        assert {row["days"] for row in verdict["scores"]} == {29 if training is done[2] else 22}


@pytest.mark.slow
def test_the_model_in_service_itself_is_compared_where_it_is_older_than_the_weeks(
    settings: Configuration, data: tuple, tmp_path: Path
) -> None:
    registry, (weather, power) = Registry(tmp_path / "models"), data
    given = {"weather": weather, "observations": power, "registry": registry}
    first = train(settings, as_of="2024-03-01 09:00", **given)
    second = train(settings, as_of=MUCH_LATER, **given)
    compared = second.record.manifest["promotion"]["compared"]
    assert f"the model in service {first.record.name} itself" in compared


def test_a_worse_model_is_stored_and_not_put_in_service(
    settings: Configuration, data: tuple, copied: Registry
) -> None:
    """Its data has been spoilt since: the meter writes another plant's power until the newest weeks."""
    weather, power = data
    spoilt = power.values.copy()
    early = spoilt.index < pd.Timestamp("2024-03-18", tz="UTC")
    spoilt[early] = np.roll(spoilt[early].to_numpy(), 24 * 9, axis=0)
    wrong = replace(power, values=spoilt)
    trusting = replace(
        settings,
        sections={
            **settings.sections,
            "observations": {**settings.sections["observations"], "trust_clock": True},
        },
    )
    before = copied.in_service()
    done = train(trusting, weather=weather, observations=wrong, as_of="2024-04-09 09:00", registry=copied)
    assert not done.promoted
    assert done.reason.startswith("Worse than the model in service: crps at farm 0")
    assert copied.in_service() == before
    assert done.record in copied.records()
    assert not done.record.promoted


def test_where_the_configuration_asks_for_another_model_it_is_followed_and_the_loss_is_named(
    settings: Configuration, data: tuple, copied: Registry, tmp_path: Path
) -> None:
    weather, power = data
    other = _changed(settings, tmp_path, model='kind = "Climatology"')
    done = train(other, weather=weather, observations=power, as_of="2024-04-09 09:00", registry=copied)
    assert done.promoted
    assert "The configuration has changed" in done.reason
    assert "worse than the model in service: crps at farm 0" in done.reason
    assert is_due(other, copied, "2024-04-09 09:00") is None
    copied.roll_back()
    assert "Climatology" in str(is_due(other, copied, "2024-04-09 09:00"))


# --- Manifest ---------------------------------------------------------------------------------------


def test_the_manifest_holds_window_features_hashes_versions_and_scores(
    trained: tuple[Registry, list[Training]],
) -> None:
    manifest = trained[1][2].record.manifest
    assert manifest["training"]["last_hour"] == "2024-04-05 04:00"
    assert manifest["training"]["weather_age"][""]["usual"] == pytest.approx(8.0)
    assert manifest["training"]["fallbacks"].keys() == {"older runs", "basic weather"}
    assert "WindSpeed" in manifest["features"]["farm 0"]
    assert manifest["versions"].keys() >= {"energyforecast", "lightgbm", "forecaster_schema"}
    assert len(manifest["data"]["weather"][""]["hash"]) == len(manifest["data"]["observations"]["hash"]) == 16
    assert manifest["data"]["as_of"] == "2024-04-05 07:00"
    assert manifest["caveats"] == []


def test_the_backtest_is_out_of_sample_with_references_and_the_range_of_a_week(
    settings: Configuration, data: tuple, trained: tuple[Registry, list[Training]]
) -> None:
    """The scores of the manifest are those of an ordinary backtest with a fit at the same moment."""
    backtest = trained[1][2].record.backtest
    assert backtest is not None
    assert backtest["fits"] == ["2024-03-08 07:00"]
    (row,) = backtest["scores"]
    weather, power = data
    result = ef.backtest(
        {
            "model": settings.forecaster(),
            "climatology": ef.Forecaster(settings.sites, settings.task, model=ef.Climatology()),
        },
        weather,
        known_by(power, pd.Timestamp("2024-04-05 07:00Z"))[:"2024-04-05 04:00"],
        start="2024-03-09",
        end="2024-04-04",
        refit=None,
    )
    scores = result.scores(chosen=["crps", "mae"]).set_index(["model", "metric"])["value"]
    assert row["crps"] == pytest.approx(scores["model", "crps"], rel=0.05)  # that has a day less
    assert row["mae"] == pytest.approx(scores["model", "mae"], rel=0.05)
    assert row["crps_climatology"] == pytest.approx(scores["climatology", "crps"], rel=0.05)
    assert row["crps"] < 0.5 * min(row["crps_climatology"], row["crps_persistence"])
    blocks = backtest["blocks"]
    assert len(blocks) == 4
    assert sum(block["n"] for block in blocks) == row["n"]
    span = backtest["range"]["farm 0"]["crps"]
    assert span["low"] < row["crps"] < span["high"]


def test_a_week_of_few_hours_is_not_in_the_range() -> None:
    """Two days are left of the third of six weeks, and they are unlike all others."""
    hours = pd.date_range("2024-01-01", periods=24 * 7 * 20, freq="1h", tz="UTC")
    power = pd.DataFrame({"farm 0": np.random.default_rng(0).uniform(0, 5, len(hours))}, index=hours)
    thin = (hours >= hours[-1] - pd.Timedelta("28D")) & (hours < hours[-1] - pd.Timedelta("21D"))
    power.loc[thin, "farm 0"] = np.where(np.arange(thin.sum()) < 48, 10.0, np.nan)
    observations = ef.Observations(power, published_after="1h")
    farm = ef.WindFarm(name="farm 0", latitude=43.6, longitude=78.5, capacity=10, hub_height=90)
    forecaster = ef.Forecaster(farm, ef.day_ahead("09:00", timezone="UTC"), model=ef.Climatology())
    found = own_backtest(
        forecaster, validated(None), observations, as_of=hours[-1], weeks=6, refit_weeks=6
    ).summary
    mean = found["range"]["farm 0"]["crps"]["mean"]
    whole = [block["crps"] for block in found["blocks"] if block["n"] > 84]
    assert 4 <= len(whole) < len(found["blocks"])
    assert mean == pytest.approx(np.mean(whole))


def test_outcomes_published_later_are_not_known() -> None:
    index = pd.date_range("2024-01-01", periods=4, freq="1h", tz="UTC")
    given = ef.Observations(pd.DataFrame({"farm": [1.0, 2.0, 3.0, 4.0]}, index=index), published_after="1h")
    known = known_by(given, pd.Timestamp("2024-01-01 03:00", tz="UTC")).values["farm"]
    assert known[:2].tolist() == [1.0, 2.0]
    assert known[3:].isna().all()


def test_a_training_knows_nothing_of_what_comes_after(
    settings: Configuration, data: tuple, trained: tuple[Registry, list[Training]], tmp_path: Path
) -> None:
    """With all that is published later destroyed, the same model and the same scores come out."""
    weather, power = data
    moment = pd.Timestamp("2024-03-14 08:00", tz="UTC")
    later = power.published > moment.to_datetime64()
    poisoned = replace(power, values=power.values.mask(later, 0.0))
    arrived = weather["available_time"].values
    kept = weather.isel(init_time=arrived <= moment.to_datetime64())
    registry = Registry(tmp_path / "models")
    done = train(settings, weather=kept, observations=poisoned, as_of=FIRST, registry=registry)
    then = trained[1][0]
    assert done.record.name == then.record.name  # its end is the checksum of the forecaster
    assert done.record.backtest == then.record.backtest


def test_a_short_history_has_no_backtest_and_says_so(
    settings: Configuration, data: tuple, tmp_path: Path
) -> None:
    weather, power = data
    registry = Registry(tmp_path / "models")
    done = train(settings, weather=weather, observations=power, as_of="2024-01-15 09:00", registry=registry)
    assert done.promoted
    assert done.record.backtest is None
    assert "no backtest: The history of 14 days is too short for a backtest." in done.record.caveats
    again = train(settings, weather=weather, observations=power, as_of="2024-01-16 09:00", registry=registry)
    assert again.promoted
    assert again.reason == "There are too few weeks to compare."


def test_a_farm_without_power_is_trained_on_its_weather(
    settings: Configuration, data: tuple, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "models")
    done = train(settings, weather=data[0], observations=None, as_of=FIRST, registry=registry)
    assert done.promoted
    assert any("cold start" in caveat for caveat in done.record.caveats)
    assert "no backtest: There are no measurements." in done.record.caveats


@pytest.mark.slow
def test_gaps_of_the_past_are_left_out_and_counted(
    settings: Configuration, data: tuple, tmp_path: Path
) -> None:
    weather, power = data
    gap = (weather["init_time"] >= np.datetime64("2024-02-01")) & (
        weather["init_time"] < np.datetime64("2024-02-08")
    )
    registry = Registry(tmp_path / "models")
    done = train(
        settings,
        weather=weather.isel(init_time=~gap.values),
        observations=power,
        as_of=FIRST,
        registry=registry,
    )
    count = done.record.manifest["training"]["without_weather"]
    assert 3 <= count <= 7
    assert f"{count} issue times without usable weather were left out of training" in done.record.caveats


def test_without_any_data_the_model_in_service_stays(settings: Configuration, copied: Registry) -> None:
    before = copied.in_service()
    with pytest.raises(MissingDataError):
        train(settings, weather=None, observations=None, as_of=MUCH_LATER, registry=copied)
    assert copied.in_service() == before


# --- Ages as served ---------------------------------------------------------------------------------


def _fetched_at(weather: object, clock: str) -> object:
    """Runs of 00 UTC alone, each fetched at a time of its day: as a cron fills an archive."""
    daily = weather.isel(init_time=weather["init_time"].dt.hour.values == 0)  # type: ignore[attr-defined]
    return with_arrival(daily, daily["init_time"].values + pd.Timedelta(clock).to_timedelta64())


def test_a_fetch_after_the_issue_time_is_named_on_both_sides(
    settings: Configuration, data: tuple, tmp_path: Path
) -> None:
    """A cron that fetches at 09:05 for a task of 09:00 trains on yesterday's runs, and serves today's at 09:10."""
    weather, power = _fetched_at(data[0], "8h5min"), data[1]  # 09:05 of Paris in winter
    registry = Registry(tmp_path / "models")
    done = train(settings, weather=weather, observations=power, as_of="2024-03-14 09:10", registry=registry)
    assert done.record.manifest["training"]["weather_age"][""]["newest"] == pytest.approx(32.0)
    (caveat,) = done.record.caveats
    assert "training saw weather runs 32 h old, and at 2024-03-14 09:10 one of 8 h is served" in caveat
    assert "fetch before it, or issue later" in caveat
    forecast = registry.load().predict(weather, power, issue_time="2024-03-14 09:10", strict=False)
    assert any("weather runs are 8 h old, in training 32 h" in line for line in forecast.caveats)


def test_an_archive_filled_as_if_runs_had_been_early_is_named_too(
    settings: Configuration, data: tuple, tmp_path: Path
) -> None:
    """Filled in with the source's latency, then fetched a day late."""
    weather, power = _fetched_at(data[0], "4h"), data[1]
    arrived = weather["available_time"].values.copy()
    arrived[-29:] += 24 * HOUR
    registry = Registry(tmp_path / "models")
    done = train(
        settings,
        weather=with_arrival(weather, arrived),
        observations=power,
        as_of="2024-03-14 09:00",
        registry=registry,
    )
    (caveat,) = [line for line in done.record.caveats if "training saw" in line]
    assert "training saw weather runs 8 h old, and at 2024-03-14 09:00 one of 32 h is served" in caveat
    assert "too optimistic" in caveat


@pytest.mark.slow
def test_runs_that_are_served_as_they_were_learnt_have_no_caveat(
    settings: Configuration, data: tuple, tmp_path: Path
) -> None:
    weather, power = _fetched_at(data[0], "7h"), data[1]
    registry = Registry(tmp_path / "models")
    done = train(settings, weather=weather, observations=power, as_of="2024-03-14 09:10", registry=registry)
    assert done.record.caveats == ()
