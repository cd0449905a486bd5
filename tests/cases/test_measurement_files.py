"""Files of measurements as loggers, utilities and platforms write them: read right, or refused with a remedy."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import EnergyForecastError, TimeError
from energyforecast.observations import audit_observations, parse_entsoe
from tests.support.known_faults import or_refused

HOUR = pd.Timedelta("1h")
NINE = [f"2024-01-01 {hour:02d}:00" for hour in range(10)]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without the words of a test in its name, which messages repeat."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def written(folder: Path) -> Callable[[str], Path]:
    """Function that writes a CSV file."""

    def write(text: str) -> Path:
        path = folder / "measured.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _rows(header: str, *lines: str) -> str:
    return "\n".join([header, *lines]) + "\n"


def _power(source: Any, **changes: Any) -> ef.Observations:
    """Power in MW of hours in UTC that stamps begin; other settings as given."""
    known = {"unit": "MW", "timezone": "UTC", "label": "beginning", "published_after": "1h"}
    return ef.read_power(source, **(known | changes))


def _demand(source: Any, **changes: Any) -> ef.Observations:
    known = {"unit": "MW", "timezone": "UTC", "label": "beginning", "published_after": "1h"}
    return ef.read_demand(source, **(known | changes))


# -- stamps ----------------------------------------------------------------------------------------


def test_stamps_of_digits_are_read_by_their_form(written: Callable[[str], Path]) -> None:
    path = written(_rows("t,p", *(f"20240101{hour:02d}00,{hour}" for hour in range(10))))
    assert len(_power(path, format=ef.TableFormat(time_format="%Y%m%d%H%M"))) == 10


def test_24_00_ends_the_day(written: Callable[[str], Path]) -> None:
    path = written(_rows("t,p", *(f"2024-01-01 {hour:02d}:00,{hour}" for hour in range(1, 25))))
    with or_refused(r"(?s)24:00.*two columns"):
        assert len(_power(path, label="ending")) == 24


def test_intervals_as_stamps_are_read_or_refused(written: Callable[[str], Path]) -> None:
    rows = (f'"01.01.2024 {hour:02d}:00 - 01.01.2024 {hour + 1:02d}:00","{hour}"' for hour in range(23))
    path = written(_rows('"MTU","Load"', *rows))
    with or_refused():
        form = ef.TableFormat(time_format="%d.%m.%Y %H:%M - %d.%m.%Y %H:%M")
        assert len(_demand(path, format=form)) == 23


def test_rows_from_the_newest_to_the_oldest_are_sorted_where_stamps_have_an_offset(
    written: Callable[[str], Path],
) -> None:
    path = written(_rows("t,p", *(f"2024-01-01T{hour:02d}:00Z,{hour}" for hour in reversed(range(10)))))
    power = _power(path).values["p"]
    assert power.tolist() == list(range(10))


def test_offsets_in_another_form_are_read_over_a_clock_change() -> None:
    stamps = [f"29.10.2023 {time}" for time in ("01:00+0200", "02:00+0200", "02:00+0100", "03:00+0100")]
    form = ef.TableFormat(time="t", columns=["p"], time_format="%d.%m.%Y %H:%M%z")
    table = pd.DataFrame({"t": stamps, "p": [1.0, 2.0, 3.0, 4.0]})
    power = _power(table, timezone="Europe/Berlin", format=form)
    assert len(power) == 4
    assert power.index[0] == pd.Timestamp("2023-10-28 23:00", tz="UTC")


def test_stamps_without_an_offset_keep_their_zone_after_one_that_has_it() -> None:
    stamps = ["2024-01-01T00:00:00Z", "2024-01-01 08:00:00", "2024-01-01 09:00:00"]
    table = pd.DataFrame({"t": stamps, "p": [1.0, 2.0, 3.0]})
    with or_refused("(?i)offset|zone"):
        power = _power(table, timezone="Asia/Almaty", format=ef.TableFormat(time="t", columns=["p"]))
        second = power.values["p"].dropna().index[1]
        assert second == pd.Timestamp("2024-01-01 08:00", tz="Asia/Almaty")


def test_publication_times_are_read_by_the_form_of_the_stamps() -> None:
    stamps = [f"28.10.2024 {hour:02d}:00" for hour in range(24)]
    table = pd.DataFrame({"t": stamps, "p": 1.0, "published": "30.10.2024 08:00"})
    form = ef.TableFormat(time="t", columns=["p"], time_format="%d.%m.%Y %H:%M", published_time="published")
    power = _power(table, timezone="Asia/Almaty", published_after=None, format=form)
    assert pd.Timestamp(power.published[0, 0], tz="UTC") == pd.Timestamp("2024-10-30 08:00", tz="Asia/Almaty")


@pytest.mark.parametrize("read", [_power, _demand])
@pytest.mark.parametrize("count", [24, 48])
def test_counted_periods_do_not_move_with_the_label(read: Callable[..., ef.Observations], count: int) -> None:
    table = pd.DataFrame({"date": "2024-01-01", "period": range(1, count + 1), "load": 100.0})
    form = ef.TableFormat(time="date", period="period", periods_per_day=count, columns={"load": "city"})
    with or_refused("(?i)period"):
        assert read(table, label="ending", format=form).index[0] == pd.Timestamp("2024-01-01", tz="UTC")


def test_the_remedy_for_midnight_with_the_old_date_gives_right_values() -> None:
    ends = pd.date_range("2024-01-01 01:00", "2024-01-11 00:00", freq="1h")
    truth = pd.Series(np.arange(1.0, len(ends) + 1), index=(ends - HOUR).tz_localize("UTC"))
    stamps = [end - timedelta(days=1) if end.hour == 0 else end for end in ends]
    table = pd.DataFrame({"works": truth.to_numpy()}, index=pd.DatetimeIndex(stamps))
    with pytest.raises(TimeError) as refused:
        _demand(table, label="ending")
    if "sort_index" in refused.value.remedy:
        read = _demand(table.sort_index(), label="ending").values["works"]
        np.testing.assert_array_equal(read.reindex(truth.index), truth)


# -- resolution and meters -------------------------------------------------------------------------


def _energies() -> pd.DataFrame:
    """100 MW all the time, as MWh of two days of hours and then of four days of quarter-hours."""
    hours = pd.date_range("2025-09-29", "2025-09-30 23:00", freq="1h", tz="UTC")
    quarters = pd.date_range("2025-10-01", "2025-10-04 23:45", freq="15min", tz="UTC")
    energies = [100.0] * len(hours) + [25.0] * len(quarters)
    return pd.DataFrame({"farm": energies}, index=hours.append(quarters))


@pytest.mark.parametrize("label", ["beginning", "ending"])
def test_a_change_from_hours_to_quarter_hours_keeps_the_power(label: str) -> None:
    with or_refused("(?i)step|frequency|interval"):
        power = _power(_energies(), unit="MWh", label=label).values["farm"].dropna()
        np.testing.assert_allclose(power, 100.0)
        assert len(power) >= 48 + 384


def test_a_declared_frequency_finer_than_the_rows_is_refused() -> None:
    with or_refused("(?i)step|frequency|interval"):
        form = ef.TableFormat(frequency="15min")
        power = _power(_energies().iloc[:48], unit="MWh", format=form).values["farm"]
        assert power.max() <= 100.001


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(0.0, id="zero"),
        pytest.param(-3461.0, id="below zero"),
        pytest.param(900_000.0, id="far above"),
    ],
)
def test_one_faulty_reading_of_a_meter_gives_no_large_demand(reading: float) -> None:
    readings = [100_000.0, 100_010.0, reading, 100_030.0, 100_040.0]
    table = pd.DataFrame({"city": readings}, pd.date_range("2024-01-01", periods=5, freq="1h", tz="UTC"))
    form = ef.TableFormat(cumulative=True)
    demand = _demand(table, unit="MWh", label="ending", format=form)
    assert demand.values["city"].where(~demand.unfit["city"]).max() <= 11


def test_readings_of_a_meter_without_cumulative_do_not_pass_the_audit() -> None:
    readings = 8350.274 + np.cumsum(0.1 + 0.05 * np.sin(np.arange(2880) / 15.3))
    index = pd.date_range("2022-09-01", periods=len(readings), freq="15min")
    power = _power(pd.DataFrame({"home": readings.round(3)}, index=index), unit="kWh", label="ending")
    home = ef.DemandArea(name="home", latitude=52.0, longitude=5.0)
    assert not audit_observations(power, sites=[home]).passed


# -- cells and columns -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["No Data", "Bad", "#REF!", "?", "-", "1,234.5"])
def test_a_cell_of_text_does_not_drop_its_site(written: Callable[[str], Path], text: str) -> None:
    path = written(
        _rows("time,North,South", *(f'{time},"{text if k == 3 else k}",{k}' for k, time in enumerate(NINE)))
    )
    with or_refused("North"):
        assert set(_power(path).sites) == {"North", "South"}


def test_the_remedy_for_a_comma_between_thousands_keeps_the_size(written: Callable[[str], Path]) -> None:
    path = written(_rows("time,load", *(f'{time},"{k + 1},234"' for k, time in enumerate(NINE))))
    with pytest.raises(EnergyForecastError) as refused:
        _demand(path)
    assert "thousands" in refused.value.remedy or "decimal=','" not in refused.value.remedy


def test_a_comma_between_thousands_is_read_where_it_is_declared(written: Callable[[str], Path]) -> None:
    path = written(_rows("time,load", *(f'{time},"{k + 1},234"' for k, time in enumerate(NINE))))
    demand = _demand(path, format=ef.TableFormat(thousands=","))
    assert demand.values["load"].iloc[0] == 1234.0


@pytest.mark.filterwarnings("ignore::pandas.errors.ParserWarning")  # as in a program of a user
def test_rows_with_an_unnamed_first_column_keep_their_sites(written: Callable[[str], Path]) -> None:
    path = written(_rows("North,South", *(f"{time},{k},{k + 100}" for k, time in enumerate(NINE))))
    with or_refused("(?i)column|field|header"):
        assert _power(path).values["South"].iloc[0] == 100


def test_a_file_without_a_header_keeps_its_first_row(written: Callable[[str], Path]) -> None:
    path = written("".join(f"{time},{k + 5}.5\n" for k, time in enumerate(NINE)))
    with or_refused("(?i)header|name"):
        assert len(_power(path)) == 10


def test_lines_before_the_header_are_skipped_or_named(written: Callable[[str], Path]) -> None:
    before = ("# Turbine: T1", "# Time zone: UTC", "#")
    rows = (f"2016-01-03 {hour:02d}:00:00,7.1,{hour * 2}" for hour in range(24))
    path = written(
        _rows("# This file was exported", *before, "# Date and time,Wind speed (m/s),Power (kW)", *rows)
    )
    with or_refused("(?i)before|header|skip"):
        assert len(_power(path, unit="kW", format=ef.TableFormat(columns={"Power (kW)": "T1"}))) == 24


def test_a_row_for_each_day_is_no_table_of_24_sites(written: Callable[[str], Path]) -> None:
    header = ";".join(["day", *(f"{hour:02d}:00-{hour + 1:02d}:00" for hour in range(24))])
    days = (f"2024-09-{day:02d};" + ";".join(str(100 + hour) for hour in range(24)) for day in range(1, 11))
    with or_refused("(?i)day|hour"):
        demand = _demand(written(_rows(header, *days)), format=ef.TableFormat(delimiter=";"))
        assert len(demand.sites) == 1
        assert len(demand) == 240


def test_a_row_for_each_site_and_time_is_read_or_named(written: Callable[[str], Path]) -> None:
    rows = (f"{time},{area},{k}" for k, time in enumerate(NINE) for area in ("DK1", "DK2"))
    with or_refused(r"(?is)^(?!.*put back).*column"):
        power = _power(
            written(_rows("HourUTC,PriceArea,Wind", *rows)), format=ef.TableFormat(columns=["Wind"])
        )
        assert len(power.sites) == 2


# -- other forms of files --------------------------------------------------------------------------


def test_a_workbook_is_read_or_named(folder: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["time", "p"], *([time, k] for k, time in enumerate(NINE))):
        book.active.append(row)
    book.save(folder / "plant.xlsx")
    with or_refused("xcel"):
        assert len(_power(folder / "plant.xlsx")) == 10


def test_a_json_file_is_named(written: Callable[[str], Path]) -> None:
    path = written(json.dumps([{"time": time, "p": k} for k, time in enumerate(NINE)]))
    with pytest.raises(EnergyForecastError, match="JSON"):
        _power(path)


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for day in (1, 2):
            archive.writestr(f"{day}.csv", f"time,p\n2024-01-0{day} 00:00,1\n2024-01-0{day} 01:00,2\n")


def _damaged_archive(path: Path) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("1.csv", "time,p\n2024-01-01 00:00,1\n")
    path.write_bytes(body.getvalue()[:40])


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(_archive, id="two files"),
        pytest.param(_damaged_archive, id="damaged"),
        pytest.param(Path.mkdir, id="a folder"),
    ],
)
def test_an_archive_that_cannot_be_read_is_refused(folder: Path, make: Callable[[Path], Any]) -> None:
    make(folder / "month.zip")
    with pytest.raises(EnergyForecastError):
        _power(folder / "month.zip")


def _entsoe(kind: str, process: str, quantity: str) -> bytes:
    points = "".join(
        f"<Point><position>{k}</position><{quantity}>{90 + 10 * k}</{quantity}></Point>" for k in (1, 2, 3)
    )
    interval = "<start>2024-01-01T00:00Z</start><end>2024-01-01T03:00Z</end>"
    series = (
        "<TimeSeries><mRID>1</mRID><businessType>A04</businessType><curveType>A01</curveType><Period>"
        f"<timeInterval>{interval}</timeInterval><resolution>PT60M</resolution>{points}</Period></TimeSeries>"
    )
    space = "urn:iec62325.351:tc57wg16.451-6:generationloaddocument:3:0"
    return (
        f'<GL_MarketDocument xmlns="{space}"><mRID>1</mRID><type>{kind}</type>'
        f"<process.processType>{process}</process.processType>{series}</GL_MarketDocument>"
    ).encode()


def test_a_forecast_of_entsoe_is_no_measurement() -> None:
    with pytest.raises(EnergyForecastError):
        parse_entsoe(_entsoe("A65", "A01", "quantity"), site="area", published_after="1h")


def test_prices_of_entsoe_are_named() -> None:
    prices = _entsoe("A44", "A01", "price.amount").replace(b"GL_Market", b"Publication_Market")
    with pytest.raises(EnergyForecastError, match=r"(?i)price|A44|Publication_MarketDocument"):
        parse_entsoe(prices, site="area", published_after="1h")
