"""Phrases in every language: one table, ``translations.csv``, with a row for each phrase and a column a language.

Another language is one more column, added when a speaker has read it. The rows ``format.*`` hold how a language
writes numbers and dates.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from energyforecast.errors import MissingDataError

__all__ = ["Text", "caveat", "languages", "moment", "number", "percent", "say", "shown", "table"]


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, str]]:
    """The phrases by language and key.

    Examples
    --------
    >>> table()["fr"]["column.reserve_up"]
    'Réserve à la hausse'
    """
    text = resources.files("energyforecast.reporting").joinpath("translations.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    spoken = [name for name in rows[0] if name != "key"]
    return {language: {row["key"]: row[language] for row in rows} for language in spoken}


def languages() -> tuple[str, ...]:
    """Codes (ISO 639-1) of the languages in which sheets are written.

    Examples
    --------
    >>> languages()
    ('en', 'ru', 'fr')
    """
    return tuple(table())


def say(key: str, language: str = "en") -> str:
    """A phrase as it stands in the table.

    Raises
    ------
    MissingDataError
        If there is no such language.

    Examples
    --------
    >>> say("unit.MWh", "ru")
    'МВт·ч'
    """
    if language not in table():
        raise MissingDataError(
            f"A sheet in the language {language!r} is asked for.",
            f"There are {list(languages())}.",
            "Choose one of them, or add a column to translations.csv that a speaker has read.",
        )
    return table()[language][key]


@dataclass(frozen=True)
class Text:
    """A phrase of the table with values for its ``{names}``, still in no language.

    Parameters
    ----------
    key : str
    values : mapping
        Numbers, times, strings that stand as they are, or other texts.

    Examples
    --------
    >>> Text("column.quantile", {"level": 0.1}).say("fr")
    'Quantile 0,1'
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def say(self, language: str = "en") -> str:
        """The phrase in a language."""
        filled = {name: shown(value, language) for name, value in self.values.items()}
        return say(self.key, language).format(**filled)


def shown(value: Any, language: str = "en") -> str:
    """Any value as a reader of the language writes it; what is missing is a dash.

    Examples
    --------
    >>> shown(0.25, "ru"), shown(None), shown(date(2024, 2, 29), "ru")
    ('0,25', '–', '29.02.2024')
    """
    if isinstance(value, Text):
        return value.say(language)
    if isinstance(value, tuple):
        return "; ".join(shown(item, language) for item in value)
    if isinstance(value, bool | np.bool_):
        return say("word.yes" if value else "word.no", language)
    if isinstance(value, date) and value is not pd.NaT:
        return moment(value, language)
    return value if isinstance(value, str) else number(float("nan" if value is None else value), language)


def number(value: float, language: str = "en", *, digits: int | None = None) -> str:
    r"""A number with the language's signs, with a dash for a missing one.

    Parameters
    ----------
    value : float
    language : str
    digits : int, optional
        After the decimal sign; as many as it needs, four at most, by default.

    Examples
    --------
    >>> number(-1234.5, "en"), number(-1234.5, "ru", digits=2)
    ('−1,234.5', '−1\xa0234,50')
    """
    if not np.isfinite(value):
        return "–"
    text = f"{value:,.4f}".rstrip("0").rstrip(".") if digits is None else f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")  # no "minus zero"
    signs = {
        "-": "−",
        ",": say("format.thousands", language),
        ".": say("format.decimal", language),
    }
    return "".join(signs.get(sign, sign) for sign in text)


def percent(share: float, language: str = "en", *, digits: int | None = None) -> str:
    r"""A share as a percentage.

    Examples
    --------
    >>> percent(0.05), percent(0.125, "ru")
    ('5 %', '12,5\xa0%')
    """
    return say("format.percent", language).format(value=number(100 * share, language, digits=digits))


def moment(value: date, language: str = "en") -> str:
    """A day, or a day and its time of day, as the language writes it.

    Examples
    --------
    >>> moment(datetime(2024, 2, 29, 23, 0), "fr")
    '29/02/2024 23:00'
    """
    day = value.strftime(say("format.date", language))
    return f"{day} {value:%H:%M}" if isinstance(value, datetime) else day


def caveat(line: str, language: str = "en") -> str:
    """A caveat of a forecast, translated where its kind is known, with its own words behind it.

    Examples
    --------
    >>> caveat("perfect weather (ERA5 reanalysis): not forecast skill")
    'perfect weather (ERA5 reanalysis): not forecast skill'
    >>> caveat("synthetic: a test", "ru")
    'синтетические данные: не измерены ни на одной станции (synthetic: a test)'
    """
    say("word.caveats", language)  # refuses an unknown language
    known = (key for key in table()[language] if key.startswith("caveat."))
    kind = next((key for key in known if line.startswith(key.removeprefix("caveat."))), None)
    return line if language == "en" or kind is None else f"{say(kind, language)} ({line})"
