"""Cost of deviations from a declared schedule: sides, prices and dead band of an imbalance.

An imbalance has a side, not a sign. Of generation, less than declared is a shortage; of demand, more than declared
is one. The kind of the site decides (:data:`energyforecast.core.power_kinds.KINDS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import arguments, timestamps
from energyforecast.core.alignment import by_hour
from energyforecast.core.imbalance_sides import deviations, is_demand, tolerance
from energyforecast.core.intervals import step_of
from energyforecast.core.power_kinds import Kind
from energyforecast.errors import RangeError, SchemaError, one_of

__all__ = [
    "BandOf",
    "ImbalanceTerms",
    "Paid",
    "Price",
    "as_terms",
    "best_level",
    "deviations",
    "kazakhstan",
    "tolerance",
]

Array = npt.NDArray[Any]
#: A price for all hours, or a series of prices by the beginnings of hours. [currency per MWh]
Price: TypeAlias = float | pd.Series
#: Quantity of which a band is a share.
BandOf: TypeAlias = Literal["schedule", "capacity"]
#: Paid part of a deviation that leaves the band: beyond the band, or the whole.
Paid: TypeAlias = Literal["beyond", "whole"]
_Side: TypeAlias = Literal["shortage", "surplus"]

_KAZAKHSTAN: Final = "order of 28 March 2025, in force from 13 April 2025"


@dataclass(frozen=True, eq=False, kw_only=True)
class ImbalanceTerms:
    """Terms under which deviations from a schedule are settled.

    Parameters
    ----------
    shortage, surplus : float or Series
        Cost of a megawatt-hour of shortage or surplus **against having declared it**, at least 0: as in
        :func:`energyforecast.evaluation.imbalance_cost`. [currency per MWh]
    band : float
        Half width of the dead band, as a share: within it a deviation is free.
    band_of : {"schedule", "capacity"}
        Quantity of which the band is a share.
    paid : {"beyond", "whole"}
        Whether a deviation that leaves the band is paid for beyond it, or whole.
    gate_closure : str, optional
        Wall time on the day before until which a schedule may be declared.
    timezone : str
        Zone of that time.
    source : str
        Text in which the terms are written.

    Raises
    ------
    RangeError
        If a price is below 0 or missing, or the band is not a share in [0, 1).
    SchemaError
        If `band_of` or `paid` is none of its values.

    Examples
    --------
    >>> terms = ImbalanceTerms(shortage=40, surplus=10, band=0.05)
    >>> observed, declared = np.array([50.0, 96.0, 120.0]), np.full(3, 100.0)
    >>> terms.cost(observed, declared, kind="wind").tolist()  # 45 MWh short, none, 15 MWh too many
    [1800.0, 0.0, 150.0]
    """

    shortage: Price
    surplus: Price
    band: float = 0.0
    band_of: BandOf = "schedule"
    paid: Paid = "beyond"
    gate_closure: str | None = None
    timezone: str = "UTC"
    source: str = ""

    def __post_init__(self) -> None:
        arguments.check_types(vars(self), of=type(self))
        for name in ("shortage", "surplus"):
            _check_price(getattr(self, name), name)
        if not 0.0 <= self.band < 1.0:
            raise RangeError(
                f"The dead band is {self.band:g}.",
                "It must be a share of the schedule or of the capacity: at least 0 and less than 1.",
                "Give 0.05 for 5 %.",
            )
        one_of("band_of", self.band_of, allowed=get_args(BandOf))
        one_of("paid", self.paid, allowed=get_args(Paid))
        if self.gate_closure is not None:
            timestamps.wall_time(self.gate_closure)

    def prices(
        self, *, kind: Kind | Array, hours: pd.DatetimeIndex | None = None, step: float | None = None
    ) -> tuple[Array, Array]:
        """Cost of an outcome below the declared power, and of one above it. [currency per MWh]

        Parameters
        ----------
        kind : str or array of str
            Of all, or of each row: less than declared is a shortage of generation, more of demand.
        hours : DatetimeIndex, optional
            Of the rows; needed where prices are series.
        step : float, optional
            Length of an interval, which prices must have too; by default the shortest distance of the hours. [h]

        Returns
        -------
        below, above : array

        Raises
        ------
        MissingDataError
            If a kind is ``"site"``, which has no known side, and the prices of the sides differ.
        SchemaError
            If a kind is unknown, or a price is a series and hours are not given.
        TimeError
            If a series of prices lacks an hour or a zone, or has other intervals.

        See Also
        --------
        deviations

        Examples
        --------
        >>> terms = ImbalanceTerms(shortage=40, surplus=10)
        >>> [price.tolist() for price in terms.prices(kind=np.array(["wind", "demand"]))]
        [[40.0, 10.0], [10.0, 40.0]]
        """
        shortage, surplus = (self._at(hours, side, step) for side in get_args(_Side))
        demand = is_demand(kind, alike=shortage == surplus)
        return np.where(demand, surplus, shortage), np.where(demand, shortage, surplus)

    def _at(self, hours: pd.DatetimeIndex | None, side: _Side, step: float | None) -> Array:
        price: Price = getattr(self, side)
        if hours is not None:
            return by_hour(price, hours, name=f"prices of {side}", step=step)
        if isinstance(price, pd.Series):
            raise SchemaError(
                f"Costs are asked for without hours, and the price of {side} is a series.",
                "A series of prices must be read at the hours of the rows.",
                "Give hours=...",
            )
        return np.asarray(float(price))

    def width(self, declared: Array, *, capacity: Array | float | None = None) -> Array:
        r"""Half width of the dead band around schedules, a share β of them or of the capacity C. [MW]

        .. math:: b = \beta |s| \quad \text{or} \quad b = \beta C

        Parameters
        ----------
        declared : array
            [MW]
        capacity : float or array, optional
            Needed where the band is a share of it. [MW]

        Raises
        ------
        SchemaError
            If a capacity is needed and not known.

        See Also
        --------
        within

        Examples
        --------
        >>> ImbalanceTerms(shortage=1, surplus=1, band=0.05).width(np.array([20.0, 0.0])).tolist()
        [1.0, 0.0]
        """
        if self.band_of == "schedule" or self.band == 0.0:
            return np.asarray(self.band * np.abs(declared))
        if capacity is None or not np.isfinite(capacity).all():
            raise SchemaError(
                f"The dead band is {self.band:g} of a capacity that is not known.",
                "The capacity must be known for a share of it.",
                "Give capacity=..., or band_of='schedule'.",
            )
        return np.asarray(self.band * np.broadcast_to(np.asarray(capacity, dtype=float), np.shape(declared)))

    def within(self, observed: Array, declared: Array, *, capacity: Array | float | None = None) -> Array:
        """Whether outcomes lie in the dead band, its edges included: 1 or 0, NaN where one of the two is missing.

        Parameters
        ----------
        observed, declared : array, shape (rows,)
            [MW]
        capacity : float or array, optional
            [MW]

        See Also
        --------
        cost

        Examples
        --------
        >>> terms = ImbalanceTerms(shortage=40, surplus=10, band=0.05)
        >>> terms.within(np.array([95.0, 94.0, np.nan]), np.full(3, 100.0)).tolist()
        [1.0, 0.0, nan]
        """
        beyond = np.abs(observed - declared) - self.width(declared, capacity=capacity)
        return np.where(np.isnan(beyond), np.nan, beyond <= tolerance(observed))

    def cost(
        self,
        observed: Array,
        declared: Array,
        *,
        kind: Kind | Array,
        hours: pd.DatetimeIndex | None = None,
        capacity: Array | float | None = None,
        step: float | None = None,
    ) -> Array:
        r"""Cost of each outcome against the declared power; NaN where one of the two is missing. [currency]

        .. math:: c = \Delta t \, p_{side} \, \max(|y - s| - b, 0)

        with the outcome y, the schedule s, the half width b of the dead band and the price p of a shortage or a
        surplus. With ``paid="whole"`` a deviation that leaves the band is paid from its first megawatt.

        Parameters
        ----------
        observed, declared : array, shape (rows,)
            [MW]
        kind : str or array of str
            As in :meth:`prices`.
        hours : DatetimeIndex, optional
            Of the rows; needed where prices are series.
        capacity : float or array, optional
            Needed where the band is a share of it. [MW]
        step : float, optional
            Length of an interval; by default the shortest distance of the hours, or 1 h without hours. [h]

        Raises
        ------
        MissingDataError, SchemaError, TimeError
            As in :meth:`prices` and :meth:`width`.

        References
        ----------
        Pinson, Chevallier and Kariniotakis (2007), https://doi.org/10.1109/TPWRS.2007.901117.

        See Also
        --------
        energyforecast.evaluation.imbalance_cost, energyforecast.planning.compare_schedules

        Examples
        --------
        Half of a farm's schedule is missing; a city uses half of its schedule.

        >>> whole = ImbalanceTerms(shortage=40, surplus=10, band=0.05, paid="whole")
        >>> observed, declared = np.array([50.0, 96.0]), np.full(2, 100.0)
        >>> [whole.cost(observed, declared, kind=kind).tolist() for kind in ("wind", "demand")]
        [[2000.0, 0.0], [500.0, 0.0]]
        """
        if step is None:
            step = step_of(hours)
        below, above = self.prices(kind=kind, hours=hours, step=step)
        error, width = observed - declared, self.width(declared, capacity=capacity)
        beyond = np.maximum(np.abs(error) - width, 0.0)
        left = beyond > tolerance(observed)
        amount = beyond if self.paid == "beyond" else np.where(left, np.abs(error), beyond)
        return np.asarray(step * amount * np.where(error < 0, below, above))


def best_level(below: Array, above: Array) -> Array:
    r"""Optimal quantile level: least expected cost without a dead band; ½ where deviations are free. [1]

    .. math:: \tau = \frac{p_{above}}{p_{below} + p_{above}}

    Parameters
    ----------
    below, above : array
        Cost of an outcome below the declared power and of one above it, as :meth:`ImbalanceTerms.prices`
        gives them. [currency per MWh]

    References
    ----------
    Pinson, Chevallier and Kariniotakis (2007), https://doi.org/10.1109/TPWRS.2007.901117.

    See Also
    --------
    energyforecast.planning.schedule : The optimum with a dead band.

    Examples
    --------
    >>> terms = ImbalanceTerms(shortage=30, surplus=10)
    >>> [float(best_level(*terms.prices(kind=kind))) for kind in ("wind", "demand")]
    [0.25, 0.75]
    """
    total = np.asarray(below + above, dtype=float)
    return np.asarray(np.where(total > 0, above / np.where(total > 0, total, 1.0), 0.5))


def as_terms(
    terms: ImbalanceTerms | None = None,
    *,
    shortage: Price | None = None,
    surplus: Price | None = None,
    band: float = 0.0,
    band_of: BandOf = "schedule",
    paid: Paid = "beyond",
) -> ImbalanceTerms:
    """Terms as given, or made of two prices and a band."""
    no_prices = shortage is None and surplus is None and (band, band_of, paid) == (0.0, "schedule", "beyond")
    if terms is not None and no_prices:
        return terms
    if terms is not None or shortage is None or surplus is None:
        raise SchemaError(
            f"Imbalance is priced with terms {'given' if terms is not None else 'absent'}, "
            f"shortage={shortage!r}, surplus={surplus!r}, band={band:g}, band_of={band_of!r}, paid={paid!r}.",
            "Either terms, or both prices and a band, must give the cost of deviations.",
            "Give shortage=..., surplus=..., or terms such as settlement.kazakhstan(gate_closure=...).",
        )
    return ImbalanceTerms(shortage=shortage, surplus=surplus, band=band, band_of=band_of, paid=paid)


def _check_price(price: Price, name: str) -> None:
    values = np.atleast_1d(arguments.as_numbers(f"The price of {name}", price))
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        where = f" at {price.index[bad[0]]}" if isinstance(price, pd.Series) else ""
        raise RangeError(
            f"The price of {name} is {values[bad[0]]:g}{where}.",
            "A price of a deviation must be its cost against having declared it: a number, 0 or more.",
            "Give the distance between the price of the deviation and that of scheduled energy, without a sign.",
        )


def kazakhstan(
    *,
    gate_closure: str,
    price: Price = 1.0,
    shortage_coefficient: float = 1.3,
    surplus_coefficient: float = 0.7,
    band: float = 0.05,
    paid: Paid = "beyond",
) -> ImbalanceTerms:
    """Terms for new renewable plants in Kazakhstan: coefficients 1.3 and 0.7 beyond 5 % of the schedule.

    Parameters
    ----------
    gate_closure : str
        Wall time in Kazakhstan until which the schedule of the next day is declared. **Required**: the text that
        sets the deadline was not at hand.
    price : float or Series
        Of scheduled energy; 1 gives costs as shares of it. [currency per MWh]
    shortage_coefficient, surplus_coefficient : float
        Price of a megawatt-hour of shortage or surplus, in prices of scheduled energy. A deviation costs the
        distance of its coefficient from 1.
    band : float
        Share of the schedule within which deviations are free.
    paid : {"beyond", "whole"}
        Whether a deviation that leaves the band is paid for beyond it, or whole.

    Notes
    -----
    The coefficients are of the order of 28 March 2025, in force from 13 April 2025, for new renewable plants; before
    that the coefficient was 1. They are known here from summaries by advisers, not from the order itself: one of
    them gives "1.3 for excess and 0.7 for shortage", which leaves open which side each belongs to, and none states
    whether a deviation is paid for whole or only beyond the band. Hence both sides and `paid` are parameters.
    Either way round both coefficients lie 0.3 from 1, so that the penalty is the same on both sides. Check against
    your contract; plants with storage under automatic control are settled differently, and for projects of the
    auctions of 2023 and 2024 the rule is disputed.

    References
    ----------
    TGS Energy, https://tgs-energy.kz, and a client alert of KPMG on the order's entry into force.

    Examples
    --------
    >>> terms = kazakhstan(gate_closure="08:00", price=20.0)
    >>> round(terms.shortage, 6), round(terms.surplus, 6), terms.band, terms.timezone
    (6.0, 6.0, 0.05, 'Asia/Almaty')
    """
    return ImbalanceTerms(
        shortage=abs(shortage_coefficient - 1.0) * price,
        surplus=abs(surplus_coefficient - 1.0) * price,
        band=band,
        paid=paid,
        gate_closure=gate_closure,
        timezone="Asia/Almaty",
        source=_KAZAKHSTAN,
    )
