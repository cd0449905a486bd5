"""Registry of metrics: every metric by name, as an object that is called with outcomes and a forecast."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import check_types
from energyforecast.errors import SchemaError
from energyforecast.evaluation.aggregation import By, Metric, aggregate
from energyforecast.evaluation.inputs import Observed, Predicted, as_pairs
from energyforecast.evaluation.pairing import Pairs

__all__ = [
    "REGISTRY",
    "Parameters",
    "RegisteredMetric",
    "RegisteredTable",
    "check_declared",
    "metric",
    "table",
]

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
#: Parameters of several metrics, which their own docstrings leave out.
_COMMON: Final = {
    "threshold": "threshold : float\n    [MW], or a share of the capacity.\n",
    "relative": "relative : bool\n    Whether thresholds are shares of the capacity.\n",
    "interval": "interval : float or sequence of float\n"
    "    Probability that the interval holds the outcome: 0.9 lies between the levels 0.05 and 0.95.\n",
    "fill": 'fill : {"reference", "common"}\n'
    "    Hours without a forecast of the model: taken from the reference, or left out.\n",
    "by": "by : str or sequence of str, optional\n    As in :func:`energyforecast.evaluation.score`.\n",
    "weights": "weights : array, shape (rows,), optional\n    Of the pairs.\n",
}
_SECTION: Final = re.compile(r"\n(?=(?:Returns|Raises|See Also|Notes|References|Examples)\n---)")


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
        self.__doc__ = _documented(inspect.cleandoc(declaration.__doc__ or ""), self.parameters, self._shared)
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
        check_declared(self.name, self.parameters, given)

    def __repr__(self) -> str:
        return f"<{self.name}{self.__signature__}>"


class RegisteredMetric(_Registered):
    """A metric of the registry, called as ``mae(observed, forecast, by=...)``.

    The declaration maps the metric's own parameters, all by keyword, to a Metric or a sequence of them; its name and
    docstring are those of the metric.
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
        check_types(locals(), of=RegisteredMetric.__call__)
        metrics = self.metrics(parameters)
        return aggregate(metrics, as_pairs(observed, forecast), by=by, weights=weights, confidence=confidence)

    def metrics(self, parameters: Parameters | None = None) -> tuple[Metric, ...]:
        """The metrics with some values of their parameters; refuse one that is unknown or lacking."""
        if not parameters and all(item.default is not item.empty for item in self.parameters.values()):
            return self._defaults
        self._check(parameters or {})
        check_types(parameters or {}, of=self._declaration)
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
    """A table of the registry, declared by a function of pairs: a histogram, a diagram, a comparison of costs."""

    def __call__(
        self, observed: Observed, forecast: Predicted | None = None, **parameters: Any
    ) -> pd.DataFrame:
        """Table of outcomes and a forecast; a reference is aligned with the same outcomes."""
        check_types(locals(), of=RegisteredTable.__call__)
        self._check(parameters)
        if not isinstance(parameters.get("reference"), Pairs | None):
            parameters["reference"] = as_pairs(observed, parameters["reference"])
        check_types(parameters, of=self._declaration)
        result: pd.DataFrame = self._declaration(as_pairs(observed, forecast), **parameters)
        return result


#: Every metric by name, in the order in which they are declared.
REGISTRY: Final[dict[str, _Registered]] = {}


def metric(*parts: str) -> Callable[[Callable[..., Metric | Sequence[Metric]]], RegisteredMetric]:
    """Decorate a declaration of a metric, or of the named parts of one: it becomes an object of the registry."""
    return lambda declaration: RegisteredMetric(declaration, parts=parts)


def table(declaration: Callable[..., pd.DataFrame]) -> RegisteredTable:
    """Decorate a function from pairs to a table: it becomes an object of the registry."""
    return RegisteredTable(declaration)


def check_declared(name: str, declared: Mapping[str, inspect.Parameter], given: Parameters) -> None:
    """Refuse parameters of a metric that are not declared, and the lack of one that is needed."""
    needed = [name for name, item in declared.items() if item.default is item.empty]
    unknown = [name for name in given if name not in declared]
    lacking = [name for name in needed if name not in given]
    if unknown or lacking:
        near = difflib.get_close_matches(unknown[0], declared, 1) if unknown else lacking[:1]
        raise SchemaError(
            f"{name} is given {unknown[0]!r}." if unknown else f"{name} is asked for without {lacking[0]!r}.",
            f"Its parameters are {list(declared)}, of which it needs {needed}.",
            f"Give {near[0]}=..." if near else "Leave it out.",
        )


def _documented(text: str, parameters: Iterable[str], shared: tuple[str, str]) -> str:
    """Docstring with the parameters that metrics share before and after its own."""
    first, last = shared
    head, *sections = _SECTION.split(text, maxsplit=1)
    summary, _, declared = head.partition("Parameters\n----------\n")
    common = "".join(_COMMON[name] for name in parameters if name in _COMMON and f"\n{name} : " not in head)
    declared = f"{declared.strip()}\n" if declared else ""
    parts = [summary.rstrip(), "", "Parameters", "----------", f"{first}{common}{declared}{last}", *sections]
    return "\n".join(parts)
