"""Synthetic demand, wind farm and PV plant around Almaty as one region."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Final

import pandas as pd
import xarray as xr

from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.datasets.synthetic.almaty import almaty
from energyforecast.datasets.synthetic.generator import MODELS
from energyforecast.datasets.synthetic.pv_plants import kapshagay
from energyforecast.datasets.synthetic.shelek import shelek
from energyforecast.datasets.synthetic.synthetic_site import Statistic, SyntheticSite

__all__ = ["almaty_region"]

_NAME: Final = "Almaty region (synthetic)"


@checked(seed=(0, inf), hours=(1, 1_000_000))
def almaty_region(
    *,
    seed: int = 1,
    start: str = "2023-01-01",
    hours: int = 2 * 8760,
    models: tuple[str, ...] = MODELS,
    version: int = 1,
) -> SyntheticSite:
    """Synthetic region of Almaty for planning: industry, households, a wind farm and a PV plant.

    It joins the synthetic sites :func:`almaty`, :func:`shelek` and :func:`kapshagay`. The total of the area is left
    out, since it is the sum of industry and households.

    Parameters
    ----------
    seed, start, hours, models, version
        As for each of them.

    Returns
    -------
    SyntheticSite
        A variable that a part does not have is NaN at its sites. ``truth`` has one column per site: power or demand
        without failures of meters, outages and curtailment. [MW]

    Raises
    ------
    RangeError, SchemaError
        If the period is too short, or a seed, version or weather model does not exist.

    See Also
    --------
    almaty, shelek, kapshagay, SyntheticSite

    Notes
    -----
    The weather of the three synthetic sites is independent: no cold front raises demand and wind together.
    The dependence in a real region must be estimated from its data.

    Examples
    --------
    >>> region = almaty_region(hours=240)
    >>> [site.kind for site in region.sites]
    ['demand', 'demand', 'wind', 'solar']
    """
    makers: tuple[Callable[..., SyntheticSite], ...] = (almaty, shelek, kapshagay)
    synthetic_sites = [
        make(seed=seed, start=start, hours=hours, version=version, models=models) for make in makers
    ]
    sites = (*synthetic_sites[0].sites[1:], synthetic_sites[1].site, synthetic_sites[2].site)
    names = [site.name for site in sites]
    return SyntheticSite(
        name=_NAME,
        sites=sites,
        weather={
            model: _merged([synthetic.weather[model] for synthetic in synthetic_sites], names)
            for model in models
        },
        observations=_joined([synthetic.observations for synthetic in synthetic_sites], names),
        raw=pd.concat(
            [synthetic.raw for synthetic in synthetic_sites],
            keys=[synthetic.name for synthetic in synthetic_sites],
        ),
        truth=_truth(synthetic_sites, names),
        seed=seed,
        version=version,
        measure=lambda _: _statistics(synthetic_sites),
    )


def _merged(parts: Sequence[xr.Dataset], names: Sequence[str]) -> xr.Dataset:
    """Runs of several synthetic sites, which arrive together; variables that one lacks are NaN at its sites."""
    known = list(dict.fromkeys(str(name) for part in parts for name in part.data_vars))
    whole = [part.drop_vars("available_time") for part in parts]
    joined = xr.concat(
        whole,
        "site",
        data_vars="all",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="override",
    )
    joined = joined.assign_coords(available_time=parts[0]["available_time"]).sel(site=list(names))
    for name in known:
        joined[name].attrs = next(part[name].attrs for part in parts if name in part)
    joined.attrs["source"] = f"synthetic site {_NAME!r} of energyforecast"
    return joined


def _joined(parts: Sequence[Observations], names: Sequence[str]) -> Observations:
    return Observations(
        pd.concat([part.values for part in parts], axis=1)[list(names)],
        published_after=parts[0].published_after,  # all meters of these sites report with the same latency
        flags=pd.concat([part.flags for part in parts], axis=1)[list(names)],
        frequency="1h",
    )


def _truth(synthetic_sites: Sequence[SyntheticSite], names: Sequence[str]) -> pd.DataFrame:
    demand, *plants = synthetic_sites
    found = {name: demand.truth[name] for name in names if name in demand.truth}
    found |= {plant.site.name: plant.truth["power"] for plant in plants}
    truth = pd.DataFrame(found)[list(names)].assign(source="synthetic")
    truth.attrs = dict(demand.truth.attrs)
    return truth


def _statistics(synthetic_sites: Sequence[SyntheticSite]) -> Iterator[Statistic]:
    for synthetic in synthetic_sites:
        yield from synthetic.statistics()
