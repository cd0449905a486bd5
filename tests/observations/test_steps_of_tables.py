"""Resolution that changes inside a table: known for each stretch, refused by name, or brought to one on request."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from energyforecast import Forecast, Observations, TableFormat, read_power
from energyforecast.core.variables import Flag
from energyforecast.errors import TimeError
from energyforecast.observations import parse_elexon
from tests.support.error_messages import three_lines
from tests.support.table_settings import with_format

FORM = {"unit": "MW", "timezone": "UTC", "label": "beginning", "published_after": "1h"}
STEPS = [(60, 15), (15, 60), (60, 30), (30, 15), (180, 60), (60, 5), (10, 60), (20, 10)]


def _read(source: object, **changed: object) -> Observations:
    return read_power(source, **with_format(FORM | changed))


def _changing(first: int, second: int, label: str, *, power: float = 100.0, count: int = 48) -> pd.DataFrame:
    """Energies of constant power, in intervals of one length and then of another. [MWh]"""
    begin = pd.date_range("2025-09-29", periods=count, freq=f"{first}min", tz="UTC")
    middle = begin[-1] + pd.Timedelta(first, "min")
    later = pd.date_range(middle, periods=6 * count, freq=f"{second}min", tz="UTC")
    minutes = np.array([first] * len(begin) + [second] * len(later))
    index = begin.append(later)
    if label == "ending":
        index = index + pd.to_timedelta(minutes, unit="min")
    return pd.DataFrame({"farm": power * minutes / 60}, index=index)


@pytest.mark.parametrize("label", ["beginning", "ending"])
@pytest.mark.parametrize(("first", "second"), STEPS)
def test_a_change_is_refused_with_its_stamp_and_energies_have_their_own_length_on_request(
    first: int, second: int, label: str
) -> None:
    table = _changing(first, second, label)
    stamp = table.index[48]
    with pytest.raises(TimeError, match=f"{stamp:%Y-%m-%d %H:%M}") as caught:
        _read(table, unit="MWh", label=label)
    three_lines(caught.value)
    for resolution, frequency in (("hold", min(first, second)), ("mean", max(first, second))):
        power = _read(table, unit="MWh", label=label, resolution=resolution)
        assert power.frequency == pd.Timedelta(frequency, "min")
        np.testing.assert_allclose(power.values["farm"].dropna(), 100.0)
        assert power.values["farm"].isna().sum() * frequency <= 2 * max(first, second)
        assert power.index[0] <= pd.Timestamp("2025-09-29", tz="UTC")


@pytest.mark.parametrize("label", ["beginning", "ending"])
@pytest.mark.parametrize("count", [3, 4, 8])
def test_a_few_hours_before_a_change_are_refused_too(count: int, label: str) -> None:
    with pytest.raises(TimeError, match="changes its step"):
        _read(_changing(60, 15, label, count=count), unit="MWh", label=label)


def test_power_of_hours_is_held_or_averaged_on_request_only() -> None:
    index = pd.date_range("2025-09-30", periods=24, freq="1h").append(
        pd.date_range("2025-10-01", periods=96, freq="15min")
    )
    table = pd.DataFrame({"farm": [*range(24), *np.tile([0.0, 1.0, 2.0, 3.0], 24)]}, index=index)
    with pytest.raises(TimeError, match="2025-10-01 00:00"):
        _read(table)
    held = _read(table, resolution="hold").values["farm"]
    assert held.iloc[:8].tolist() == [0] * 4 + [1] * 4
    means = _read(table, resolution="mean").values["farm"]
    assert means.tolist() == [*range(24), *[1.5] * 24]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin"])
def test_means_are_over_the_hours_of_the_table(zone: str) -> None:
    table = _changing(60, 15, "beginning").tz_localize(None)
    power = _read(table, unit="MWh", timezone=zone, resolution="mean")
    assert power.index[0] == pd.Timestamp("2025-09-29", tz=zone)
    np.testing.assert_allclose(power.values["farm"], 100.0)


def test_a_column_of_hours_among_quarter_hours_is_named() -> None:
    index = pd.date_range("2025-10-01", periods=192, freq="15min")
    table = pd.DataFrame({"quarters": 25.0, "hours": np.where(index.minute == 0, 100.0, np.nan)}, index=index)
    with pytest.raises(TimeError, match="'hours' has values every 1h"):
        _read(table, unit="MWh")
    np.testing.assert_allclose(_read(table, unit="MWh", resolution="hold").values, 100.0)
    np.testing.assert_allclose(_read(table, unit="MWh", resolution="mean").values, 100.0)


def test_readings_of_a_meter_before_and_after_a_change() -> None:
    readings = _changing(60, 15, "ending").cumsum()
    form = {"unit": "MWh", "label": "ending", "cumulative": True}
    with pytest.raises(TimeError, match="changes its step"):
        _read(readings, **form)
    for resolution in ("hold", "mean"):
        np.testing.assert_allclose(
            _read(readings, resolution=resolution, **form).values["farm"].dropna(), 100.0
        )


def test_flags_and_publications_are_kept_on_the_grid() -> None:
    table = _changing(60, 15, "beginning")
    doubled = pd.concat([table, table.iloc[[3]] * 2]).sort_index(kind="stable")
    power = _read(doubled, unit="MWh", resolution="hold", duplicates="flag")
    assert power.flags is not None
    assert (power.flags["farm"] == int(Flag.DUPLICATE)).sum() == 4
    known = table.assign(known=table.index + pd.Timedelta("3h"))
    form = {"published_after": None, "published_time": "known", "columns": ["farm"]}
    published = _read(known, unit="MWh", resolution="mean", **form).published[:, 0]
    assert published[0] == np.datetime64("2025-09-29T03:00")
    assert published[-1] == np.datetime64(known["known"].iloc[-1].tz_localize(None))


@pytest.mark.parametrize("frequency", ["15min", "30min", "10min"])
def test_a_declared_frequency_finer_than_the_rows_is_refused(frequency: str) -> None:
    hours = pd.DataFrame({"x": 1.0}, index=pd.date_range("2024-01-01", periods=24, freq="1h"))
    for rows in (hours, hours.iloc[:3], hours.drop(hours.index[7])):
        with pytest.raises(TimeError, match="1h"):
            _read(rows, frequency=frequency)


def test_hourly_rows_of_elexon_are_no_half_hours() -> None:
    row = '{{"publishTime": "2024-01-01T{0:02d}:45:00Z", "startTime": "2024-01-01T{0:02d}:00:00Z", "demand": 21000}}'
    rows = ",".join(row.format(hour) for hour in range(12))
    with pytest.raises(TimeError, match="1h"):
        parse_elexon(f'{{"data": [{rows}]}}'.encode())


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2, 0.4])
@pytest.mark.parametrize("step", ["10min", "15min", "1h"])
def test_rows_lost_at_random_or_in_outages_are_gaps(share: float, step: str) -> None:
    index = pd.date_range("2023-01-01", periods=20_000, freq=step)
    rng = np.random.default_rng(5)
    keep = rng.random(len(index)) > share
    for begin in rng.integers(0, len(index) - 300, 20):
        keep[begin : begin + rng.integers(1, 300)] = False
    table = pd.DataFrame({"x": rng.random(len(index))}, index=index)
    for rows in (table[keep], table.where(keep[:, None])):
        power = _read(rows)
        assert power.frequency == pd.Timedelta(step)
        assert power.values["x"].notna().sum() == keep.sum()


def test_rows_of_daylight_alone_are_gaps() -> None:
    index = pd.date_range("2023-01-01", periods=24 * 365, freq="1h")
    table = pd.DataFrame({"pv": 1.0}, index=index[(index.hour > 8) & (index.hour < 16)])
    assert _read(table).frequency == pd.Timedelta("1h")


def _issues(days: int, seconds: np.ndarray, step: str = "1h") -> pd.DataFrame:
    rows = []
    for day, late in zip(pd.date_range("2024-01-01 09:00", periods=days, tz="UTC"), seconds, strict=True):
        hours = pd.date_range(day.normalize() + pd.Timedelta("1D"), periods=48, freq=step)
        rows.append(
            pd.DataFrame({"issue_time": day + pd.Timedelta(int(late), "s"), "valid_time": hours, "q0.5": 1.0})
        )
    return pd.concat(rows, ignore_index=True)


def test_issue_times_with_seconds_are_rounded_up_to_minutes() -> None:
    seconds = np.random.default_rng(1).integers(0, 60, 101)
    forecast = Forecast.from_frame(_issues(101, seconds))
    assert forecast.data.sizes["lead_time"] <= 96
    late = forecast.issue_times - pd.date_range("2024-01-01 09:00", periods=101, tz="UTC")
    assert set(late / pd.Timedelta("1min")) <= {0.0, 1.0}
    with pytest.raises(TimeError, match="ceil") as caught:
        Forecast.from_frame(_issues(101, seconds * 30))
    three_lines(caught.value)


def test_two_issues_of_one_minute_are_refused() -> None:
    twice = pd.concat([_issues(3, np.array([5, 5, 5])), _issues(3, np.array([9, 9, 9]))])
    with pytest.raises(TimeError, match="there twice"):
        Forecast.from_frame(twice)


def test_a_forecast_that_changes_its_step_is_refused_with_the_stamp() -> None:
    zeros = np.zeros(3)
    quarters = _issues(3, zeros, "15min")
    quarters[["issue_time", "valid_time"]] += pd.Timedelta("5D")
    with pytest.raises(TimeError, match=r"every 1h from 2024-01-02 00:00"):
        Forecast.from_frame(pd.concat([_issues(3, zeros), quarters]))
    leads = [*range(1, 49), *range(51, 120, 3)]
    long = pd.concat(
        pd.DataFrame({"issue_time": day, "valid_time": day + pd.to_timedelta(leads, unit="h"), "q0.5": 1.0})
        for day in pd.date_range("2024-01-01", periods=10, tz="UTC")
    )
    with pytest.raises(TimeError, match="every 3h"):
        Forecast.from_frame(long)
    with pytest.raises(TimeError, match="1h"):
        Forecast.from_frame(_issues(3, zeros), format=TableFormat(frequency="15min"))
