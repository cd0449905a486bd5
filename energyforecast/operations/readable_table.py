"""The readable part of a table of measurements: refused cells and rows are set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.configuration.data_files import reading_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.core.variables import Flag
from energyforecast.errors import EnergyForecastError, Place
from energyforecast.observations import read_power
from energyforecast.observations.tables import indexed, measured_rows
from energyforecast.operations.file_copies import copied
from energyforecast.operations.set_aside import SetAside, why

__all__ = ["read_table"]

#: Errors that are answered one after the other before the whole file is set aside.
_ERRORS: Final = 60
#: Share of rows, and a number that is always allowed, beyond which a file is of another form than declared.
_ROWS: Final = (0.05, 3)
#: Share of the cells of a column beyond which it is of another form.
_CELLS: Final = 0.5


def read_table(
    path: Path, section: Mapping[str, Any], *, sites: Sequence[str]
) -> tuple[Observations | None, list[SetAside]]:
    """Measurements of a file, without its refused parts; None if none of it can be read."""
    arguments = reading_of(section)
    form: TableFormat = arguments["format"]
    try:
        with copied(path, form) as (copy, cut):
            try:
                part = _Part(indexed(copy, form), arguments, path.name)
            except EnergyForecastError as error:
                return None, [SetAside("file", path.name, why(error).replace(str(copy), str(path)))]
    except OSError as error:
        return None, [SetAside("file", path.name, why(error))]
    if cut is not None:
        part.note_cut(cut)
    return part.read(sites)


@dataclass
class _Part:
    """Rows and cells of a table that are left, and the parts that were set aside."""

    table: pd.DataFrame
    arguments: dict[str, Any]
    name: str
    gone: list[SetAside] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.total = len(self.table)
        self.rows = np.arange(self.total)  # of the file, counted from 0
        self.cells: list[tuple[int | None, str, list[int]]] = []  # place among `gone`, site, rows of the file
        self.kept_once: set[int] = set()

    @property
    def form(self) -> TableFormat:
        """Form of the table."""
        return self.arguments["format"]  # type: ignore[no-any-return]

    def note_cut(self, text: str) -> None:
        """Note the cell at the end of the file that was cut."""
        found = f"The last row ends in the middle: {text[:40]!r} has no end of line and is shorter than the others."
        self.gone.append(SetAside("cell", self.name, found))
        last = self.table.iloc[-1]
        empty = [name for name in self.table.columns if pd.isna(last[name])]
        self.cells += [(0, self._site(str(name)), [self.total - 1]) for name in empty]

    def read(self, sites: Sequence[str]) -> tuple[Observations | None, list[SetAside]]:
        """Measurements of the rest."""
        for _ in range(_ERRORS):
            try:
                power = read_power(self.table, **self.arguments)
            except EnergyForecastError as error:
                if not self._without(error):
                    return None, [SetAside("file", self.name, why(error))]
            else:
                self.note_text(sites, power)
                return self._flagged(power), self.gone
        found = (
            f"{self.name} has more than {_ERRORS} errors of several kinds, the first: {self.gone[0].error}"
        )
        return None, [SetAside("file", self.name, found)]

    def _without(self, error: EnergyForecastError) -> bool:
        """Set the place of an error aside; False if it is the whole table."""
        place = error.place
        if place is None or not (place.rows or place.columns):
            return False
        if place.columns and not place.rows:
            return self._drop_columns(place.columns, error)
        if place.columns:
            return self._clear(place, error)
        return self._drop_rows(np.asarray(place.rows), error)

    def _drop_columns(self, names: Sequence[str], error: EnergyForecastError) -> bool:
        """Leave out columns that the table lacks."""
        given = self.form.columns
        wanted = dict(given) if isinstance(given, Mapping) else {name: name for name in given or ()}
        left = {name: site for name, site in wanted.items() if name not in names}
        if not left or len(left) == len(wanted):
            return False
        self.arguments["format"] = replace(self.form, columns=left)
        for name in names:
            self.gone.append(SetAside("site", self.name, why(error), site=wanted[name]))
        return True

    def _clear(self, place: Place, error: EnergyForecastError) -> bool:
        """Take cells of a column out; the column, if they are many."""
        site = place.columns[0]
        column = self._source(site)
        if column not in self.table.columns:
            return False
        many = len(place.rows) > _CELLS * self.table[column].notna().sum()
        if many and not self._others(column):
            return False
        rows = np.arange(len(self.table)) if many else np.asarray(place.rows)
        if self.form.site is not None:  # a row for each site and time
            names = self.table[self.form.site].astype(str)
            site, own = names.iloc[rows[0]], (names.iloc[rows] == names.iloc[rows[0]]).to_numpy()
            rows = rows[own]
        cells = self.table[column].astype(object)
        cells.iloc[rows] = np.nan
        # A column without a number describes the rows, and is not read.
        self.table = self.table.assign(**{column: pd.to_numeric(cells) if many else cells})
        self.cells.append((len(self.gone), site, self.rows[rows].tolist()))
        count = 1 if many else len(rows)
        self.gone.append(SetAside("site" if many else "cell", self.name, why(error), count, site=site))
        return True

    def _source(self, site: str) -> str:
        """Column of a site."""
        given = self.form.columns
        if isinstance(given, Mapping):
            return next((name for name, own in given.items() if own == site), site)
        return next((name for name in self.table.columns if str(name) == site), site)

    def _others(self, column: str) -> bool:
        """Whether the table has another column of measurements."""
        given = self.form.columns
        if given is not None:
            return len(given) > 1
        own = self.table.drop(columns=[column])
        return any(
            pd.api.types.is_numeric_dtype(values) and values.notna().any() for _, values in own.items()
        )

    def _drop_rows(self, rows: npt.NDArray[np.intp], error: EnergyForecastError) -> bool:
        """Take rows out; of doubled ones the first stays, without the cells in which they differ."""
        if (site := self._whole_site(rows)) is not None:
            self.gone.append(SetAside("site", self.name, why(error), site=site))
            return self._keep(np.setdiff1d(np.arange(len(self.table)), rows), least=1)
        keys = self._stamps()
        out = np.zeros(len(self.table), dtype=bool)
        out[rows] = True
        copies = 0
        for _, same in keys[keys.isin(keys.iloc[rows])].groupby(keys, sort=False):
            copies += self._keep_one(same.index.to_numpy(), out)
        self.gone.append(SetAside("row", self.name, why(error), int(out.sum())))
        self.total -= copies  # another row has their stamp: nothing is lost
        return bool(out.any()) and self._keep(np.flatnonzero(~out))

    def _keep_one(self, same: npt.NDArray[np.intp], out: npt.NDArray[np.bool_]) -> int:
        """Keep the first of rows with the same stamp, if it was not refused by itself before; number of the others."""
        if len(same) < 2:
            return 0
        free = same[~out[same]]
        first = int(free[0] if len(free) else same[0])
        if not len(free) and int(self.rows[first]) in self.kept_once:
            return 0
        self.kept_once.add(int(self.rows[first]))
        out[same], out[first] = True, False
        copies = self.table.iloc[same]
        spent = set(self._time_columns())
        for name in copies.columns:
            if name not in spent and copies[name].nunique(dropna=False) > 1:
                cells = self.table[name].astype(object)
                cells.iloc[first] = np.nan
                self.table = self.table.assign(**{name: cells})
                self.cells.append((None, self._site(name), [int(self.rows[first])]))
        return len(same) - 1

    def _site(self, column: str) -> str:
        given = self.form.columns
        return str(given.get(column, column)) if isinstance(given, Mapping) else str(column)

    def _whole_site(self, rows: npt.NDArray[np.intp]) -> str | None:
        """Site of which these are all the rows, in a table with a row for each site and time."""
        if self.form.site is None or self.form.site not in self.table.columns:
            return None
        names = self.table[self.form.site]
        own = names.iloc[rows].unique()
        return str(own[0]) if len(own) == 1 and (names == own[0]).sum() == len(rows) else None

    def _time_columns(self) -> tuple[str, ...]:
        form = self.form
        named = (form.time,) if isinstance(form.time, str) else tuple(form.time or ())
        used = (*named, form.period, form.doubled_hour, form.site, form.published_time)
        first = () if named or not len(self.table.columns) else (str(self.table.index.name),)
        return (*first, *(name for name in used if name is not None))

    def _stamps(self) -> pd.Series[Any]:
        """Text of the stamp of each row, with the site where each has its own rows."""
        names = [name for name in self._time_columns() if name in self.table.columns]
        if not names:
            return pd.Series(self.table.index.astype(str))
        parts = [self.table[name].astype(object).map(str).reset_index(drop=True) for name in names]
        return sum(parts[1:], parts[0])

    def _keep(self, rows: npt.NDArray[np.intp], *, least: int = 2) -> bool:
        """Keep some rows, unless too many are lost."""
        lost = self.total - len(rows)
        if least > 1 and lost > max(_ROWS[1], _ROWS[0] * len(self.table)):
            return False
        self.table, self.rows = self.table.iloc[rows], self.rows[rows]
        return len(rows) >= least

    def note_text(self, sites: Sequence[str], power: Observations) -> None:
        """Note columns of sites that hold no number at all, and count as text about the rows."""
        for site in sites:
            column = self._source(site)
            if site not in power.sites and column in self.table.columns:
                text = self.table[column].dropna().astype(str)
                found = (
                    f"The column {column!r} holds no number, but {text.iloc[0][:40]!r}." if len(text) else ""
                )
                self.gone.append(SetAside("site", self.name, found or f"{column!r} is empty.", site=site))

    def _flagged(self, power: Observations) -> Observations:
        """Measurements with a flag at the cells that were taken out."""
        if not self.cells:
            return power
        flags = pd.DataFrame(0, index=power.index, columns=list(power.sites))
        flags = flags if power.flags is None else power.flags.copy()
        for place, site, taken in self.cells:
            begins = self._begins(site, power.frequency).reindex(taken).dropna()
            hours = power.index.intersection(pd.DatetimeIndex(begins))
            if site in flags.columns:
                flags.loc[hours, site] |= int(Flag.UNREADABLE)
            if place is not None and len(hours):
                hour = f"{hours.min():%Y-%m-%d %H:%M}"
                self.gone[place] = replace(self.gone[place], site=site, hour=hour)
        return replace(power, flags=flags)

    def _begins(self, site: str, step: pd.Timedelta) -> pd.Series[Any]:
        """Beginning of the interval of each row of a site, by row of the file."""
        table, rows = self.table, self.rows
        if self.form.site is not None:
            own = (table[self.form.site].astype(str) == site).to_numpy()
            table, rows = table[own].drop(columns=self.form.site), rows[own]
        values, _, form, chosen = measured_rows(table, replace(self.form, site=None))
        shift = step if form.label == "ending" else pd.Timedelta(0)
        return pd.Series(values.index - shift, index=rows[chosen])
