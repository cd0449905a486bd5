"""Write the pages of docs/reference that are made from the code and from docs/references.toml.

::

    python tools/build_reference_pages.py [--out FOLDER]
"""

# ruff: noqa: E501  (paragraphs of pages; tables of keys that nobody else needs)
from __future__ import annotations

import argparse
import inspect
import json
import re
import tomllib
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from energyforecast import cli, errors, weather
from energyforecast.configuration import archive_section, operations_section, schema, table_sections
from energyforecast.core import variables
from energyforecast.core.labels import Label
from energyforecast.core.pv_array import PVArray
from energyforecast.core.settlement import ImbalanceTerms
from energyforecast.core.table_format import FORMATS, TableFormat
from energyforecast.models import QuantileModel
from energyforecast.observations import read_capacity, read_planned_operation, read_power
from energyforecast.observations.planned_operation import USED
from energyforecast.planning import ramps, reserve
from energyforecast.planning.dispatch import system
from energyforecast.weather.sources import registry
from energyforecast.weather.sources.common.base import Source
from energyforecast.weather.sources.common.publication_latency import PublicationLatency

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
MADE = "Made from the code by `python tools/build_reference_pages.py`."
SCHEMA = FOLDER.parent / "configuration.schema.json"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def code(value: object) -> str:
    """Something in the type of a machine; nothing for nothing."""
    text = str(value).replace("|", "\\|")
    return f"`{text}`" if text else ""


def plain(text: str) -> str:
    """A text of a docstring on one line of a table."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", " ".join(text.split()))
    return text.replace("``", "`").replace("|", "\\|")


def parameters(documented: Any) -> dict[str, tuple[str, str]]:
    """Type and meaning of each parameter, from a docstring in numpy's form."""
    text = inspect.getdoc(documented) or ""
    found = re.search(r"^Parameters\n-+\n(.*?)(?:\n\n\w+\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    told: dict[str, tuple[str, str]] = {}
    names, kind, meaning = [""], "", ""
    for line in (found[1] if found else "").splitlines():
        if line and not line.startswith(" "):
            head, _, kind = line.partition(" : ")
            names, meaning = head.split(", "), ""
        else:
            meaning = f"{meaning} {line.strip()}".strip()
        told |= {name.strip(): (kind, meaning) for name in names if name}
    return {name: _followed(documented, name, given) for name, given in told.items()}


def _followed(documented: Any, name: str, given: tuple[str, str]) -> tuple[str, str]:
    """Type and meaning of a parameter, from the class that its meaning refers to: "As in :class:`Task`."."""
    reference = re.fullmatch(r"As in :class:`(\w+)`\.", given[1])
    if reference is None:
        return given
    kind, meaning = parameters(getattr(inspect.getmodule(documented), reference[1]))[name]
    return given[0] or kind, meaning


# -- variables ---------------------------------------------------------------------------------


def variables_page() -> str:
    """The vocabulary and the flags."""
    rows = [
        (
            code(f"{row.name}_<height>m" if row.has_height else row.name),
            row.units,
            row.standard_name,
            row.cell_methods.removeprefix("time: "),
            f"{row.minimum:g} to {row.maximum:g}",
        )
        for row in variables.VARIABLES.values()
    ]
    told = dict(re.findall(r"^    (\w+) = \d+  #: (.+)$", inspect.getsource(variables.Flag), re.MULTILINE))
    flags = [
        (str(int(flag)), code(flag.name), told[str(flag.name)], "no" if flag & variables.UNFIT else "yes")
        for flag in variables.Flag
    ]
    return f"""# Variables and flags

{MADE}

Each variable has one name and one unit. The height is a suffix (`wind_speed_100m`), and with several weather models the name of the model is a prefix
(`ifs:wind_speed_100m`). A *point* is a value at an instant, a *mean* is a value over the interval that begins at its time. A value outside
the plausible range is an error, because it usually has another unit. A variable of your own needs the attributes `units` and
`cell_methods`. In Python: {{py:data}}`energyforecast.core.variables.VARIABLES`.

{table(("Name", "Unit", "CF standard name", "Cell", "Plausible"), rows)}
## Flags of observations

Flags are bits that are added; the meaning of a bit never changes. [Observations](../howto/observations.md#quality-flags) gives the conditions.

{table(("Bit", "Flag", "Meaning", "Used in training and scores"), flags)}"""


# -- sources -----------------------------------------------------------------------------------


def hours(length: Any) -> str:
    """A length in words."""
    minutes = int(seconds(length) // 60)
    days, rest = divmod(minutes, 24 * 60)
    parts = [(days, "days"), *zip(divmod(rest, 60), ("h", "min"), strict=True)]
    if days < 3 and rest:
        parts = list(zip(divmod(minutes, 60), ("h", "min"), strict=True))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def seconds(length: Any) -> float:
    """Seconds of a length."""
    from energyforecast.core import timestamps

    return float(timestamps.duration(length).total_seconds())


def latency(given: PublicationLatency) -> str:
    """When a value can be had, in words."""
    from energyforecast.core import timestamps

    margin = timestamps.duration(given.margin)
    text = hours(timestamps.duration(given.base) + margin)
    other = {
        cycle: hours(timestamps.duration(base) + margin)
        for cycle, base in given.by_cycle.items()
        if base != given.base
    }
    text += "".join(f"; {cycle:02d} UTC {length}" for cycle, length in other.items())
    step = seconds(given.per_lead_hour)
    return text + (f"; and {step:.0f} s for each hour of lead" if step else "")


def labels(source: Source) -> str:
    """What stamps mean, variables of one meaning together."""
    told: dict[Label, list[str]] = {}
    for name, label in source.labels.items():
        told.setdefault(label, []).append(code(name))
    return "; ".join(f"{', '.join(names)}: {label.value}" for label, names in told.items())


def source_rows() -> list[tuple[str, ...]]:
    """A row for each source."""
    made: list[tuple[str, Source]] = [(name, registry.make(name)) for name in BUILT_IN]
    made += [
        ("", weather.Era5(address="archive.zarr")),
        ("", weather.NasaPower()),
        ("", weather.PVGIS()),
        ("", weather.NSRDB(api_key="", email="")),
    ]
    return [
        (
            code(f"weather.{type(source).__name__}"),
            code(name),
            source.kind,
            hours(source.cycle) if hasattr(source, "cycle") else "",
            latency(source.latency),
            labels(source),
            source.attribution,
        )
        for name, source in made
    ]


#: Not those that somebody registered in this process.
BUILT_IN = ("open-meteo", "open-meteo-archive", "gfs", "gefs", "hrrr", "icon-eu", "ifs", "aifs")


def sources_page() -> str:
    """Sources of weather with their latencies and labels."""
    head = (
        "Class",
        "In a configuration",
        "Kind",
        "A run each",
        "Available after",
        "Stamps, as the source writes them",
        "Attribution",
    )
    models = [
        (code(model.name), f"{model.resolution:g}°", hours(model.cycle), hours(model.horizon), latency(model.latency), str(model.members or ""))
        for model in (*weather.OPEN_METEO_MODELS.values(), *weather.OPEN_METEO_ENSEMBLES.values())
    ]  # fmt: skip
    latencies = [(code(name), latency(given)) for name, given in weather.LATENCIES.items()]
    return f"""# Sources of weather

{MADE}

*Available after* is the latency that the source declares, with its margin: from the initialisation of a run, or from the hour of an analysis. A
[weather store](../howto/weather_store.md) records the true time of arrival. When a source is read, time stamps are moved to the beginning of their interval and sums become means.
How to use them: [Open-Meteo](../howto/weather_open_meteo.md), [grids](../howto/weather_grids.md),
[NASA POWER, PVGIS and NSRDB](../howto/weather_at_points.md), [a source of your own](../howto/own_weather_source.md).

{table(head, source_rows())}
## Models of Open-Meteo

For `weather.OpenMeteo(model)`; ensembles are those with members.

{table(("Model", "Grid", "A run each", "Reaches", "Available after", "Members"), models)}
## Latencies of model families

`weather.LATENCIES`, for tables and files of your own.

{table(("Name", "Available after"), latencies)}"""


# -- configuration -----------------------------------------------------------------------------


def keys(documented: Any, names: Iterable[str], defaults: Callable[[str], Any], more: Any = None) -> str:
    """A table of keys with type, default and meaning."""
    told = (parameters(more) if more else {}) | parameters(documented)
    rows = []
    for name in names:
        kind, meaning = told.get(name, ("", ""))
        value = defaults(name)
        given = "needed" if value is inspect.Parameter.empty else code("" if value is None else _toml(value))
        rows.append((code(name), plain(kind.removesuffix(", optional")), given, plain(meaning)))
    return table(("Key", "Type", "Default", "Meaning"), rows)


def _toml(value: Any) -> str:
    """A default as one would write it in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "0.01, 0.02 ... 0.99" if len(value) > 90 else str(list(value))
    return f'"{value}"' if isinstance(value, str) else str(value)


def _of_signature(function: Any, leave_out: Sequence[str] = ()) -> tuple[list[str], Callable[[str], Any]]:
    found = inspect.signature(function).parameters
    names = [name for name in found if name not in ("self", *leave_out)]
    return names, lambda name: found[name].default


def _of_site(kind: Any) -> tuple[list[str], Callable[[str], Any]]:
    found = {item.name: item for item in fields(kind) if item.name not in ("name", "sources")}

    def default(name: str) -> Any:
        needed = found[name].default is MISSING and found[name].default_factory is MISSING
        return inspect.Parameter.empty if needed else default_of(found[name])

    def default_of(item: Any) -> Any:
        return None if item.default is MISSING else item.default

    return list(found), default


#: Of the page of the configuration, before the keys of an array.
ARRAYS = """#### [[sites."NAME".arrays]]

One table for each orientation or inverter; keys that are left out are those of the plant:
"""


def configuration_page() -> str:
    """Every key of the TOML file."""
    parts = [
        f"""# Configuration

{MADE}

A configuration is a TOML file with the sections {", ".join(f"`[{name}]`" for name in schema.file_section().model_fields)}. It is read by all commands and by
{{py:func}}`energyforecast.configuration.read`. Paths are relative to the file. An unknown section or key is an error that names the most similar one. Editors
with support for JSON schemas complete and check the file with [`configuration.schema.json`](../configuration.schema.json), which the line
`#:schema PATH` at the top of the examples names. `energyforecast config
FILE` prints the contents of a file. You can start from [`examples/la_haute_borne.toml`](../../examples/la_haute_borne.toml).

## [sites."NAME"]

One section for each site, with `kind` and its keys. A `power_curve` is the path of a CSV file with the columns `wind_speed [m/s]` and
`power [kW]`. A table `sources` may give the source of each field.
""",
    ]
    base = schema.SITES["site"]
    for kind, maker in schema.SITES.items():
        names, default = _of_site(maker)
        parts += [f'### kind = "{kind}"\n', keys(maker, names, default, more=base)]
        if "arrays" in names:
            parts += [ARRAYS, keys(PVArray, *_of_site(PVArray))]
    places = schema.WEATHER_PLACES
    rest = places | schema.PERFECT_WEATHER | schema.WEATHER_REQUEST
    parts += [
        "## [weather]\n",
        f"Exactly one of {', '.join(code(name) for name in places)} is needed. The section is left out where no feature needs weather.\n",
    ]
    parts += [
        table(
            ("Key", "Meaning"),
            [(code(name), text) for name, (_, text) in rest.items()],
        )
    ]
    names, default = _of_signature(read_power, ("source", "unit", "timezone", "label", "format"))
    columns, column_default = _of_signature(TableFormat, ("init_time", "lead_time", "site"))
    parts += [
        "## [observations]\n",
        (
            "Either `dataset`, the name of a data set of the library, or `file`, the path of a CSV or parquet file, with the keys of "
            "{py:func}`energyforecast.read_power`; `published_after` is needed unless `published_time` is given:\n"
        ),
        keys(read_power, names, default),
        (
            "and the keys of {py:class}`energyforecast.TableFormat`; `unit`, `timezone` and `label` are needed. `format` "
            f"is the name of a known format: {', '.join(code(name) for name in FORMATS)}.\n"
        ),
        keys(TableFormat, columns, lambda name: None if column_default(name) == () else column_default(name)),
        "Of both:\n",
        table(
            ("Key", "Meaning"),
            [(code(name), text) for name, (_, text) in table_sections.OBSERVATION_USE.items()],
        ),
        "## [available_capacity] and [curtailment]\n",
        (
            "Optional: `file`, the path of a CSV or parquet file with the capacity in service, or with orders that limit power, with the keys of "
            "{py:func}`energyforecast.read_capacity` and of `TableFormat` as above:\n"
        ),
        keys(
            read_capacity,
            *_of_signature(read_capacity, ("source", "unit", "timezone", "label", "format", "limit")),
        ),
        "## [planned]\n",
        (
            "Optional: `file`, the path of a CSV file, a Parquet file or a workbook with planned operation of consumers, a row for each activity "
            "({py:class}`energyforecast.PlannedOperation`), with `timezone`, which is needed, and the keys of "
            "{py:func}`energyforecast.read_planned_operation`:\n"
        ),
        keys(
            read_planned_operation, *_of_signature(read_planned_operation, ("source", "timezone", "format"))
        ),
        f"and of `TableFormat`: {', '.join(code(name) for name in USED)}.\n",
        "## [archive]\n",
        "Optional: the database to which `forecast` and `plan` write, see [the archive](../howto/archive.md). Exactly one of `file` and `address`.\n",
        table(
            ("Key", "Meaning"),
            [(code(name), text) for name, (_, text) in archive_section.ARCHIVE_KEYS.items()],
        ),
        "## [operations]\n",
        "Optional: settings of the daily run, `energyforecast run`. Paths are relative to the file.\n",
        table(
            ("Key", "Meaning"),
            [(code(name), text) for name, (_, text) in operations_section.OPERATIONS_KEYS.items()],
        ),
        "## [task]\n",
    ]
    for kind, task in schema.TASKS.items():
        names, default = _of_signature(task)
        parts += [f'### kind = "{kind}"\n', keys(task, names, default)]
    parts += [
        "## [model]\n",
        (
            "Without this section, each site has the default model of its kind. `kind` is the name of a model, and the keys are its parameters, with lists "
            "for tuples. A model inside another is a table `[model.model]`. Quantiles are those of the task.\n"
        ),
    ]
    for name, model in QuantileModel.registry.items():
        if not name.startswith("_") and name not in ("ColdStart", "ProfileStart"):
            found, default = _of_signature(model.__init__, ("quantiles",))
            told = keys(model, found, default) if found else "No keys.\n"
            parts += [
                f'### kind = "{name}"\n',
                plain((inspect.getdoc(model) or "").split("\n\n")[0]) + "\n",
                told,
            ]
    return "\n".join([*parts, *_plan()])


def _plan() -> list[str]:
    """The keys of [plan] and its tables, and of the system."""
    settings = import_module("energyforecast.planning.settings")

    def rows(maker: Any, leave_out: Sequence[str] = (), more: Any = None) -> str:
        names, default = _of_signature(maker, leave_out)
        return keys(maker, names, lambda name: None if default(name) == () else default(name), more=more)

    parts = [
        "## [plan]\n",
        (
            "The settings of `energyforecast plan`. A table that is left out is not planned. Prices and risks have no default.\n"
        ),
        rows(settings.PlanSettings, ("site_areas", *TABLES_OF_PLAN)),
        "### [plan.areas]\n",
        'The sites of each area: `South = ["city", "farm"]`. Each site is in exactly one area.\n',
        "### [plan.reserve]\n",
        (
            "`outages` is a list of tables with the keys `capacity` [MW], `probability` and `units`. The others are those of "
            "{py:func}`energyforecast.planning.reserve`.\n"
        ),
        rows(settings.ReserveTerms, more=reserve),
        "### [plan.schedule]\n",
        (
            'Either these, or `preset = "kazakhstan"` with the keys of '
            "{py:func}`energyforecast.core.settlement.kazakhstan`, of which `gate_closure` is needed.\n"
        ),
        rows(ImbalanceTerms),
        "### [plan.ramps]\n",
        "As in {py:func}`energyforecast.planning.ramps`; a warning is given from `probability` on.\n",
        rows(settings.RampTerms, more=ramps),
        "### [plan.system]\n",
        "`areas`, a list of names, and prices [currency/MWh]:\n",
        table(("Key",), [(code(name),) for name in system.PRICES]),
        "Each of the following tables has a table for each part, by its name: `[plan.system.units.gas]`.\n",
    ]
    for name, (_, kind) in system.PARTS.items():
        parts += [f"#### {name}\n", rows(kind, ("name",))]
    return parts


#: Keys of [plan] that are tables of their own.
TABLES_OF_PLAN = ("areas", "reserve", "schedule", "ramps", "system")


# -- command line ------------------------------------------------------------------------------


def commands(app: Any, prefix: str) -> Iterable[tuple[str, Callable[..., Any]]]:
    """Every command with its function."""
    for info in app.registered_commands:
        yield f"{prefix} {info.name or info.callback.__name__.replace('_', '-')}", info.callback
    for group in app.registered_groups:
        yield from commands(group.typer_instance, f"{prefix} {group.name}")


def options(function: Callable[..., Any]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Arguments, and a row for each of arguments and options."""
    hints = typing.get_type_hints(function, include_extras=True)
    positional, rows = [], []
    for name, item in inspect.signature(function).parameters.items():
        about = hints[name].__metadata__[0]
        required = item.default is inspect.Parameter.empty
        if type(about).__name__ == "ArgumentInfo":
            shown = name.upper()
            positional.append(shown if required else f"[{shown}]")
        else:
            shown = next(iter(about.param_decls or ()), "--" + name.replace("_", "-"))
            if isinstance(item.default, bool) and not about.param_decls:
                shown += f" / --no-{name.replace('_', '-')}"
        value = (
            "needed"
            if required
            else code("" if item.default is None or item.default is False else item.default)
        )
        rows.append((code(shown), value, plain(about.help or "")))
    return positional, rows


def command_line_page() -> str:
    """Every command with its options."""
    parts = [
        f"""# Command line

{MADE}

`energyforecast --help` lists the commands, `energyforecast COMMAND --help` the options of one. Exit codes: 0 success, 1 an error of
three lines (found, expected, remedy), 2 a wrong option, 3 a negative result: a gate failed, measurements did not pass, a
server did not provide everything, weather is out of date, or files were written and the archive was not.
"""
    ]
    for name, function in commands(cli.app, "energyforecast"):
        positional, rows = options(function)
        parts += [f"## {name.removeprefix('energyforecast ')}\n"]
        parts += [
            f"```sh\n{' '.join([name, *positional])}{' [OPTIONS]' if len(rows) > len(positional) else ''}\n```\n"
        ]
        parts += ["\n\n".join(plain(text) for text in (inspect.getdoc(function) or "").split("\n\n")) + "\n"]
        parts += [table(("Argument or option", "Default", "Meaning"), rows)] if rows else []
    return "\n".join(parts)


# -- errors ------------------------------------------------------------------------------------


def errors_page() -> str:
    """The tree of errors, and what each says."""
    tree = (errors.__doc__ or "").split("::\n\n", 1)[1].split("\n\nEach message")[0]
    tree = "\n".join(line.removeprefix("    ") for line in tree.splitlines())
    return f"""# Errors and warnings

{MADE}

Each message has three lines: what was found, what was expected, and the remedy. In Python, these are `error.found`, `error.expected` and
`error.remedy`. On the command line, errors are printed without a traceback, and the exit code is 1. `except
ef.errors.EnergyForecastError` catches all of them. The built-in error in brackets is a further base class.

```
{tree}
```

{{py:mod}}`energyforecast.errors` documents each of them.
"""


# -- publications ------------------------------------------------------------------------------


def publications_page() -> str:
    """Every publication that is cited, by author."""
    rows = tomllib.loads((FOLDER.parent / "references.toml").read_text(encoding="utf-8"))
    lines = [
        f"- {row['authors']} ({row['year']}). {row['title']}. *{row['where']}*. [{plain(doi)}](https://doi.org/{quote(doi, safe='/:;')})"
        for doi, row in rows.items()
    ]
    return f"""# Publications

Made from `docs/references.toml` by `python tools/build_reference_pages.py`.

All publications that are cited in docstrings and pages, by the first author. A test compares the DOI of every citation with this list.

{chr(10).join(lines)}
"""


PAGES = {
    "variables": variables_page,
    "sources": sources_page,
    "configuration": configuration_page,
    "command_line": command_line_page,
    "errors": errors_page,
    "publications": publications_page,
}


def pages() -> dict[str, str]:
    """Every page by its name."""
    return {f"{name}.md": page().rstrip("\n") + "\n" for name, page in PAGES.items()}


def schema_text() -> str:
    """JSON schema of the configuration file."""
    return json.dumps(schema.json_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Follow the command line."""
    parser = argparse.ArgumentParser(
        description="Write the pages of docs/reference that are tables of the code."
    )
    parser.add_argument("--out", type=Path, default=FOLDER)
    folder = parser.parse_args().out
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    if folder == FOLDER:
        SCHEMA.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
