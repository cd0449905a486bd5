"""Registry of metrics: every metric by name, as an object that is called with outcomes and a forecast."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy.typing as npt
import pandas as pd

from energyforecast.errors import SchemaError
from energyforecast.evaluation.aggregation import By, Metric, aggregate
from energyforecast.evaluation.inputs import Observed, Predicted, as_pairs
from energyforecast.evaluation.pairing import Pairs

__all__ = ["REGISTRY", "Parameters", "RegisteredMetric", "RegisteredTable", "metric", "table"]

Array = npt.NDArray[Any]
#: Values of a metric's own parameters, by name.
Parameters: TypeAlias = Mapping[str, Any]

_FIRST: Final = """observed : Observations, Pairs, Series, DataFrame or DataArray
    Outcomes. [MW]
forecast : Forecast, Series, DataFrame or DataArray, optional
    Not needed with pairs. [MW]
"""
_SCORED: Final = """by, weights, confidence : optional
    As in :func:`energyforecast.evaluation.score`.
"""


class _Registered:
    """A function that declares a metric, by its name; calling it scores."""

    _shared: tuple[str, str] = (_FIRST, "")

    def __init__(self, declaration: Callable[..., Any], *, parts: Sequence[str] = ()) -> None:
        self.name = self.__name__ = declaration.__name__
        self.__qualname__, self.__module__ = declaration.__qualname__, declaration.__module__
        self.__wrapped__ = declaration  # so that doctest and pydoc find its source
        self.parts = tuple(parts) or (self.name,)
        self._declaration = declaration
        declared = inspect.signature(declaration).parameters.values()
        self.parameters = {item.name: item for item in declared if item.kind is item.KEYWORD_ONLY}
        self.__doc__ = _documented(inspect.cleandoc(declaration.__doc__ or ""), self._shared)
        self.__signature__ = self._signature()
        REGISTRY[self.name] = self

    def _signature(self) -> inspect.Signature:
        """Parameters of the call: outcomes and forecast, those declared, then those of all scores."""
        shared = inspect.signature(type(self).__call__).parameters.values()
        common = [item for item in shared if item.name != "self" and item.kind is not item.VAR_KEYWORD]
        places = [item for item in common if item.kind is item.POSITIONAL_OR_KEYWORD]
        named = [item for item in common if item.kind is item.KEYWORD_ONLY]
        return inspect.Signature([*places, *self.parameters.values(), *named])

    def _check(self, given: Parameters) -> None:
        """Refuse a parameter that is not declared, and a lacking one."""
        needed = [name for name, item in self.parameters.items() if item.default is item.empty]
        unknown = [name for name in given if name not in self.parameters]
        lacking = [name for name in needed if name not in given]
        if unknown or lacking:
            near = difflib.get_close_matches(unknown[0], self.parameters, 1) if unknown else lacking[:1]
            raise SchemaError(
                f"{self.name} is given {unknown[0]!r}."
                if unknown
                else f"{self.name} is asked for without {lacking[0]!r}.",
                f"Its parameters are {list(self.parameters)}, of which it needs {needed}.",
                f"Give {near[0]}=..." if near else "Leave it out.",
            )

    def __repr__(self) -> str:
        return f"<{self.name}{self.__signature__}>"


class RegisteredMetric(_Registered):
    """A metric of the registry, called as ``mae(observed, forecast, by=...)``.

    Parameters
    ----------
    declaration : callable
        From the metric's own parameters, all by keyword, to a Metric or a sequence of them. Its name and docstring
        are those of the metric.
    parts : sequence of str
        Names of the metrics that it gives, if they are several.

    See Also
    --------
    metric : The decorator that makes one.
    energyforecast.evaluation.score : Scores by name.

    Examples
    --------
    >>> from energyforecast.evaluation import brier
    >>> brier.name, list(brier.parameters)
    ('brier', ['threshold', 'relative', 'bins'])
    """

    _shared = (_FIRST, _SCORED)

    def __call__(
        self,
        observed: Observed,
        forecast: Predicted | None = None,
        *,
        by: By = None,
        weights: Array | None = None,
        confidence: float | None = None,
        **parameters: Any,
    ) -> pd.DataFrame:
        """Table of scores; see :func:`energyforecast.evaluation.score`."""
        metrics = self.metrics(parameters)
        return aggregate(metrics, as_pairs(observed, forecast), by=by, weights=weights, confidence=confidence)

    def metrics(self, parameters: Parameters | None = None) -> tuple[Metric, ...]:
        """The metrics with some values of its parameters.

        Parameters
        ----------
        parameters : mapping, optional
            By name; defaults stand for the others.

        Raises
        ------
        SchemaError
            If one is unknown or lacking.

        Examples
        --------
        >>> from energyforecast.evaluation import coverage
        >>> [item.level for item in coverage.metrics({"interval": 0.8})]
        [0.8]
        """
        if not parameters and all(item.default is not item.empty for item in self.parameters.values()):
            return self._defaults
        self._check(parameters or {})
        return self._made(parameters or {})

    @functools.cached_property
    def _defaults(self) -> tuple[Metric, ...]:
        """The same objects each time, so that pairs remember their points."""
        return self._made({})

    def _made(self, parameters: Parameters) -> tuple[Metric, ...]:
        """Declare the metrics."""
        made = self._declaration(**parameters)
        return (made,) if isinstance(made, Metric) else tuple(made)


class RegisteredTable(_Registered):
    """A table of the registry that is no score a row: a histogram, a diagram, a comparison of costs.

    Parameters
    ----------
    declaration : callable
        From pairs, and parameters by keyword, to a table. Its name and docstring are those of the metric.

    See Also
    --------
    RegisteredMetric

    Examples
    --------
    >>> from energyforecast.evaluation import pit
    >>> pit.name, list(pit.parameters)
    ('pit', ['bins', 'seed', 'by', 'weights'])
    """

    def __call__(
        self, observed: Observed, forecast: Predicted | None = None, **parameters: Any
    ) -> pd.DataFrame:
        """Table of outcomes and a forecast; a reference is aligned with the same outcomes."""
        self._check(parameters)
        if "reference" in parameters and not isinstance(parameters["reference"], Pairs):
            parameters["reference"] = as_pairs(observed, parameters["reference"])
        result: pd.DataFrame = self._declaration(as_pairs(observed, forecast), **parameters)
        return result


#: Every metric by name, in the order in which they are declared.
REGISTRY: Final[dict[str, _Registered]] = {}


def metric(*parts: str) -> Callable[[Callable[..., Metric | Sequence[Metric]]], RegisteredMetric]:
    """Decorate a declaration of a metric: it becomes an object of the registry.

    Parameters
    ----------
    *parts : str
        Names of the metrics that it gives, if they are several.

    See Also
    --------
    RegisteredMetric, table

    Examples
    --------
    >>> import numpy as np
    >>> @metric()
    ... def _overload(*, level: float = 0.9) -> Metric:
    ...     return Metric("_overload", lambda p: np.maximum(p.observed - p.at(level), 0), reach=(level, level))
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> _overload(example_observations(), example_forecast(), level=0.5)["value"].tolist()
    [1.0]
    >>> _ = REGISTRY.pop("_overload")
    """
    return lambda declaration: RegisteredMetric(declaration, parts=parts)


def table(declaration: Callable[..., pd.DataFrame]) -> RegisteredTable:
    """Decorate a function from pairs to a table: it becomes an object of the registry.

    See Also
    --------
    RegisteredTable, metric
    """
    return RegisteredTable(declaration)


def _documented(text: str, shared: Sequence[str]) -> str:
    """A docstring with the parameters that all metrics share around its own."""
    first, last = shared
    heading = "Parameters\n----------\n"
    before, found, after = text.partition(heading)
    if not found:
        place = min(
            (text.find(f"\n{name}\n---") for name in _SECTIONS if f"\n{name}\n---" in text), default=len(text)
        )
        return f"{text[:place].rstrip()}\n\n{heading}{first}{last}{text[place:]}"
    end = min(
        (after.find(f"\n{name}\n---") for name in _SECTIONS if f"\n{name}\n---" in after), default=len(after)
    )
    return f"{before}{heading}{first}{after[:end].rstrip()}\n{last}{after[end:]}"


_SECTIONS: Final = ("Returns", "Raises", "See Also", "Notes", "References", "Examples")
