"""What deviations from a declared schedule cost, and in which band they cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import times
from energyforecast.errors import RangeError, SchemaError
from energyforecast.planning._hours import by_hour

__all__ = ["BandOf", "ImbalanceTerms", "Paid", "Price", "kazakhstan", "tolerance"]

Array = npt.NDArray[Any]
#: A price for all hours, or a series of prices by the beginnings of hours. [currency per MWh]
Price: TypeAlias = float | pd.Series
#: What a band is a share of.
BandOf: TypeAlias = Literal["schedule", "capacity"]
#: Which part of a deviation that leaves the band is paid for: what lies beyond it, or the whole.
Paid: TypeAlias = Literal["beyond", "whole"]

_KAZAKHSTAN: Final = "order of 28 March 2025, in force from 13 April 2025"


@dataclass(frozen=True, eq=False, kw_only=True)
class ImbalanceTerms:
    """Terms under which deviations from a schedule are settled.

    Parameters
    ----------
    shortage, surplus : float or Series
        What a megawatt-hour too little or too much costs, **against having declared it**: as in
        :func:`energyforecast.evaluation.imbalance_cost`. Never below 0. [currency per MWh]
    band : float
        Half width of the dead band, as a share: within it a deviation costs nothing.
    band_of : {"schedule", "capacity"}
        What it is a share of.
    paid : {"beyond", "whole"}
        Whether a deviation that leaves the band is paid for beyond it, or whole.
    gate_closure : str, optional
        Wall time on the day before until which a schedule may be declared.
    timezone : str
        Zone of that time.
    source : str
        Where the terms are written.

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
    >>> terms.cost(observed, declared).tolist()  # 45 MWh short, none, 15 MWh too many
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
        for name in ("shortage", "surplus"):
            _check_price(getattr(self, name), name)
        if not 0.0 <= self.band < 1.0:
            raise RangeError(
                f"The dead band is {self.band:g}.",
                "It is a share of the schedule or of the capacity: at least 0 and less than 1.",
                "Give 0.05 for 5 %.",
            )
        for name, allowed in (("band_of", ("schedule", "capacity")), ("paid", ("beyond", "whole"))):
            if getattr(self, name) not in allowed:
                raise SchemaError(
                    f"{name} is {getattr(self, name)!r}.", f"It is one of {allowed}.", "Choose one of them."
                )
        if self.gate_closure is not None:
            times.wall_time(self.gate_closure)

    def prices(self, hours: pd.DatetimeIndex, *, demand: bool = False) -> tuple[Array, Array]:
        """Cost of an outcome below what was declared, and of one above, at each hour. [currency per MWh]

        Where outcomes are used rather than made, more than declared is a shortage.

        Examples
        --------
        >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
        >>> [price.tolist() for price in ImbalanceTerms(shortage=40, surplus=10).prices(hours, demand=True)]
        [[10.0], [40.0]]
        """
        short, many = (by_hour(getattr(self, name), hours, what=name) for name in ("shortage", "surplus"))
        return (many, short) if demand else (short, many)

    def width(self, declared: Array, *, capacity: float | None = None) -> Array:
        """Half width of the dead band around schedules. [MW]

        Examples
        --------
        >>> ImbalanceTerms(shortage=1, surplus=1, band=0.05).width(np.array([20.0, 0.0])).tolist()
        [1.0, 0.0]
        """
        if self.band_of == "schedule" or self.band == 0.0:
            return np.asarray(self.band * np.abs(declared))
        if capacity is None or not np.isfinite(capacity):
            raise SchemaError(
                f"The dead band is {self.band:g} of a capacity that is not known.",
                "A share of the capacity needs the capacity.",
                "Give capacity=..., or band_of='schedule'.",
            )
        return np.full(np.shape(declared), self.band * capacity)

    def cost(
        self,
        observed: Array,
        declared: Array,
        *,
        hours: pd.DatetimeIndex | None = None,
        capacity: float | None = None,
        step: float = 1.0,
        demand: bool = False,
    ) -> Array:
        """Cost of each outcome beside what was declared; NaN where the outcome is missing. [currency]

        Parameters
        ----------
        observed, declared : array, shape (rows,)
            [MW]
        hours : DatetimeIndex, optional
            Of the rows; needed where prices are series.
        capacity : float, optional
            [MW]
        step : float
            Length of an interval. [h]
        demand : bool
            Whether outcomes are used rather than made.

        Examples
        --------
        >>> whole = ImbalanceTerms(shortage=40, surplus=10, band=0.05, paid="whole")
        >>> whole.cost(np.array([50.0, 96.0]), np.full(2, 100.0)).tolist()
        [2000.0, 0.0]
        """
        if hours is None and (isinstance(self.shortage, pd.Series) or isinstance(self.surplus, pd.Series)):
            raise SchemaError(
                "Costs are asked for without hours, and a price is a series.",
                "A series of prices is read at the hours of the rows.",
                "Give hours=...",
            )
        below, above = self._flat(demand=demand) if hours is None else self.prices(hours, demand=demand)
        error, width = observed - declared, self.width(declared, capacity=capacity)
        beyond = np.maximum(np.abs(error) - width, 0.0)
        left = beyond > tolerance(observed)
        amount = beyond if self.paid == "beyond" else np.where(left, np.abs(error), beyond)
        return np.asarray(step * amount * np.where(error < 0, below, above))

    def _flat(self, *, demand: bool) -> tuple[Array, Array]:
        pair = np.asarray(float(self.shortage)), np.asarray(float(self.surplus))
        return pair[::-1] if demand else pair


def tolerance(values: Array) -> float:
    """By how much rounding may move an outcome that lies on the edge of a band. [MW]

    Examples
    --------
    >>> tolerance(np.array([0.5]))
    1e-09
    """
    return 1e-9 * max(1.0, float(np.nanmax(np.abs(values), initial=0.0)))


def _check_price(price: Price, name: str) -> None:
    values = price.to_numpy(dtype=float) if isinstance(price, pd.Series) else np.array([float(price)])
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        where = f" at {price.index[bad[0]]}" if isinstance(price, pd.Series) else ""
        raise RangeError(
            f"The price of {name} is {values[bad[0]]:g}{where}.",
            "A price of a deviation is what it costs against having declared it: a number, 0 or more.",
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
        Wall time in Kazakhstan until which the schedule of the next day is declared. **Required**: no deadline
        is claimed here, since the text that sets it was not at hand.
    price : float or Series
        Of scheduled energy; 1 gives costs as shares of it. [currency per MWh]
    shortage_coefficient, surplus_coefficient : float
        Price of a megawatt-hour too little or too much, in prices of scheduled energy. A deviation costs the
        distance of its coefficient from 1.
    band : float
        Share of the schedule within which deviations cost nothing.
    paid : {"beyond", "whole"}
        Whether a deviation that leaves the band is paid for beyond it, or whole.

    Notes
    -----
    The coefficients are of the order of 28 March 2025, in force from 13 April 2025, for new renewable plants; before
    that the coefficient was 1. They are known here from summaries by advisers, not from the order itself: one of
    them gives "1.3 for excess and 0.7 for shortage", which leaves open which side each belongs to, and none says
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
