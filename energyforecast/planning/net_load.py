"""Net load: the demand that thermal plants, storage and exchange must cover, per scenario."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np

from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import check_same_step
from energyforecast.core.power_kinds import Kind
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.planning.scenario_generation.dependence import Dependence
from energyforecast.planning.scenario_generation.sample import sample_by_kind

__all__ = ["NET_LOAD", "net_load"]

#: Name of the net load of all sites.
NET_LOAD: Final = "net load"
#: Names of its parts.
_KINDS: Final = ("demand", "wind", "solar")

Part = Scenarios | Forecast | Sequence[Forecast] | None


def net_load(
    *,
    demand: Scenarios | Forecast | Sequence[Forecast],
    wind: Part = None,
    solar: Part = None,
    areas: Mapping[str, Collection[str]] | None = None,
    parts: bool = False,
    n_scenarios: int = 200,
    dependence: Dependence | None = None,
    issue_time: Any = None,
) -> Scenarios:
    r"""Net load: demand minus wind minus solar, per scenario.

    .. math:: N_k = \sum_{i} D_{ik} - \sum_{j} W_{jk} - \sum_{l} S_{lk}

    in each scenario k, over the sites of an area; quantiles are never added.

    Parameters
    ----------
    demand, wind, solar : Forecast, sequence of Forecast, or Scenarios
        Forecasts are sampled together, with the dependence between kinds. Scenarios must have been sampled together:
        scenario k of demand belongs to scenario k of wind.
    areas : mapping of collection of str, optional
        The sites of each area, each in one; the result then has a net load for each.
    parts : bool
        Whether the result also holds the sums of demand, wind and solar (``"demand"``; ``"north: demand"`` of an
        area), from the same scenarios.
    n_scenarios : int
        Number of scenarios to sample from forecasts.
    dependence, issue_time
        As in :func:`energyforecast.planning.sample_scenarios`. For another seed or other tails, sample with
        :func:`energyforecast.planning.sample_by_kind` and give its scenarios.

    Returns
    -------
    Scenarios
        Sites: the areas, then ``"net load"`` for all; with `parts`, the sums after each.

    Raises
    ------
    SchemaError, TimeError
        If forecasts and scenarios are mixed, demand is given as generation or the reverse, hours or numbers differ, or
        a site is in no area or in two.

    See Also
    --------
    reserve, ramps : Of the net load.
    sample_by_kind : Scenarios of demand, wind and solar.

    Examples
    --------
    >>> from energyforecast.planning import GaussianCopula
    >>> from energyforecast.testing import example_days, example_forecast
    >>> demand, _ = example_days(days=1, sites=["city", "works"])
    >>> net = net_load(
    ...     demand=demand, wind=example_forecast(), dependence=GaussianCopula.exponential(range_hours=12.0)
    ... )
    >>> net
    200 scenarios of net load: 24 intervals of 1h from 2024-01-02 00:00 UTC [MW]
    >>> float(net.of()[:, 0].mean().round(2))  # 50 + 50 - 10
    90.0
    """
    if demand is None:
        raise MissingDataError(
            "The demand is None.", "Net load must have a demand.", "Give scenarios or a forecast of it."
        )
    check_types(locals(), of=net_load)
    given: dict[Kind, Any] = {"demand": demand, "wind": wind, "solar": solar}
    given = {kind: part for kind, part in given.items() if part is not None}
    sampled = _scenarios_of(given, n_scenarios=n_scenarios, dependence=dependence, issue_time=issue_time)
    _check_sides(sampled)
    sites = [name for part in sampled.values() for name in part.sites]
    values: list[Any] = []
    names: list[str] = []
    kinds: list[Kind] = []
    for label, members in _groups(areas, sites).items():
        sums = {kind: _sum(part, members) for kind, part in sampled.items()}
        values.append(sums["demand"] - sum(sums[kind] for kind in sums if kind != "demand"))
        names.append(label or NET_LOAD)
        kinds.append("demand")
        if parts:
            values += list(sums.values())
            names += [f"{label}: {kind}" if label else kind for kind in sums]
            kinds += list(sums)
    first = sampled["demand"]
    return Scenarios.from_values(
        np.stack(values, axis=1),
        sites=names,
        valid_time=first.valid_times,
        kind=dict(zip(names, kinds, strict=True)),
        frequency=first.data.attrs["frequency"],
        attrs=dict(first.data.attrs)
        | {"caveats": "; ".join(dict.fromkeys(line for part in sampled.values() for line in part.caveats))},
    )


def _scenarios_of(given: dict[Kind, Any], **sampling: Any) -> dict[Kind, Scenarios]:
    """Scenarios of each kind: those given, or sampled together."""
    if all(isinstance(part, Scenarios) for part in given.values()):
        _check_together(given)
        return given
    if any(isinstance(part, Scenarios) for part in given.values()):
        raise SchemaError(
            f"Of {', '.join(given)} some are scenarios and some forecasts.",
            "Give either forecasts of all or scenarios of all.",
            "Sample all with one call of sample_by_kind.",
        )
    return sample_by_kind(given, **sampling)


def _check_sides(sampled: dict[Kind, Scenarios]) -> None:
    """Refuse generation given as demand, and the reverse."""
    for kind, part in sampled.items():
        for site, stated in part.kinds.items():
            if stated != "site" and (stated == "demand") != (kind == "demand"):
                raise SchemaError(
                    f"Site {site!r} is given as {kind}, and its kind is {stated!r}.",
                    "Demand is consumption; wind and solar are generation, subtracted from it.",
                    "Give it as its kind, or correct the kind: with_kind(...).",
                )


def _check_together(given: dict[Kind, Scenarios]) -> None:
    """Refuse scenarios that were not sampled together."""
    first, remedy = given["demand"], "Sample all with one call of sample_by_kind."
    for kind, other in given.items():
        if other.n_scenarios != first.n_scenarios:
            raise SchemaError(
                f"There are {first.n_scenarios} scenarios of demand and {other.n_scenarios} of {kind}.",
                "Scenario k of demand must belong to scenario k of every other kind.",
                remedy,
            )
        check_same_step(other, first, name=f"The scenarios of {kind}", other="those of demand")
        if not other.valid_times.equals(first.valid_times):
            raise TimeError(
                f"Scenarios of demand begin at {first.valid_times[0]} ({len(first.valid_times)} intervals), those "
                f"of {kind} at {other.valid_times[0]} ({len(other.valid_times)}).",
                "All must cover the same hours.",
                remedy,
            )
        issues = [scenarios.data.attrs.get("issue_time") for scenarios in (first, other)]
        if issues[0] != issues[1]:
            raise TimeError(
                f"Scenarios of demand were issued at {issues[0]}, those of {kind} at {issues[1]}.",
                "All must have one issue time.",
                remedy,
            )


def _groups(areas: Mapping[str, Collection[str]] | None, sites: list[str]) -> dict[str, Collection[str]]:
    """Sites of each area, and all sites under the empty name."""
    repeated = sorted({name for name in sites if sites.count(name) > 1})
    if repeated:
        raise SchemaError(
            f"Site {repeated[0]!r} is given as two kinds.",
            "Each site must be either demand, wind or solar.",
            "Rename one of them.",
        )
    if areas is None:
        return {"": sites}
    taken = [name for name in areas if name == NET_LOAD or name.split(": ")[-1] in _KINDS]
    if taken:
        raise SchemaError(
            f"An area has the name {taken[0]!r}.",
            f"The names {NET_LOAD!r}, of the sum of all, and {', '.join(map(repr, _KINDS))}, of its parts, must "
            "remain free, as must names that end with them after a colon.",
            f"Rename {taken[0]!r}.",
        )
    counts = {name: [area for area, members in areas.items() if name in members] for name in sites}
    wrong = {name: found for name, found in counts.items() if len(found) != 1}
    unknown = sorted({name for members in areas.values() for name in members} - set(sites))
    if wrong or unknown:
        found = (
            f"Site {next(iter(wrong))!r} is in the areas {wrong[next(iter(wrong))]}."
            if wrong
            else f"The areas hold {unknown}."
        )
        raise SchemaError(
            found,
            f"Each of {sites} must be in one area, and no other site.",
            "Correct areas={'north': {...}, ...}.",
        )
    return {**areas, "": sites}


def _sum(part: Scenarios, members: Collection[str]) -> Any:
    """Sum of some sites, shape (scenarios, hours)."""
    places = [k for k, name in enumerate(part.sites) if name in members]
    return part.data.values[:, places].sum(axis=1)
