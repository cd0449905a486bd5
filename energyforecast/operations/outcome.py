"""Outcomes of the steps of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from energyforecast.errors import one_of

__all__ = ["STATES", "State", "StepOutcome"]

#: States of a step: as asked; with less than what was asked; not done; not due, or out of time.
State: TypeAlias = Literal["good", "degraded", "failed", "skipped"]
STATES: Final[tuple[str, ...]] = get_args(State)


@dataclass(frozen=True)
class StepOutcome:
    """Outcome of one step of a run.

    Parameters
    ----------
    name : str
        Of the step, such as ``"fetch"``.
    state : {"good", "degraded", "failed", "skipped"}
        ``"skipped"`` if the step was not due, or not asked for.
    message : str
        One line for people.
    details : mapping
        Figures and names that JSON can hold.
    seconds : float
        Duration. [s]

    See Also
    --------
    RunFolder : Files of runs.

    Examples
    --------
    >>> outcome = StepOutcome("fetch", "degraded", "2 of 4 runs came.", {"failed": 2}, 1.5)
    >>> print(outcome)
    fetch     degraded  2 of 4 runs came.
    >>> outcome.to_dict()["details"]
    {'failed': 2}
    """

    name: str
    state: State
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        one_of("state", self.state, allowed=STATES)
        object.__setattr__(self, "message", " ".join(self.message.split()))

    def __str__(self) -> str:
        return f"{self.name:<9} {self.state:<9} {self.message}".rstrip()

    @property
    def is_good(self) -> bool:
        """Whether it is as asked, or was not due."""
        return self.state in ("good", "skipped")

    def to_dict(self) -> dict[str, Any]:
        """Content for a file of JSON."""
        return asdict(self)
