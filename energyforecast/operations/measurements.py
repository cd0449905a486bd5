"""Measurements for a run that goes on: parts that cannot be right are set aside, and named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from energyforecast import archive as archives
from energyforecast.configuration import Configuration
from energyforecast.configuration.archive_section import archive_place
from energyforecast.configuration.data_files import capacity_of, given_capacities, plan_of
from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.variables import Flag
from energyforecast.errors import EnergyForecastError, RangeError, UnitsError, WrongDataError
from energyforecast.forecasting import checks
from energyforecast.operations import known_before
from energyforecast.operations.readable_table import read_table
from energyforecast.operations.run_folder import RunFolder
from energyforecast.operations.set_aside import SetAside, why
from energyforecast.point_in_time.capacity import with_capacity
from energyforecast.point_in_time.planned import with_plan

if TYPE_CHECKING:
    from energyforecast.archive import Archive

__all__ = ["Measurements", "read_measurements"]

#: Power out of these bounds, as a multiple of the capacity, cannot be right; as the checks of a forecaster have it.
_BOUNDS: Final = (-0.2, 1.2)
#: Power above so many times the capacity is in another unit.
_OTHER_UNIT: Final = 20.0
#: Time before and after such power that is in the same unit, though it is small.
_BESIDE: Final = pd.Timedelta("1D")
#: Share of the values of a site beyond which all of them are set aside.
_MOST: Final = 0.5


@dataclass(frozen=True)
class Measurements:
    """Measurements of a run, the parts that were set aside, and answers of the archive.

    Parameters
    ----------
    observations : Observations or None
        None if nothing can be read and nothing was known before.
    set_aside : tuple of SetAside
    from_archive : dict
        Number of intervals that the archive answers, by site.

    See Also
    --------
    read_measurements

    Examples
    --------
    >>> gone = SetAside("file", "power.csv", "power.csv does not exist.")
    >>> Measurements(None, set_aside=(gone,)).caveats
    ('power.csv: 1 file is set aside: power.csv does not exist.',)
    """

    observations: Observations | None
    _: KW_ONLY
    set_aside: tuple[SetAside, ...] = ()
    from_archive: dict[str, int] = field(default_factory=dict)

    @property
    def caveats(self) -> tuple[str, ...]:
        """A line for each part that was set aside, and for each site that the archive answers."""
        answers = (
            f"{count} measurements of {site} are those that the archive held"
            for site, count in self.from_archive.items()
        )
        return (*map(str, self.set_aside), *answers)


def read_measurements(settings: Configuration, *, as_of: Any, archive: Archive | None = None) -> Measurements:
    """Read the measurements of a configuration, and set aside the parts that cannot be right.

    The readers are those of :meth:`energyforecast.configuration.Configuration.observations`. What they refuse is set
    aside by the smallest part that is whole, and treated as missing: a cell (with the flag ``UNREADABLE``), a row, a
    site's column, or the file. So are values beyond the capacity of a plant, and a site of which the clock or the
    unit is another than in what the archive held. Where the file gives nothing, the archive answers as of the moment.

    Parameters
    ----------
    settings : Configuration
    as_of : str or moment
        Moment of the forecast: later knowledge of the archive does not count.
    archive : Archive, optional
        By default that of the configuration, or of the folder of daily runs, if it is there.

    Returns
    -------
    Measurements

    See Also
    --------
    read_weather : The same for weather.
    SetAside

    Examples
    --------
    >>> import energyforecast as ef
    >>> from energyforecast.configuration import Configuration
    >>> site, _, _ = ef.datasets.la_haute_borne()
    >>> settings = Configuration(
    ...     path=Path("farm.toml"),
    ...     sites=(site,),
    ...     task=ef.day_ahead("09:00", timezone="Europe/Paris"),
    ...     model=None,
    ...     perfect_weather=True,
    ...     sections={"observations": {"dataset": "la-haute-borne"}},
    ... )
    >>> read_measurements(settings, as_of="2015-01-01").set_aside
    ()
    """
    check_types({"as_of": as_of}, of=read_measurements)
    moment = timestamps.instant(as_of, timezone=settings.task.timezone)
    section = dict(settings.sections.get("observations", {}))
    if "file" not in section:  # a dataset, or areas with load profiles that nobody measures
        return Measurements(settings.observations())
    names = [site.name for site in settings.sites]
    path = settings.path.parent / section["file"]
    power, gone = read_table(path, section, sites=names)
    power = _on_the_task(power, section, settings, gone, path.name)
    held = _Held(settings, moment, archive, gone)
    recent = held.of(names, since=known_before.RECENT)
    if power is not None:
        power = _plausible(power, settings, gone, path.name)
        power = _as_before(power, recent, gone, path.name)
    wanted = [site for site in names if _lacks(power, site, recent.get(site))]
    result = _completed(power, held.of(wanted), gone, path.name)
    observations = _with_sections(result.observations, settings, gone)
    return Measurements(observations, set_aside=tuple(gone), from_archive=result.counts)


def _on_the_task(
    power: Observations | None,
    section: dict[str, Any],
    settings: Configuration,
    gone: list[SetAside],
    name: str,
) -> Observations | None:
    """Measurements with the intervals of the task; none where they have others."""
    if power is None:
        return None
    task = settings.task
    try:
        if section.get("resample", False):
            power = power.resample(task.frequency, timezone=task.timezone)
        checks.check_intervals(power, task)
    except EnergyForecastError as error:
        gone.append(SetAside("file", name, why(error)))
        return None
    return power


@dataclass
class _Held:
    """Measurements of the archive, as of a moment; the archive is opened once, when it is asked."""

    settings: Configuration
    moment: pd.Timestamp
    archive: Archive | None
    gone: list[SetAside]
    tried: bool = False

    def of(self, sites: Sequence[str], *, since: str | None = None) -> dict[str, Observations]:
        """Observations of each site as they were known."""
        opened = self._opened()
        if opened is None:
            return {}
        span = None if since is None else (self.moment - pd.Timedelta(since), self.moment)
        return dict(self._read(opened, sites, span))

    def _read(self, opened: Archive, sites: Sequence[str], span: Any) -> Iterator[tuple[str, Observations]]:
        for site in sites:
            try:
                yield site, opened.observations(site, valid=span, as_of=self.moment)
            except LookupError:
                continue  # never measured
            except EnergyForecastError as error:
                self.gone.append(SetAside("site", opened.address, why(error), site=site))

    def _opened(self) -> Archive | None:
        """The archive, if there is one that can be read; it is not made here."""
        if self.archive is None and not self.tried:
            self.tried = True
            try:
                self.archive = _open(self.settings)
            except EnergyForecastError as error:
                self.gone.append(SetAside("file", "archive", why(error)))
        return self.archive


def _open(settings: Configuration) -> Archive | None:
    """Archive of a configuration, or of the folder of daily runs."""
    if "archive" in settings.sections:
        place = archive_place(settings.sections["archive"], settings.path)
    else:
        place = {"address": RunFolder(settings.operations.folder).archive}
    if isinstance(place["address"], Path) and not place["address"].is_file():
        return None
    return archives.open(**place, create=False)


def _plausible(power: Observations, settings: Configuration, gone: list[SetAside], name: str) -> Observations:
    """Measurements without values that a forecaster would refuse."""
    for site in settings.sites:
        for _ in range(3) if site.name in power.sites else ():
            try:
                checks.check_measured(power, sites=[site], task=settings.task)
            except WrongDataError as error:
                power = _without_values(power, site, error, gone, name)
            else:
                break
    return power


def _without_values(
    power: Observations, site: Site, error: WrongDataError, gone: list[SetAside], name: str
) -> Observations:
    """Measurements without the values that are out of bounds, or all of the site if they are many or unknown."""
    values = power.values[site.name]
    wrong = np.zeros(len(values), dtype=bool)
    if site.capacity is not None:
        share = values / site.capacity
        if isinstance(error, UnitsError):
            wrong = _around(share.abs() > _OTHER_UNIT, int(_BESIDE / power.frequency))
        elif isinstance(error, RangeError):
            low = _BOUNDS[0] if site.kind in ("wind", "solar") else -_BOUNDS[1]
            wrong = np.asarray((share > _BOUNDS[1]) | (share < low))
    wrong = wrong & values.notna().to_numpy()
    if not wrong.any() or wrong.sum() > _MOST * values.notna().sum():
        gone.append(SetAside("site", name, why(error), site=site.name))
        return _cleared(power, site.name, np.ones(len(values), dtype=bool))
    hour = f"{values.index[wrong][0]:%Y-%m-%d %H:%M}"
    gone.append(SetAside("cell", name, why(error), int(wrong.sum()), site=site.name, hour=hour))
    return _cleared(power, site.name, wrong)


def _around(found: pd.Series, count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Hours found, and so many before and after them."""
    hours = found.astype(float)
    return np.asarray(hours.rolling(2 * count + 1, center=True, min_periods=1).max() > 0)


def _cleared(power: Observations, site: str, hours: np.ndarray[Any, np.dtype[np.bool_]]) -> Observations:
    """Measurements without some values, which are flagged."""
    values = power.values.copy()
    flags = pd.DataFrame(0, index=values.index, columns=values.columns)
    flags = flags if power.flags is None else power.flags.copy()
    flags.loc[hours & values[site].notna(), site] |= int(Flag.UNREADABLE)
    values.loc[hours, site] = np.nan
    return replace(power, values=values, flags=flags)


def _as_before(
    power: Observations, known: dict[str, Observations], gone: list[SetAside], name: str
) -> Observations:
    """Measurements without the sites of which the clock or the unit changed."""
    for site, held in known.items():
        for error in known_before.changed(power, held).values():
            gone.append(SetAside("site", name, why(error), site=site))
            power = _cleared(power, site, np.ones(len(power), dtype=bool))
    return power


def _lacks(power: Observations | None, site: str, recent: Observations | None) -> bool:
    """Whether the file lacks values of a site: all of them, some cells, or newer ones that were known before."""
    if _is_lost(power, site):
        return True
    assert power is not None
    flags = power.flags_at(site, power.index)
    return bool((flags & int(Flag.UNREADABLE)).any()) or (
        recent is not None and recent.index[-1] > power.index[-1]
    )


def _is_lost(power: Observations | None, site: str) -> bool:
    """Whether the file gives no value of a site."""
    return power is None or site not in power.sites or not power.values[site].notna().any()


def _completed(
    power: Observations | None, known: dict[str, Observations], gone: list[SetAside], name: str
) -> known_before.Answered:
    """Measurements, with lost values as they were known before."""
    counts: dict[str, int] = {}
    last = None if power is None else power.index[-1]
    for site, held in known.items():
        lost = last is None or _is_lost(power, site)
        answer = known_before.answered(power, held, site=site, whole=lost, last=last)
        if lost and last is not None and not any(part.site == site for part in gone):
            gone.append(SetAside("site", name, f"It has no value of {site!r}, as it had before.", site=site))
        if answer.counts and not lost and held.index[-1] > last:
            newest = held.index[-1]
            found = f"The file ends at {last:%Y-%m-%d %H:%M} UTC; values until {newest:%Y-%m-%d %H:%M} were known."
            gone.append(SetAside("row", name, found, int((held.index > last).sum()), site=site))
        power, counts = answer.observations, counts | answer.counts
    return known_before.Answered(power, counts)


def _with_sections(
    power: Observations | None, settings: Configuration, gone: list[SetAside]
) -> Observations | None:
    """Measurements with capacity, orders and planned operation; a file that cannot be read is set aside."""
    sections, folder = settings.sections, settings.path.parent
    for name in (*given_capacities(sections), *(("planned",) if "planned" in sections else ())):
        if power is None:
            break
        try:
            if name == "planned":
                power = with_plan(power, plan_of(sections, folder=folder))
            else:
                power = with_capacity(power, [capacity_of(sections, name, folder=folder)])
        except (EnergyForecastError, OSError) as error:
            gone.append(SetAside("file", sections[name]["file"], why(error)))
    return power
