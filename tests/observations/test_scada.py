"""The file form of the turbines in the Shelek corridor: nothing of its clock is assumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast.errors import (
    EnergyForecastError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
    UnitsError,
)
from energyforecast.observations import ShelekScada, read_shelek_scada

COLUMNS = [
    "ID",
    "Статистическое время",
    "Средняя скорость ветра(m/s)",
    "Нормализованная активная мощность",
    "Средняя температура окружающей среды(°C)",
]


def _rows(turbine: str, start: str, count: int, *, zone: str = "Asia/Almaty") -> pd.DataFrame:
    """Rows as the logger writes them, on the wall clock of a zone."""
    local = pd.date_range(pd.Timestamp(start, tz="UTC"), periods=count, freq="10min").tz_convert(zone)
    stamps = [f"{t:%Y-%m-%d} {t.hour}:{t:%M:%S}" for t in local]
    values = np.arange(count)
    columns = [[turbine] * count, stamps, 5 + values / 10, values / count, -3.0 - values]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _write(folder: Path, *frames: pd.DataFrame, name: str = "scada.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    pd.concat(frames).to_csv(path, index=False, encoding=encoding)
    return path


def _read(paths: Any, **other: Any) -> ShelekScada:
    given: dict[str, Any] = {
        "rated_power": 2.5,
        "timezone": "Asia/Almaty",
        "label": "beginning",
        "published_after": "1h",
    }
    return read_shelek_scada(paths, **(given | other))


def test_two_turbines_with_their_own_gaps(tmp_path: Path) -> None:
    first, second = _rows("T1", "2023-03-10 18:00", 12), _rows("T2", "2023-03-10 18:00", 12)
    path = _write(tmp_path, first.drop(index=[3, 4]), second.drop(index=[7]))
    assert "2023-03-11 0:10:00" in path.read_text(encoding="utf-8")  # no leading zero
    read = _read(path)
    assert read.power.sites == ("T1", "T2")
    assert read.power.index[0] == pd.Timestamp("2023-03-10 18:00", tz="UTC")
    assert read.power.frequency == pd.Timedelta("10min")
    expected = 2.5 * np.arange(12) / 12
    np.testing.assert_allclose(
        read.power.values["T1"], np.where(np.isin(range(12), [3, 4]), np.nan, expected)
    )
    np.testing.assert_allclose(read.power.values["T2"], np.where(np.arange(12) == 7, np.nan, expected))
    for frame in (read.wind_speed, read.temp_air):
        assert frame.index.equals(read.power.index)
        assert frame.isna().equals(read.power.values.isna())
    assert read.wind_speed["T1"].iloc[2] == pytest.approx(5.2)
    assert read.temp_air["T2"].iloc[2] == -5


def test_rows_absent_at_both_turbines_are_nan_and_not_squeezed(tmp_path: Path) -> None:
    rows = _rows("T1", "2023-03-10 18:00", 12).drop(index=[5, 6])
    read = _read(_write(tmp_path, rows))
    assert len(read.power) == 12
    assert read.power.values["T1"].isna().sum() == 2


def test_one_file_a_turbine_a_byte_order_mark_and_names(tmp_path: Path) -> None:
    paths = [
        _write(tmp_path, _rows(name, "2023-03-10 18:00", 6), name=f"{name}.csv", encoding="utf-8-sig")
        for name in ("1", "02")
    ]
    assert _read(paths, names={"1": "Nurly 1"}).power.sites == ("Nurly 1", "02")
    with pytest.raises(SchemaError, match="already read"):
        _read([paths[0], paths[0]])


def test_stamps_that_name_the_end_move_power_and_wind_alike(tmp_path: Path) -> None:
    path = _write(tmp_path, _rows("T1", "2023-03-10 18:00", 6))
    read = _read(path, label="ending")
    assert read.power.index[0] == read.wind_speed.index[0] == pd.Timestamp("2023-03-10 17:50", tz="UTC")
    np.testing.assert_allclose(read.wind_speed["T1"], 5 + np.arange(6) / 10)


@pytest.mark.parametrize("clock", ["Asia/Almaty", "Etc/GMT-6"])
def test_the_clock_decides_what_happened_on_1_march_2024(tmp_path: Path, clock: str) -> None:
    path = _write(tmp_path, _rows("T1", "2024-02-29 12:00", 72, zone=clock))
    followed = clock == "Asia/Almaty"
    read = _read(path, timezone="Asia/Almaty" if followed else "fixed:+06:00")
    assert len(read.power) == 72
    assert read.power.values["T1"].notna().all()
    with pytest.raises(TimeError) as caught:
        _read(path, timezone="fixed:+06:00" if followed else "Asia/Almaty")
    assert len(str(caught.value).splitlines()) == 3
    assert "twice" in str(caught.value) or "doubled" in str(caught.value)


def test_the_clock_is_never_assumed(tmp_path: Path) -> None:
    path = _write(tmp_path, _rows("T1", "2023-03-10 18:00", 6))
    for absent in ("timezone", "label", "published_after", "rated_power"):
        given = {
            "rated_power": 2.5,
            "timezone": "UTC",
            "label": "beginning",
            "published_after": "1h",
        }
        given.pop(absent)
        with pytest.raises(TypeError, match=absent):
            read_shelek_scada(path, **given)


def _with(column: int, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**{COLUMNS[column]: [value, *frame[COLUMNS[column]].tolist()[1:]]})


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (_with(1, "11.03.2023 0:00"), TimeError),
        (_with(1, "2023-03-11 0:03:00"), TimeError),
        (_with(3, 40.0), UnitsError),
        (_with(3, "0,4"), SchemaError),
        (lambda frame: frame.drop(columns=COLUMNS[2]), SchemaError),
        (lambda frame: frame.iloc[:0], SchemaError),
        (lambda frame: frame.iloc[[0, 1, 1, 2]], TimeError),
        (lambda frame: frame.iloc[[1, 0, 2]], TimeError),
    ],
)
def test_a_damaged_file_is_refused_with_the_remedy(
    tmp_path: Path, damage: Callable[[pd.DataFrame], pd.DataFrame], error: type[EnergyForecastError]
) -> None:
    path = _write(tmp_path, damage(_rows("T1", "2023-03-10 18:00", 12)))
    with pytest.raises(error) as caught:
        _read(path)
    assert len(str(caught.value).splitlines()) == 3


def test_an_absent_file_and_an_impossible_turbine_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"absent\.csv"):
        _read(tmp_path / "absent.csv")
    path = _write(tmp_path, _rows("T1", "2023-03-10 18:00", 6))
    for rated in (0.0, -2.5, float("nan")):
        with pytest.raises(RangeError, match="rated_power"):
            _read(path, rated_power=rated)
