"""First tries: files of each form are read, opponents use the past alone, and scores are right."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
DAYS = 60
COLD = ("day ahead, 1 week learnt", "day ahead, 4 weeks learnt")


@pytest.fixture(scope="module")
def first_try() -> Iterator[Any]:
    sys.path.insert(0, str(BENCHMARKS))
    names = ("first_try", "first_try_data", "first_try_opponents", "first_try_others")
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    sys.path.remove(str(BENCHMARKS))


def series(frequency: str, *, start: str = "2022-02-01", days: int = DAYS) -> pd.Series:
    """Load with a day and a week in it."""
    index = pd.date_range(
        start, periods=int(days * pd.Timedelta("1D") / pd.Timedelta(frequency)), freq=frequency
    )
    hour = index.hour + index.minute / 60
    noise = np.random.default_rng(1).normal(size=len(index))
    return pd.Series(
        1000 + 200 * np.sin(hour / 24 * 2 * np.pi) - 100 * (index.day_of_week > 4) + 10 * noise, index
    )


def write_nl(folder: Path) -> None:
    load = series("15min")
    index = load.index.tz_localize("UTC")
    sun = np.clip(np.sin((index.hour - 6) / 12 * np.pi), 0, None)
    weather = {
        "radiation": 5e5 * sun**2,
        "temp": 8.0,
        "windspeed": 3.0,
        "windspeed_100m": 8.0,
        "winddeg": 200.0,
    }
    weather |= {"clouds": 60.0, "humidity": 0.8, "pressure": 101300.0, "rain": 0.0, "APX": 40.0}
    table = pd.DataFrame({"time": index, "load": load.to_numpy() / 100 - 5 * sun, **weather})
    table.to_parquet(folder / "pid_1.parquet")


def write_ercot(folder: Path) -> None:
    """A clock that is put forward on 13 March, hours from 1 to 24, then another form of stamps."""
    begins = pd.date_range("2022-02-01", periods=24 * DAYS, freq="1h", tz="America/Chicago")
    load = series("1h")
    old = [f"{stamp:%m/%d/%Y} {stamp.hour + 1:02d}:00" for stamp in begins[:1200]]
    new = [f"{stamp.tz_localize(None) + pd.Timedelta('1h')}" for stamp in begins[1200:]]
    pd.DataFrame({"Hour Ending": old + new, "WEST": load.to_numpy(), "EAST": 2 * load.to_numpy()}).to_csv(
        folder / "load.csv", index=False
    )


def write_klim(folder: Path) -> None:
    index = pd.date_range("2003-01-01 01:00", periods=24 * DAYS, freq="1h", tz="UTC")
    wind = 8 + 4 * np.sin(np.arange(len(index)) / 20)
    table = pd.DataFrame({"t": index, "toy": 0.0, "p": np.clip(wind**3 / 60, 0, 21)})
    for lead in (1, 2, 3):
        table[f"Ws{lead}"], table[f"Wd{lead}"], table[f"T{lead}"] = wind, 250.0, 280.0
    table.to_parquet(folder / "farm.parquet")


def write_vic(folder: Path) -> None:
    load = series("1h", days=90)
    table = pd.DataFrame(
        {"Time": load.index.tz_localize("UTC"), "load": load.to_numpy(), "drybulb": 10.0, "zone": "A"}
    )
    pd.concat([table, table.assign(zone="B")]).to_parquet(folder / "zones.parquet")
    place = {"latitude": 42.4, "longitude": -71.4, "timezone": "America/New_York", "country": "US"}
    (folder / "zones.place.json").write_text(json.dumps(place))


def write_opsd(folder: Path) -> None:
    load = series("1h")
    table = pd.DataFrame({"utc_timestamp": load.index.strftime("%Y-%m-%dT%H:%M:%SZ")})
    table["PL_load_actual_entsoe_transparency"] = load.to_numpy()
    table["PL_load_forecast_entsoe_transparency"] = load.to_numpy() + 20
    table.to_parquet(folder / "pl.parquet")


def write_gb(folder: Path) -> None:
    load = series("30min", start="2024-01-01")
    table = pd.DataFrame(
        {"SETTLEMENT_DATE": load.index.normalize(), "SETTLEMENT_PERIOD": 1 + np.arange(len(load)) % 48}
    )
    table["ND"] = load.round().astype(int).to_numpy()
    table[table["SETTLEMENT_DATE"] < "2024-02-25"].to_parquet(folder / "demand.parquet")


def write_consumers(folder: Path) -> None:
    """A works by the end of its quarters, whose midnights bear the date of the day that ends; a city; households."""
    load = series("15min")
    ends = load.index + pd.Timedelta("15min")
    day = ends.where(ends != ends.normalize(), ends - pd.Timedelta("1D"))
    works = pd.DataFrame({"date": [f"{stamp:%d/%m/%Y %H:%M}" for stamp in day], "usage_kwh": load.to_numpy()})
    works.to_parquet(folder / "mill.parquet")
    load = series("10min", days=40)
    city = pd.DataFrame({"time": load.index, "temp_air": 20.0, "zone9_kw": load.to_numpy()})
    city.to_parquet(folder / "town.parquet")
    load = series("1h")
    homes = pd.DataFrame({"time": load.index, "roof_wh": load.to_numpy(), "flat_wh": 2 * load.to_numpy()})
    homes.to_parquet(folder / "some.parquet")


WRITERS = {
    "nl_gridpoints": write_nl,
    "ercot": write_ercot,
    "klim": write_klim,
    "vic_elec": write_vic,
    "opsd": write_opsd,
    "gb_demand": write_gb,
    "consumption": write_consumers,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up files of each form, with names that the readers do not know."""
    data = tmp_path_factory.mktemp("data")
    for name, write in WRITERS.items():
        (data / name).mkdir()
        write(data / name)
    return data


@pytest.fixture(scope="module")
def cases(first_try: Any, folder: Path) -> dict[str, Any]:
    return {case.name: case for case in first_try.first_try_data.cases(folder, list(WRITERS))}


def test_files_of_each_form_become_cases(cases: dict[str, Any]) -> None:
    assert list(cases) == [
        "nl_gridpoints pid_1, day ahead",
        "nl_gridpoints pid_1, intraday",
        "ercot WEST, day ahead",
        "ercot EAST, day ahead",
        "klim farm, 1 to 3 h",
        "gb_demand Great Britain, day ahead",
        "vic_elec A, day ahead",
        "vic_elec A, day ahead, 2 months learnt",
        "vic_elec B, day ahead",
        "vic_elec B, day ahead, 2 months learnt",
        "opsd PL, day ahead",
        *(f"consumption mill, {task}" for task in ("day ahead", "intraday", *COLD)),
        *(f"consumption {home}, {task}" for home in ("roof", "flat") for task in ("day ahead", *COLD)),
        *(
            f"consumption town zone9, {task}"
            for task in ("day ahead", COLD[0], "day ahead, measured temperature")
        ),
    ]


def test_midnights_of_a_works_end_their_day(cases: dict[str, Any]) -> None:
    power = cases["consumption mill, day ahead"].power
    assert power.index[0] == pd.Timestamp("2022-02-01", tz="Asia/Seoul")
    np.testing.assert_allclose(power.to_numpy(), 4 * series("15min").to_numpy() / 1e3)


def test_households_and_zones_are_read_in_their_units(cases: dict[str, Any]) -> None:
    flat, zone = (cases[f"consumption {name}, day ahead"] for name in ("flat", "town zone9"))
    np.testing.assert_allclose(flat.power.to_numpy(), 2 * series("1h").to_numpy() / 1e6)
    np.testing.assert_allclose(zone.power.to_numpy(), series("10min", days=40).to_numpy() / 1e3)


def test_the_first_weeks_are_learnt_once(first_try: Any, cases: dict[str, Any]) -> None:
    case = cases["consumption flat, day ahead, 4 weeks learnt"]
    _, fits = first_try.first_try.rows_of(case)
    assert len(fits) == 1
    assert case.start - case.power.index[0] == pd.Timedelta("28D")


def test_the_newest_day_of_the_same_type_skips_days_of_others(first_try: Any, cases: dict[str, Any]) -> None:
    case, hand = cases["consumption flat, day ahead"], first_try.first_try_opponents
    monday, saturday = (np.array([day], "datetime64[ns]") for day in ("2022-03-07T20", "2022-03-12T20"))
    issue = np.array(["2022-03-06T17", "2022-03-11T17"], "datetime64[ns]")
    rows = hand.Rows(
        issue, np.append(monday, saturday), pd.DataFrame(index=[0, 1]), pd.DataFrame(index=[0, 1])
    )
    found = hand.same_type(rows, hand.past_of(case), case.site)
    past = case.power.loc[[pd.Timestamp("2022-03-04T20", tz="UTC"), pd.Timestamp("2022-03-05T20", tz="UTC")]]
    np.testing.assert_allclose(found, past.to_numpy())  # Friday's, and that of the last Saturday


def test_both_forms_of_stamps_and_the_skipped_hour_are_read(cases: dict[str, Any]) -> None:
    power = cases["ercot WEST, day ahead"].power
    assert power.index[0] == pd.Timestamp("2022-02-01 06:00", tz="UTC")
    np.testing.assert_allclose(power.to_numpy(), series("1h").to_numpy())


def test_facts_beside_a_table_are_taken(cases: dict[str, Any]) -> None:
    site = cases["vic_elec A, day ahead"].site
    assert (site.timezone, site.country, site.latitude) == ("America/New_York", "US", 42.4)


def test_the_last_third_is_forecast(cases: dict[str, Any]) -> None:
    case = cases["opsd PL, day ahead"]
    assert (str(case.start.date()), str(case.end.date()), case.refit) == ("2022-03-13", "2022-04-01", "MS")


@pytest.mark.parametrize(
    "name",
    [
        "nl_gridpoints pid_1, day ahead",
        "nl_gridpoints pid_1, intraday",
        "ercot WEST, day ahead",
        "klim farm, 1 to 3 h",
        "vic_elec A, day ahead",
    ],
)
def test_opponents_read_only_the_past(first_try: Any, cases: dict[str, Any], name: str) -> None:
    """Outcomes that were not published at an issue are destroyed: its columns must stay."""
    case, hand = cases[name], first_try.first_try_opponents
    rows, fits = first_try.first_try.rows_of(case)
    issue = rows.issue[np.flatnonzero(fits[0][2])[5]]
    here = rows.issue == issue
    opponent = hand.OPPONENTS[case.kind][0]
    known = hand.past_of(case)
    poisoned = known.power.where(
        known.power.index.tz_localize(None) + known.step + known.latency <= issue, 1e9
    )
    before, after = (opponent(rows, past, case.site) for past in (known, replace(known, power=poisoned)))
    pd.testing.assert_frame_equal(before.columns[here], after.columns[here])
    np.testing.assert_array_equal(before.offset[here], after.offset[here])
    later = rows.issue == rows.issue.max()
    assert not before.columns[later].equals(after.columns[later]), "the poison must reach later issues"


def test_weather_of_a_later_run_is_not_read(first_try: Any, cases: dict[str, Any]) -> None:
    case, hand = cases["klim farm, 1 to 3 h"], first_try.first_try_opponents
    hour = np.timedelta64(1, "h").astype("timedelta64[ns]")
    issue = np.array([case.weather["init_time"].values[500]])
    poisoned = case.weather.where(case.weather["available_time"] <= issue[0], 99.0)
    before, after = (
        hand.weather_at(weather, issue, issue + 2 * hour, hour) for weather in (case.weather, poisoned)
    )
    pd.testing.assert_frame_equal(before, after)
    assert np.isfinite(before.to_numpy()).all()


def test_coverage_shares_ties_and_counts_the_rest(first_try: Any) -> None:
    levels = np.array(first_try.first_try_opponents.LEVELS)
    covered = first_try.first_try.covered
    quantiles = np.broadcast_to(levels, (1000, 19))
    outcome = (np.arange(1000) + 0.5) / 1000
    assert covered(outcome, quantiles, 0.8).mean() == pytest.approx(0.8)
    assert covered(outcome, quantiles, 0.9).mean() == pytest.approx(0.9)
    assert covered(np.zeros(1), np.zeros((1, 19)), 0.8) == pytest.approx(0.8)
    assert covered(np.ones(1), np.zeros((1, 19)), 0.8) == 0.0


@pytest.mark.slow
def test_the_command_writes_figures_of_all_models(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    words = ["klim", "PL", "pid_1, day"]
    command = [sys.executable, str(BENCHMARKS / "first_try.py"), "--data", str(folder), "--json", str(target)]
    subprocess.run(
        [*command, "--only", *words, "--quick"], check=True, capture_output=True, cwd=BENCHMARKS.parent
    )
    found = json.loads(target.read_text(encoding="utf-8"))
    assert [row["data"] for row in found["cases"]] == ["nl_gridpoints", "klim", "opsd"]
    for row in found["cases"]:
        models = row["models"]
        assert list(models)[:2] == ["default", "hand-written"]
        assert len(models) >= 4
        assert all(
            0 < one["pinball"] <= one["mae"] and 0 <= one["coverage 80"] <= 1 for one in models.values()
        )
        assert row["n"] > 300
    assert models["operator"]["bias"] == pytest.approx(0, abs=5), "its constant error is taken off"


def test_the_page_shows_the_committed_figures(first_try: Any) -> None:
    module = importlib.import_module("first_try_page")
    if not module.NOW.exists():
        pytest.skip("no figures are committed")
    figures, before, others = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        for path in (module.NOW, module.BEFORE, module.OTHERS)
    )
    remedy = "run: python benchmarks/first_try.py --page-only"
    assert module.page(figures, before, others) == module.PAGE.read_text(encoding="utf-8"), remedy


def test_the_page_compares_with_the_hand_written_model(first_try: Any) -> None:
    module = importlib.import_module("first_try_page")
    one = {"pinball": 0.97, "coverage 80": 0.75, "coverage 90": 0.9, "cpu": 3.0, "seasons": {}}
    row = {"data": "set", "series": "a", "task": "day ahead", "n": 1200}
    row |= {
        "models": {
            "default": one,
            "hand-written": one | {"pinball": 1.0},
            "Persistence": one | {"pinball": 2.0},
        }
    }
    row["default against"] = {"hand-written": {"percent": -3.0, "interval": [-5.0, -1.0]}}
    earlier = {"cases": [row | {"models": {"default": one | {"pinball": 1.1}}}]}
    text = module.page({"versions": {"energyforecast": "0"}, "cases": [row]}, earlier)
    assert "| set | 1 | −3.0 | +10.0 | 75 | 90 | 3 |" in text
    assert (
        "| set a, day ahead | 1,200 | 0.97 | 1.1 | 1 | −3.0 (−5 to −1) | Persistence 2 | 75 (75) | 90 (90) | 3 |"
        in text
    )


def test_the_page_shows_other_libraries_and_who_was_left_out(first_try: Any) -> None:
    module = importlib.import_module("first_try_page")
    one = {"pinball": 0.97, "coverage 80": 0.75, "cpu": 3.0}
    row = {"data": "set", "series": "a", "task": "day ahead", "n": 1200, "versions": {"other": "4.7"}}
    row |= {"models": {"default": one, "other": one | {"pinball": 2.0}}, "left out": {"third": "no wheel"}}
    text = module.libraries_table({"cases": [row]})
    assert "| Series, task | Hours | Default | other (4.7) |" in text
    assert "| set a, day ahead | 1,200 | 0.97 (75 %, 3 s) | 2 (75 %, 3 s) |" in text
    assert "- third: no wheel" in text


def test_a_data_set_without_its_folder_is_named(first_try: Any, folder: Path) -> None:
    lost = first_try.first_try_data.without_data(folder)
    assert {"gefcom2014", "gefcom2012_wind"} <= set(lost)
    assert not set(WRITERS) & set(lost)


def test_other_libraries_are_given_only_what_was_known(first_try: Any, cases: dict[str, Any]) -> None:
    """The load of a table is missing after the newest interval that was published at the issue."""
    case, others = cases["ercot WEST, day ahead"], first_try.first_try_others
    rows, fits = first_try.first_try.rows_of(case)
    known = first_try.first_try.known_of(case, fits, rows)
    newest, forecast = next(known.fits())
    issue = forecast["issue"].iloc[0]
    assert newest == issue - pd.Timedelta("2h")  # of an hour that ended an hour ago
    table = known.table(newest - pd.Timedelta("2D"), newest, forecast["valid"].max(), version=4)
    assert table["load"].last_valid_index() == newest
    assert others.furthest(known) == 40  # 09:00 of Chicago to the last hour of the next day


def test_weather_is_given_to_each_version_in_its_units(first_try: Any, cases: dict[str, Any]) -> None:
    case = cases["nl_gridpoints pid_1, day ahead"]
    rows, fits = first_try.first_try.rows_of(case)
    known = first_try.first_try.known_of(case, fits, rows)
    third, fourth = (known.weather(version).iloc[1000] for version in (3, 4))
    assert (third["humidity"], fourth["humidity"]) == pytest.approx((0.8, 80))
    assert (third["pressure"], fourth["pressure"]) == pytest.approx((101300, 1013))
    assert known.weather(3)["radiation"].max() == pytest.approx(5e5, rel=1e-3)  # J/m2, as in the file


def test_a_library_that_cannot_be_imported_is_left_out_with_the_reason(
    first_try: Any, cases: dict[str, Any]
) -> None:
    others = first_try.first_try_others
    found = {}
    for name in ("ercot WEST, day ahead", "nl_gridpoints pid_1, intraday"):
        rows, fits = first_try.first_try.rows_of(cases[name])
        known = first_try.first_try.known_of(cases[name], fits, rows)
        found[name] = others.ask("OpenSTEF 4, linear", sys.executable, known)
    assert "No module named 'openstef_models'" in found["ercot WEST, day ahead"]
    assert "each interval once" in found["nl_gridpoints pid_1, intraday"]


def test_consumers_are_scored_by_season_and_type_of_day(first_try: Any) -> None:
    module = importlib.import_module("first_try_parts")
    area = ef.DemandArea(name="a", latitude=35.6, longitude=-5.4, timezone="Africa/Casablanca", country="MA")
    valid = pd.date_range("2017-05-01", "2017-07-01", freq="1h", inclusive="left").to_numpy()
    loss = np.where(module.parts(valid, area)["type of day"] == "Ramadan", 3.0, 1.0)
    models = {
        name: lambda chosen, factor=factor: {"pinball": factor * loss[chosen].mean(), "coverage 80": 0.8}
        for name, factor in (("default", 1.0), ("same-type day", 2.0))
    }
    found = module.by_part(valid, area, models, step=pd.Timedelta("1h"))
    by = {item["part"]: item for item in found}
    assert by["Ramadan"]["models"]["default"]["pinball"] == 3
    assert by["working day"]["models"]["same-type day"]["pinball"] == 2
    for kind in ("season", "type of day"):
        assert sum(item["n"] for item in found if item["by"] == kind) > len(valid) - 2 * 24
    assert by["March to May"]["n"] == 31 * 24  # in Ramadan the clock of Morocco is UTC
    text = module.table([{"data": "set", "series": "a", "task": "day ahead", "parts": found}])
    assert f"|  | Ramadan | {by['Ramadan']['n']} | **3000** | 6000 | 80 |" in text
