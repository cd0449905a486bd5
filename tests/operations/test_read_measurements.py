"""Measurements of a run that goes on: what a reader refuses is set aside, named, and answered as known before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import configuration
from energyforecast.core.variables import Flag
from energyforecast.errors import EnergyForecastError
from energyforecast.operations import Measurements, SetAside, read_measurements

SITE = """
[sites.{name}]
kind = "wind"
latitude = 48.0
longitude = 10.0
capacity = 100
hub_height = 100
"""
REST = """
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
{more}
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
{sections}
"""
HOURS = pd.date_range("2024-01-01", periods=24 * 20, freq="1h", tz="UTC")
AS_OF = "2024-01-20 23:00"
Text = Callable[[pd.DataFrame], str]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 3, (len(HOURS), 2)), axis=0) % 90
    return pd.DataFrame(walk.round(3) + 0.001, index=HOURS, columns=["A", "B"])


def csv(table: pd.DataFrame, digits: int = 3) -> str:
    return table.set_axis(table.index.strftime("%Y-%m-%d %H:%M"), axis=0).to_csv(
        index_label="time", float_format=f"%.{digits}f"
    )


def settings(folder: Path, more: str = "", sections: str = "") -> configuration.Configuration:
    path = folder / "farms.toml"
    text = "".join(SITE.format(name=name) for name in "AB") + REST.format(more=more, sections=sections)
    path.write_text(text, encoding="utf-8")
    return configuration.read(path)


def read(folder: Path, text: str | bytes | None, **options: str) -> Measurements:
    """Measurements of a file; the plain reader must refuse it."""
    file = folder / "power.csv"
    if isinstance(text, bytes):
        file.write_bytes(text)
    elif text is not None:
        file.write_text(text, encoding="utf-8")
    given = settings(folder, **options)
    return read_measurements(given, as_of=AS_OF)


def refused(folder: Path) -> str:
    """Finding of the plain reader."""
    with pytest.raises(EnergyForecastError) as caught:
        settings(folder).observations()
    return caught.value.found


def only(measured: Measurements) -> SetAside:
    assert len(measured.set_aside) == 1, measured.set_aside
    return measured.set_aside[0]


def values(measured: Measurements) -> pd.DataFrame:
    assert measured.observations is not None
    return measured.observations.values


def test_a_whole_file_is_read_as_by_the_plain_reader(tmp_path: Path, table: pd.DataFrame) -> None:
    measured = read(tmp_path, csv(table))
    assert measured.set_aside == ()
    assert measured.observations is not None
    plain = settings(tmp_path).observations()
    pd.testing.assert_frame_equal(plain.values, measured.observations.values)
    assert plain.published_after == measured.observations.published_after
    assert measured.observations.flags is None


def test_one_bad_cell_costs_one_value_of_one_site(tmp_path: Path, table: pd.DataFrame) -> None:
    bad = table.astype(object)
    bad.iloc[100, 1] = "ERR"
    measured = read(tmp_path, csv(bad))
    part = only(measured)
    assert (part.part, part.site, part.count, part.hour) == ("cell", "B", 1, f"{HOURS[100]:%Y-%m-%d %H:%M}")
    assert part.error == refused(tmp_path)
    assert "'ERR'" in part.error
    expected = table.copy()
    expected.iloc[100, 1] = np.nan
    np.testing.assert_allclose(values(measured), expected)
    assert measured.observations is not None
    assert measured.observations.flags is not None
    assert measured.observations.flags["B"].iloc[100] == int(Flag.UNREADABLE)
    assert (measured.observations.flags != 0).to_numpy().sum() == 1


def test_bad_cells_of_several_kinds_are_each_named(tmp_path: Path, table: pd.DataFrame) -> None:
    bad = table.astype(object)
    bad.iloc[100, 1], bad.iloc[50:53, 0], bad.iloc[7, 1] = "ERR", "#N/A!", "12,5"
    measured = read(tmp_path, csv(bad))
    assert sorted((part.site, part.count) for part in measured.set_aside) == [("A", 3), ("B", 2)]
    assert values(measured).isna().sum().to_dict() == {"A": 3, "B": 2}


def test_a_bad_cell_in_a_row_for_each_site_costs_that_cell(tmp_path: Path, table: pd.DataFrame) -> None:
    text = table.round(3).set_axis(table.index.strftime("%Y-%m-%d %H:%M"), axis=0).rename_axis("time")
    rows = text.reset_index().melt("time", var_name="plant", value_name="power").astype(object)
    rows.iloc[len(table) + 30, 2] = "ERR"
    measured = read(
        tmp_path, rows.to_csv(index=False), more='site = "plant"\ncolumns = ["power"]\ntime = "time"'
    )
    part = only(measured)
    assert (part.part, part.site, part.hour) == ("cell", "B", f"{HOURS[30]:%Y-%m-%d %H:%M}")
    assert values(measured).isna().sum().to_dict() == {"A": 0, "B": 1}
    assert measured.observations is not None
    assert measured.observations.flags is not None
    assert measured.observations.flags["B"].iloc[30] == int(Flag.UNREADABLE)


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 6, 7, 12, 20, 30])
def test_a_file_that_is_cut_in_a_row_loses_no_more_than_the_row(
    tmp_path: Path, table: pd.DataFrame, cut: int
) -> None:
    text = csv(table)
    measured = read(tmp_path, text[:-cut])
    known = values(measured)
    expected = table.reindex(known.index)
    right = np.isclose(known, expected, rtol=1e-9) | known.isna()
    assert right.to_numpy().all(), "a cut number was taken for a measurement"
    assert len(table) - 2 <= len(known) <= len(table)
    assert known.isna().to_numpy()[:-2].sum() == 0
    whole = cut == 1
    assert bool(measured.set_aside) is not whole


def test_whole_numbers_that_are_cut_are_not_taken(tmp_path: Path, table: pd.DataFrame) -> None:
    text = (table.round() + 10_000).astype(int).set_axis(table.index.strftime("%Y-%m-%d %H:%M"), axis=0)
    measured = read(tmp_path, text.to_csv(index_label="time")[:-3], more='decimal = "."', sections="")
    assert any("ends in the middle" in part.error for part in measured.set_aside)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty"),
        (b"time,A,B\n", "numbers"),
        (None, "power.csv"),
        (bytes(range(256)) * 20, "cannot be read"),
        (b"time;A;B\n2024-01-01 00:00;1;2\n2024-01-01 01:00;1;2\n", "columns"),
    ],
    ids=["empty", "header only", "gone", "binary", "other separators"],
)
def test_a_file_that_gives_nothing_is_set_aside_whole(tmp_path: Path, text: bytes | None, words: str) -> None:
    measured = read(tmp_path, text)
    assert measured.observations is None
    part = only(measured)
    assert (part.part, part.name) == ("file", "power.csv")
    assert words in part.error
    assert "energyforecast-" not in part.error, "the message names a copy"
    assert refused(tmp_path)


@pytest.mark.parametrize("place", [100, -1], ids=["in place", "at the end"])
def test_a_doubled_row_counts_once(tmp_path: Path, table: pd.DataFrame, place: int) -> None:
    lines = csv(table).splitlines(keepends=True)
    lines.insert(len(lines) if place == -1 else place, lines[60])
    measured = read(tmp_path, "".join(lines))
    part = only(measured)
    assert (part.part, part.count) == ("row", 1)
    assert part.error == refused(tmp_path)
    np.testing.assert_allclose(values(measured), table)


def test_a_doubled_row_with_another_value_is_missing_there(tmp_path: Path, table: pd.DataFrame) -> None:
    lines = csv(table).splitlines(keepends=True)
    lines.insert(100, lines[99].rsplit(",", 1)[0] + ",7.777\n")
    measured = read(tmp_path, "".join(lines))
    known = values(measured)
    assert np.argwhere(known.isna().to_numpy()).tolist() == [[98, 1]]
    assert measured.observations is not None
    assert measured.observations.flags is not None
    assert measured.observations.flags["B"].iloc[98] == int(Flag.UNREADABLE)


def test_a_day_that_is_appended_again_counts_once(tmp_path: Path, table: pd.DataFrame) -> None:
    lines = csv(table).splitlines(keepends=True)
    measured = read(tmp_path, "".join([*lines, *lines[-30:-6]]))
    assert only(measured).count == 24
    np.testing.assert_allclose(values(measured), table)


@pytest.mark.parametrize("stamp", ["2024-01-0x 05:00", "2031-01-05 05:00", "2024-01-05 05:07", ""])
def test_a_row_with_a_wrong_stamp_is_set_aside(tmp_path: Path, table: pd.DataFrame, stamp: str) -> None:
    measured = read(tmp_path, csv(table).replace("2024-01-05 05:00", stamp))
    assert only(measured).part == "row"
    known = values(measured)
    assert known.loc["2024-01-05 05:00"].isna().all()
    assert known.isna().to_numpy().sum() == 2


def test_a_file_of_another_form_is_not_read_in_parts(tmp_path: Path, table: pd.DataFrame) -> None:
    """Days and months that are exchanged make half of the rows go back in time: none is right."""
    exchanged = table.set_axis(table.index.strftime("%Y-%d-%m %H:%M"), axis=0).to_csv(index_label="time")
    measured = read(tmp_path, exchanged)
    assert measured.observations is None
    assert [part.part for part in measured.set_aside][-1:] == ["file"]


def test_a_column_that_is_gone_leaves_the_other_site(tmp_path: Path, table: pd.DataFrame) -> None:
    measured = read(tmp_path, csv(table[["A"]]), more='columns = ["A", "B"]')
    part = only(measured)
    assert (part.part, part.site) == ("site", "B")
    assert measured.observations is not None
    assert measured.observations.sites == ("A",)


def test_a_column_of_text_alone_is_named(tmp_path: Path, table: pd.DataFrame) -> None:
    measured = read(tmp_path, csv(table.assign(B="ERR")))
    part = only(measured)
    assert (part.part, part.site) == ("site", "B")
    assert "'ERR'" in part.error


def test_a_unit_that_changed_overnight_costs_the_new_rows(tmp_path: Path, table: pd.DataFrame) -> None:
    changed = table.copy()
    changed.iloc[-24:, 1] *= 1000
    measured = read(tmp_path, csv(changed))
    part = only(measured)
    assert (part.part, part.site) == ("cell", "B")
    assert "kW" in part.error or "times its 100 MW" in part.error
    known = values(measured)
    assert known["B"].iloc[-24:].isna().all()
    assert known["B"].iloc[:-48].notna().all()
    assert known["A"].notna().all()


def test_power_above_the_capacity_is_one_missing_value(tmp_path: Path, table: pd.DataFrame) -> None:
    changed = table.copy()
    changed.iloc[200, 0], changed.iloc[300, 0] = 130.0, -40.0
    measured = read(tmp_path, csv(changed))
    assert np.flatnonzero(values(measured)["A"].isna()).tolist() == [200, 300]
    assert {part.site for part in measured.set_aside} == {"A"}


def test_a_capacity_file_that_cannot_be_read_is_set_aside_alone(tmp_path: Path, table: pd.DataFrame) -> None:
    more = '[available_capacity]\nfile = "service.csv"\nunit = "MW"\ntimezone = "UTC"\nlabel = "beginning"\n'
    (tmp_path / "service.csv").write_text("hour,A\n", encoding="utf-8")
    measured = read(tmp_path, csv(table), sections=more + 'published_after = "0h"')
    part = only(measured)
    assert (part.part, part.name) == ("file", "service.csv")
    np.testing.assert_allclose(values(measured), table)


# --- As it was known before -----------------------------------------------------------------------


@pytest.fixture
def archived(tmp_path: Path, table: pd.DataFrame) -> Path:
    """Folder with an archive that holds all but the last day."""
    pytest.importorskip("sqlalchemy")
    (tmp_path / "power.csv").write_text(csv(table[:-24]), encoding="utf-8")
    power = settings(tmp_path).observations()
    clock = pd.Timestamp("2024-01-19 23:30", tz="UTC")
    archive = ef.archive.open(tmp_path / "archive.sqlite", clock=lambda: clock)
    assert archive.write_observations(power) == 2 * (len(table) - 24)
    return tmp_path


ARCHIVE = '[archive]\nfile = "archive.sqlite"'


@pytest.mark.parametrize("text", [b"", b"time,A,B\n", None, b"\0" * 5000])
def test_the_archive_answers_for_a_file_that_gives_nothing(
    archived: Path, table: pd.DataFrame, text: bytes | None
) -> None:
    (archived / "power.csv").unlink()
    measured = read(archived, text, sections=ARCHIVE)
    np.testing.assert_allclose(values(measured), table[:-24])
    assert measured.from_archive == {"A": len(table) - 24, "B": len(table) - 24}
    assert any("archive" in line for line in measured.caveats)
    assert only(measured).part == "file"


def test_the_archive_of_the_daily_runs_answers_without_a_section(archived: Path, table: pd.DataFrame) -> None:
    (archived / "operations").mkdir()
    (archived / "archive.sqlite").rename(archived / "operations" / "archive.sqlite")
    (archived / "power.csv").unlink()
    np.testing.assert_allclose(values(read(archived, None)), table[:-24])


def test_later_knowledge_does_not_answer(archived: Path) -> None:
    (archived / "power.csv").unlink()
    given = settings(archived, sections=ARCHIVE)
    assert read_measurements(given, as_of="2024-01-19 23:00").observations is None


def test_a_cell_is_answered_as_it_was_known(archived: Path, table: pd.DataFrame) -> None:
    bad = table.astype(object)
    bad.iloc[100, 1], bad.iloc[-5, 1] = "ERR", "ERR"
    measured = read(archived, csv(bad), sections=ARCHIVE)
    assert measured.from_archive == {"B": 1}
    known = values(measured)
    assert np.isclose(known["B"].iloc[100], table["B"].iloc[100])
    assert np.isnan(known["B"].iloc[-5])


def test_a_value_that_was_withdrawn_stays_missing(archived: Path, table: pd.DataFrame) -> None:
    bad = table.astype(object)
    bad.iloc[100, 1], bad.iloc[110, 1] = "ERR", ""
    known = values(read(archived, csv(bad), sections=ARCHIVE))
    assert np.isnan(known["B"].iloc[110])


def test_a_file_that_ends_earlier_than_before_is_completed_and_named(
    archived: Path, table: pd.DataFrame
) -> None:
    measured = read(archived, csv(table[:200]), sections=ARCHIVE)
    np.testing.assert_allclose(values(measured), table[:-24])
    assert measured.from_archive == {"A": len(table) - 224, "B": len(table) - 224}
    assert all(part.error.startswith("The file ends at 2024-01-09 07:00") for part in measured.set_aside)


@pytest.mark.parametrize("hours", [-2, -1, 1, 6])
def test_a_clock_that_shifted_overnight_is_named(archived: Path, table: pd.DataFrame, hours: int) -> None:
    shifted = table.set_axis(table.index + pd.Timedelta(hours=hours), axis=0)
    measured = read(archived, csv(shifted), sections=ARCHIVE)
    assert {(part.part, part.site) for part in measured.set_aside} == {("site", "A"), ("site", "B")}
    way = "later" if hours > 0 else "earlier"
    assert all(f"{abs(hours)}h {way}" in part.error for part in measured.set_aside)
    known = values(measured)
    np.testing.assert_allclose(known.reindex(table.index[:-24]), table[:-24])


def test_a_unit_that_changed_everywhere_is_named(archived: Path, table: pd.DataFrame) -> None:
    measured = read(archived, csv(table / 1000, 6), sections=ARCHIVE)
    assert {part.site for part in measured.set_aside} == {"A", "B"}
    np.testing.assert_allclose(values(measured).dropna(), table[:-24])


def test_corrections_are_no_other_clock(archived: Path, table: pd.DataFrame) -> None:
    corrected = table.copy()
    corrected.iloc[300:400] += 1.0
    measured = read(archived, csv(corrected), sections=ARCHIVE)
    assert measured.set_aside == ()
    np.testing.assert_allclose(values(measured), corrected)


def test_an_archive_that_cannot_be_read_is_named(archived: Path, table: pd.DataFrame) -> None:
    (archived / "archive.sqlite").write_bytes(b"x" * 5000)
    measured = read(archived, csv(table), sections=ARCHIVE)
    assert only(measured).name == "archive"
    np.testing.assert_allclose(values(measured), table)


@pytest.mark.faults
def test_a_file_that_is_being_written_gives_right_values_only(tmp_path: Path, table: pd.DataFrame) -> None:
    """Another process writes the file again and again, a little at a time."""
    import subprocess
    import sys

    text = csv(table)
    (tmp_path / "whole.csv").write_text(text, encoding="utf-8")
    (tmp_path / "power.csv").write_text(text, encoding="utf-8")
    writer = (
        "import pathlib, sys\n"
        "text = pathlib.Path('whole.csv').read_bytes()\n"
        "while True:\n"
        "    with open('power.csv', 'wb', buffering=0) as file:\n"
        "        for k in range(0, len(text), 97): file.write(text[k:k + 97])\n"
    )
    given = settings(tmp_path)
    with subprocess.Popen([sys.executable, "-c", writer], cwd=tmp_path) as process:
        try:
            for _ in range(60):
                power = read_measurements(given, as_of=AS_OF).observations
                if power is not None:
                    expected = table.reindex(power.index)
                    assert (np.isclose(power.values, expected) | power.values.isna()).all(axis=None)
        finally:
            process.kill()
