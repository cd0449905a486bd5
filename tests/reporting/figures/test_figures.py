"""Figures: what they say, that they say it in each zone and on each day, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.dates import num2date

import energyforecast as ef
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.core.tasks import day_ahead
from energyforecast.errors import EnergyForecastError, MissingDataError
from energyforecast.evaluation import Result, backtest
from energyforecast.planning import sample_scenarios
from energyforecast.reporting import figures as plotting
from energyforecast.testing import example_forecast, example_observations, example_result

CAVEAT = "perfect weather (ERA5 reanalysis): not forecast skill"


def _day(
    day: str, *, levels: tuple[float, ...] = PERCENTILES, timezone: str = "Europe/Paris", caveat: str = ""
) -> Forecast:
    """One local day; each quantile is its level times 10 MW, plus the hour's number."""
    task = day_ahead("09:00", timezone=timezone, quantiles=levels)
    windows = task.windows(task.issue_times(day, day))
    hours = np.arange(int(windows.inside.sum()), dtype=float)
    return Forecast.from_rows(
        {
            "farm": SiteRows(
                hours[:, None] + 10 * np.array(levels)[None, :],
                capacity=60.0,
                kind="wind",
                weather_init_time=windows.issue_time,
            )
        },
        windows=windows,
        quantile_levels=levels,
        attrs={"timezone": timezone, "perfect_weather": int(bool(caveat)), "caveats": caveat},
    )


def _labels(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def _line(figure: Any, label: str) -> tuple[Any, Any]:
    line = next(item for item in figure.axes[0].get_lines() if item.get_label() == label)
    return line.get_xdata(), np.asarray(line.get_ydata(), dtype=float)


@pytest.fixture(scope="module")
def result() -> Result:
    site, weather, power = ef.datasets.la_haute_borne()
    task = day_ahead("09:00", timezone="Europe/Paris")
    several = {
        type(model).__name__: ef.Forecaster(site, task, model=model, perfect_weather=True)
        for model in (ef.Climatology(), ef.Persistence())
    }
    return backtest(several, weather, power, start="2015-03", end="2015-03")


@pytest.mark.slow
def test_figures_are_drawn_without_the_global_state_of_pyplot(tmp_path: Path) -> None:
    code = f"""
import sys
from energyforecast.reporting import figures
from energyforecast.testing import example_forecast, example_observations, example_result
figures.save(figures.fan_chart(example_forecast(), example_observations()), {str(tmp_path / "fan.png")!r})
example_forecast().plot()
sys.exit("matplotlib.pyplot" in sys.modules)
"""
    home = str(Path(ef.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": home},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr or "matplotlib.pyplot was imported"


def test_a_fan_chart_names_site_issue_zone_and_unit() -> None:
    axes = plotting.fan_chart(_day("2024-06-02"), timezone="Europe/Paris").axes[0]
    title = axes.get_title(loc="left")
    assert "farm" in title
    assert "2024-06-01 09:00" in title, "wall time of the issue"
    assert "Europe/Paris" in title
    assert axes.get_ylabel() == "Power [MW]"
    assert "Europe/Paris" in axes.get_xlabel()


@pytest.mark.parametrize(
    ("capacity", "largest", "unit", "shown"),
    [(60.0, 50.0, "MW", "50"), (None, 5e-3, "kW", "5"), (None, 5e-4, "W", "500"), (0.2, 1e-4, "kW", "200")],
)
def test_the_unit_of_an_axis_follows_the_size_of_the_site(
    capacity: float | None, largest: float, unit: str, shown: str
) -> None:
    hours = _day("2024-06-02")
    rows = SiteRows(np.linspace(0, largest, 24)[:, None], capacity=capacity, kind="demand")
    task = day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.5,))
    forecast = Forecast.from_rows(
        {"home": rows}, windows=task.windows(hours.issue_times), quantile_levels=(0.5,), attrs={}
    )
    figure = plotting.fan_chart(forecast)
    figure.canvas.draw()
    axes = figure.axes[0]
    assert axes.get_ylabel() == f"Power [{unit}]"
    assert shown in [text.get_text() for text in axes.get_yticklabels()]
    assert _line(figure, "median")[1].max() == pytest.approx(largest), "the data stay in MW"


@pytest.mark.parametrize(
    ("levels", "shown"),
    [
        (PERCENTILES, ["90% interval", "80% interval", "50% interval", "median"]),
        ((0.1, 0.5, 0.9), ["80% interval", "50% interval", "median"]),
        ((0.4, 0.5, 0.6), ["median"]),
    ],
)
def test_only_intervals_that_the_forecast_holds_are_drawn(
    levels: tuple[float, ...], shown: list[str]
) -> None:
    assert _labels(plotting.fan_chart(_day("2024-06-02", levels=levels))) == shown


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-06-02", 24), ("2024-10-27", 25)])
def test_a_fan_chart_covers_each_local_day_whole(day: str, hours: int) -> None:
    forecast = _day(day)
    index = pd.date_range(day, periods=hours, freq="1h", tz="Europe/Paris").tz_convert("UTC")
    outcome = np.arange(hours) + 7.0
    outcome[4] = np.nan
    observed = Observations(pd.DataFrame({"farm": outcome}, index=index), published_after="1h")
    figure = plotting.fan_chart(forecast, observed, timezone="Europe/Paris")
    edges, median = _line(figure, "median")
    assert len(edges) == hours + 1, "an hour is as wide as it lasts, the last one too"
    assert (np.diff(pd.DatetimeIndex(edges)) == np.timedelta64(1, "h")).all()
    assert pd.Timestamp(edges[0]) == pd.Timestamp(day, tz="Europe/Paris")
    assert pd.Timestamp(edges[-1]) == pd.Timestamp(day, tz="Europe/Paris") + pd.DateOffset(days=1)
    np.testing.assert_allclose(median[:-1], np.arange(hours) + 5.0, atol=1e-4)
    _, measured = _line(figure, "measured")
    np.testing.assert_array_equal(measured[:-1], outcome, "a missing outcome is a gap, not zero")


def test_the_legend_shows_the_colours_that_are_drawn() -> None:
    """Translucent bands over each other would be darker than their patches in the legend."""
    bands = plotting.fan_chart(_day("2024-06-02")).axes[0].collections
    colours = [tuple(band.get_facecolor()[0]) for band in bands]
    assert [colour[3] for colour in colours] == [1.0, 1.0, 1.0]
    assert sorted(colours, reverse=True) == colours, "the wider, the paler"
    assert len(set(colours)) == 3


def test_the_time_axis_is_read_in_the_given_zone() -> None:
    figure = plotting.fan_chart(_day("2024-06-02"), timezone="Europe/Paris")
    axes = figure.axes[0]
    first = num2date(axes.dataLim.x0, tz=axes.xaxis.get_major_locator().tz)
    assert (first.hour, first.day) == (0, 2)
    figure.canvas.draw()
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert "12:00" in ticks


@pytest.mark.parametrize("caveat", [CAVEAT, ""])
def test_a_fan_chart_says_when_the_weather_was_perfect_and_only_then(caveat: str) -> None:
    assert plotting.fan_chart(_day("2024-06-02", caveat=caveat)).get_supxlabel() == caveat


def test_a_site_that_the_forecast_does_not_hold_is_refused() -> None:
    with pytest.raises(MissingDataError) as caught:
        plotting.fan_chart(example_forecast(), site="elsewhere")
    assert "elsewhere" in str(caught.value)


def test_outcomes_of_another_site_are_refused() -> None:
    power = example_observations()
    other = Observations(power.values.rename(columns={"farm": "elsewhere"}), published_after="1h")
    with pytest.raises(EnergyForecastError) as caught:
        plotting.fan_chart(example_forecast(), other)
    assert len(str(caught.value).splitlines()) == 3


def test_the_legend_stands_above_the_axes_and_covers_nothing(result: Result) -> None:
    for figure in (
        plotting.fan_chart(_day("2024-06-02")),
        plotting.skill_by_lead(result, reference="Climatology"),
        plotting.scenarios(sample_scenarios(_day("2024-06-02"), n_scenarios=20)),
    ):
        figure.canvas.draw()
        axes = figure.axes[0]
        legend = axes.get_legend().get_window_extent()
        title = axes._left_title.get_window_extent()
        assert axes.get_window_extent().y1 <= legend.y0 + 1
        assert legend.y1 <= title.y0 + 1


def test_an_outcome_that_is_missing_is_not_called_measured() -> None:
    forecast = _day("2024-06-02")
    hours = forecast.to_frame()["valid_time"]
    values = pd.DataFrame({"farm": np.full(len(hours), np.nan)}, pd.DatetimeIndex(hours))
    missing = Observations(values, published_after="1h")
    assert _labels(plotting.fan_chart(forecast, missing))[-1] == "not measured"
    some = Observations(values.fillna({"farm": 1.0}), published_after="1h")
    assert _labels(plotting.fan_chart(forecast, some))[-1] == "measured"


def test_the_plot_of_a_forecast_is_its_fan_chart() -> None:
    figure = example_forecast().plot(example_observations(), timezone="Asia/Almaty")
    assert "Asia/Almaty" in figure.axes[0].get_xlabel()
    assert "measured" in _labels(figure)


def test_reliability_shows_the_calibration_with_n_and_caveat(result: Result) -> None:
    figure = plotting.reliability(result, model="Persistence")
    level, frequency = _line(figure, "Persistence")
    table = result.calibration(model="Persistence")
    np.testing.assert_allclose(level, table["level"])
    np.testing.assert_allclose(frequency, table["frequency"])
    assert f"n = {table['n'].iloc[0]}" in figure.axes[0].get_title(loc="left")
    assert figure.get_supxlabel() == CAVEAT
    assert "Climatology" in _labels(plotting.reliability(result)), "the first model by default"


def test_skill_by_lead_shows_every_model_but_the_reference(result: Result) -> None:
    figure = plotting.skill_by_lead(result, reference="Climatology")
    assert _labels(figure) == ["Persistence"]
    lead, percent = _line(figure, "Persistence")
    table = result.skill("crps", reference="Climatology", by="lead_time")
    rows = table[table["model"] == "Persistence"]
    np.testing.assert_allclose(lead, rows["lead_time"])
    np.testing.assert_allclose(percent, rows["percent"])
    assert figure.get_supxlabel() == CAVEAT


@pytest.mark.slow
def test_a_saved_figure_is_a_picture_and_the_same_each_time(result: Result, tmp_path: Path) -> None:
    figures = {
        "fan": lambda: plotting.fan_chart(_day("2024-10-27", caveat=CAVEAT)),
        "reliability": lambda: plotting.reliability(result),
    }
    for name, drawing in figures.items():
        path = plotting.save(drawing(), tmp_path / f"{name}.png")
        assert path.read_bytes().startswith(b"\x89PNG")
        pixels = image.imread(path)
        assert min(pixels.shape[:2]) > 400
        assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20
        again = plotting.save(drawing(), tmp_path / f"{name}_again.png")
        assert again.read_bytes() == path.read_bytes()


# -- planning --------------------------------------------------------------------------------------


def _scenarios(caveats: tuple[str, ...] = ()) -> Any:
    from energyforecast.core.scenario_set import Scenarios

    values = np.linspace(-1, 1, 200)[:, None] * np.array([10.0, 20.0, 40.0]) + 500
    hours = pd.date_range("2024-01-02", periods=3, freq="1h", tz="UTC")
    return Scenarios.from_values(values[:, None], sites=["area"], valid_time=hours, caveats=caveats)


def test_the_reserve_is_drawn_above_and_below_what_is_scheduled() -> None:
    from energyforecast.planning import reserve

    scenarios = _scenarios(("synthetic",))
    table = reserve(scenarios, risk=0.05, schedule=pd.Series(490.0, index=scenarios.valid_times))
    figure = plotting.reserve(scenarios, table, timezone="Asia/Almaty")
    planned = _line(figure, "scheduled")[1]
    above = _line(figure, "with reserve up and down")[1]
    np.testing.assert_allclose(above - planned, np.append(table["up"], table["up"].iloc[-1]))
    below = np.asarray(figure.axes[0].get_lines()[-1].get_ydata(), dtype=float)
    np.testing.assert_allclose(planned - below, np.append(table["down"], table["down"].iloc[-1]))
    assert figure._supxlabel.get_text() == "synthetic"
    with pytest.raises(EnergyForecastError, match="same hours"):
        plotting.reserve(scenarios, table.iloc[1:])


def test_the_probability_of_ramps_is_drawn_for_the_window_that_is_asked_for() -> None:
    from energyforecast.planning import ramps

    scenarios = _scenarios(("synthetic",))
    table = ramps(scenarios, change=15.0, within=["1h", "2h"])
    figure = plotting.ramps(scenarios, table, within="2h", probability=0.2)
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in figure.axes[1].get_lines()}
    chosen = table[(table["within"] == "2h") & (table["direction"] == "up")]
    np.testing.assert_array_equal(drawn["up within 2h"][:3], chosen["probability"])
    assert drawn["warning"].tolist() == [0.2, 0.2]
    assert figure._supxlabel.get_text() == "synthetic"
    with pytest.raises(EnergyForecastError, match="within '3h'"):
        plotting.ramps(scenarios, table)


# --- Scenarios ------------------------------------------------------------------------------------


def test_scenarios_are_drawn_as_lines_over_their_intervals() -> None:
    forecast = _day("2024-03-31", caveat=CAVEAT)
    drawn = sample_scenarios(forecast, n_scenarios=50)
    figure = plotting.scenarios(drawn, trajectories=3, timezone="Europe/Paris")
    assert _labels(figure) == [
        "90% interval",
        "80% interval",
        "50% interval",
        "3 of 50 scenarios",
        "median",
    ]
    middles, course = _line(figure, "3 of 50 scenarios")
    np.testing.assert_allclose(course, drawn.of()[0])
    assert middles[0] == drawn.valid_times[0] + pd.Timedelta("30min")
    assert CAVEAT in figure._supxlabel.get_text()
    outcome = Observations(pd.DataFrame({"other": [1.0, 2.0]}, drawn.valid_times[:2]), published_after="1h")
    with pytest.raises(EnergyForecastError, match="'farm' was not observed"):
        plotting.scenarios(drawn, outcome)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *((name, {"result": None}) for name in ("reliability", "pit", "error_by_hour_and_month")),
        *((name, {"model": "unknown"}) for name in ("reliability", "pit", "error_by_hour_and_month")),
        ("error_by_hour_and_month", {"metric": "unknown"}),
        ("pit", {"bins": "ten"}),
        ("skill_by_lead", {"result": None, "reference": "model"}),
        ("skill_by_lead", {"reference": "unknown"}),
    ],
)
def test_figures_of_scores_refuse_results_and_models_that_do_not_fit(
    name: str, wrong: dict[str, Any]
) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        getattr(plotting, name)(**({"result": example_result()} | wrong))
    assert len(str(caught.value).splitlines()) == 3
