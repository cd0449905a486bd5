"""Observations are indexed by time in one file only, however the code is written that would do it elsewhere."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import energyforecast

PACKAGE = Path(energyforecast.__file__).parent
#: Frames and times of observations, from which a look-up of one's own would start.
FRAMES = {"values", "index", "published", "published_time", "flags", "unfit", "available_capacity"}
#: Functions and methods that find rows by their stamps.
FINDERS = {
    "searchsorted", "get_indexer", "get_indexer_for", "get_loc", "reindex", "reindex_like", "isin", "in1d",
    "intersect1d", "asof", "asof_locs", "merge", "merge_asof", "join", "interp", "divmod", "at_time",
    "by_hour", "finite_by_hour",
}  # fmt: skip

#: The only files and functions that may, and why.
ALLOWED = {
    ("core/observation_series.py", "Observations._located"): "the look-up itself",
    (
        "point_in_time/history.py",
        "history_as_of",
    ): "a lag goes back to the newest published value: a search, no look-up of an hour",
    (
        "observations/scada.py",
        "read_shelek_scada",
    ): "brings wind and temperature to the hours of the power",
    (
        "planning/scenario_generation/empirical.py",
        "SchaakeShuffle._shifts",
    ): "counts the days since the first observation",
    ("observations/quality.py", "flag_quality"): "writes flags into frames of the same index, row by row",
    ("observations/capacity.py", "read_capacity"): "puts times of publication on the grid of their rows",
    ("weather/station_ranking.py", "rank_stations"): "brings temperature to the days of demand",
    (
        "forecasting/missing_inputs.py",
        "with_every_column",
    ): "adds columns of sites without power; hours stay as they are",
    (
        "archive/measurements.py",
        "_write_site",
    ): "compares the recorded rows with the given ones, on their index",
    ("operations/known_before.py", "_frames"): "adds hours that others have; those there stay as they are",
    ("operations/known_outcomes.py", "extended"): "adds hours that are missing; those there stay as they are",
    ("operations/measurements.py", "_cleared"): "takes values out, on the index of their own hours",
    ("operations/plan_costs.py", "_of_site"): "leaves out hours of a schedule that have no row",
    (
        "operations/readable_table.py",
        "_Part._flagged",
    ): "writes flags into frames of the same index, row by row",
    ("testing/revisions.py", "_flags"): "asks flags_at for the hours that there are",
    (
        "datasets/synthetic/synthetic_consumers.py",
        "SyntheticConsumers._places",
    ): "finds the hours of a synthetic truth",
}


def _annotated(annotation: ast.expr | None) -> bool:
    return annotation is not None and "Observations" in ast.unparse(annotation).replace('"', "")


def _vocabulary(trees: list[ast.Module]) -> tuple[set[str], set[str]]:
    """Fields and functions of the package that hold or return observations."""
    fields, functions = set(), set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.ClassDef):
            own = [item for item in node.body if isinstance(item, ast.AnnAssign)]
            fields |= {
                item.target.id
                for item in own
                if isinstance(item.target, ast.Name) and _annotated(item.annotation)
            }
        elif isinstance(node, ast.FunctionDef) and _annotated(node.returns):
            functions.add(node.name)
    return fields, functions


class _Scan:
    """One function: which names hold observations, which hold their frames or times, where rows are found."""

    def __init__(self, where: str, function: ast.FunctionDef, fields: set[str], functions: set[str]) -> None:
        self.fields, self.functions = fields, functions
        every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        self.held = {item.arg for item in every if _annotated(item.annotation)}
        self.held |= {"self"} if where.startswith("Observations.") else set()
        self.derived: set[str] = set()
        self.nodes = list(ast.walk(function))
        size = -1
        while size != len(self.held) + len(self.derived):  # until no name is new
            size = len(self.held) + len(self.derived)
            for node in self.nodes:
                self._follow(node)

    def _follow(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = node.value
        elif isinstance(node, ast.For | ast.comprehension):
            targets, value = [node.target], node.iter
        else:
            return
        names = {item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)}
        if self.observations(value):
            self.held |= names
        elif self.touches(value):
            self.derived |= names

    def observations(self, node: ast.expr) -> bool:
        """Whether an expression holds observations."""
        if isinstance(node, ast.Name):
            return node.id in self.held
        if isinstance(node, ast.Attribute):
            return node.attr in self.fields
        if isinstance(node, ast.Subscript):
            return self.observations(node.value)
        if isinstance(node, ast.Call):
            return getattr(node.func, "attr", getattr(node.func, "id", "")) in self.functions
        return False

    def touches(self, node: ast.AST) -> bool:
        """Whether an expression is made of frames or times of observations, but by no look-up of theirs."""
        if isinstance(node, ast.Name):
            return node.id in self.derived
        if isinstance(node, ast.Attribute) and node.attr in FRAMES and self.observations(node.value):
            return True
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "").endswith("_at"):
            return False
        return any(self.touches(child) for child in ast.iter_child_nodes(node))

    def finds(self) -> Iterator[int]:
        """Lines in which rows are found by their stamps."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                parts = [*node.args, *(item.value for item in node.keywords)]
                parts += [node.func.value] if isinstance(node.func, ast.Attribute) else []
                if name in FINDERS and any(self.touches(part) for part in parts):
                    yield node.lineno
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
                if self.touches(node.left):
                    yield node.lineno
            elif isinstance(node, ast.Attribute) and node.attr in {"loc", "at"} and self.touches(node.value):
                yield node.lineno


def _functions(node: ast.AST, scope: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield f"{scope}.{child.name}".strip("."), child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{scope}.{child.name}".strip("."))


def _look_ups(code: dict[str, str]) -> dict[tuple[str, str], list[int]]:
    """Files and functions that find observations by time, with the lines."""
    trees = {name: ast.parse(text) for name, text in code.items()}
    fields, functions = _vocabulary(list(trees.values()))
    found = {}
    for name, tree in trees.items():
        for where, function in _functions(tree):
            lines = sorted(set(_Scan(where, function, fields, functions).finds()))
            if lines:
                found[(name, where)] = lines
    return found


def _package() -> dict[str, str]:
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def test_no_other_file_indexes_observations_by_time() -> None:
    found = _look_ups(_package())
    assert {where: lines for where, lines in found.items() if where not in ALLOWED} == {}
    assert set(found) == set(ALLOWED), "an exception that is no longer needed is taken off the list"


OLD_WAYS = {
    "searchsorted on the stamps": """
        def rows_of(observed: Observations, valid):
            stamps = times.to_ns(observed.index)
            return np.searchsorted(stamps, valid)
        """,
    "a column by its index": """
        def outcome(result, site, valid):
            known = result.observations.values[site].where(~result.observations.unfit[site])
            return known.reindex(valid)
        """,
    "flags of the rows": """
        def flags(self, labels):
            flags = self.observations.flags
            return flags.to_numpy()[flags.index.get_indexer(labels["valid_time"])]
        """,
    "where it was published": """
        def newest(observations: "Observations | None", site, valid):
            place = np.searchsorted(times.to_ns(observations.index), valid)
            return observations.published[place]
        """,
    "rows by division": """
        def rows(power: Observations, valid):
            begin = times.to_ns(power.index)[0]
            since = valid - begin
            return since // power.frequency
        """,
    "labels of a frame": """
        def wanted(observations: Observations, hours):
            return observations.values.loc[hours]
        """,
    "one of several": """
        def wanted(several, site, hours):
            return observed_of(several, site).values.reindex(hours)
        """,
    "a merge": """
        def merged(source: Observations, frame):
            one = source["2024"]
            return frame.merge(one.values, left_on="valid_time", right_index=True)
        """,
    "a helper": """
        def outcomes(observed: Observations | pd.Series, hours, site):
            observed = observed.values[site].where(~observed.unfit[site])
            return by_hour(observed, hours, name="outcomes")
        """,
    "the rows that are there": """
        def merged(source: Observations, frame):
            return frame[frame.valid_time.isin(source.index)]
        """,
}
HOLDERS = """
class Result:
    observations: Observations

def observed_of(observations, site) -> Observations: ...
"""


@pytest.mark.parametrize("way", OLD_WAYS)
def test_a_look_up_of_ones_own_is_seen(way: str) -> None:
    assert _look_ups({"holders.py": HOLDERS, "own.py": textwrap.dedent(OLD_WAYS[way])})


def test_the_one_look_up_may_be_called_and_other_series_may_be_indexed() -> None:
    code = """
        def scored(observations: Observations, forecast, prices):
            outcome = observations.value_at("farm", forecast.valid)
            whole = observations.value_at("farm", observations.index)
            longest = observations.values.max()
            return np.searchsorted(np.sort(outcome), whole), prices.reindex(forecast.valid), longest
        """
    assert _look_ups({"own.py": textwrap.dedent(code)}) == {}
