"""Phrases of sheets in every language, and numbers, shares and dates as the language writes them.

The catalogue is one table, ``translations.csv``: a row for each phrase, a column for each language, named by its code
(ISO 639-1). Another language is one more column, added when a speaker has read it; Babel (extra ``report``) has its
formats of numbers and dates. English needs no Babel: ISO dates, decimal points.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from energyforecast.errors import MissingDataError, require

__all__ = ["Share", "Text", "languages", "phrase", "phrases"]


@lru_cache(maxsize=1)
def phrases() -> dict[str, dict[str, str]]:
    """The phrases by language and key.

    Examples
    --------
    >>> phrases()["fr"]["column.reserve_up"]
    'Réserve à la hausse'
    """
    text = resources.files("energyforecast.reporting").joinpath("translations.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    codes = [name for name in rows[0] if name != "key"]
    return {language: {row["key"]: row[language] for row in rows} for language in codes}


def languages() -> tuple[str, ...]:
    """Codes (ISO 639-1) of the languages of sheets.

    Examples
    --------
    >>> languages()
    ('en', 'ru', 'fr')
    """
    return tuple(phrases())


def phrase(key: str, language: str = "en") -> str:
    """A phrase of the catalogue.

    Raises
    ------
    MissingDataError
        If there is no such language.

    See Also
    --------
    Text : A phrase with values, in no language yet.

    Examples
    --------
    >>> phrase("unit.MWh", "ru")
    'МВт·ч'
    """
    if language not in phrases():
        raise MissingDataError(
            f"A sheet in the language {language!r} is asked for.",
            f"There are {list(languages())}.",
            "Choose one of them, or add a column to translations.csv that a speaker has read.",
        )
    return phrases()[language][key]


@dataclass(frozen=True)
class Text:
    """A phrase of the catalogue with values for its ``{names}``, independent of the language.

    Parameters
    ----------
    key : str
    values : mapping
        Numbers, shares, moments, texts, or strings that are not translated.

    See Also
    --------
    phrase : A phrase without values.

    Examples
    --------
    >>> Text("column.quantile", {"level": 0.1}).translate("fr")
    'Quantile 0,1'
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def translate(self, language: str = "en") -> str:
        """The phrase in a language."""
        written = {name: format_value(value, language) for name, value in self.values.items()}
        return phrase(self.key, language).format(**written)


class Share(float):
    """A share of one that is written in percent.

    Examples
    --------
    >>> Text("column.inside", {"interval": Share(0.8)}).translate()
    'Inside the 80 % interval'
    """

    __slots__ = ()


def format_value(value: Any, language: str = "en") -> str:
    """Any value in the format of the language; a missing one is a dash."""
    if isinstance(value, Text):
        return value.translate(language)
    if isinstance(value, tuple):
        return "; ".join(format_value(item, language) for item in value)
    if isinstance(value, bool | np.bool_):
        return phrase("word.yes" if value else "word.no", language)
    if isinstance(value, date) and value is not pd.NaT:
        return format_moment(value, language)
    if isinstance(value, Share):
        return format_share(value, language)
    return (
        value if isinstance(value, str) else format_number(float("nan" if value is None else value), language)
    )


def format_number(value: float, language: str = "en", *, digits: int | None = None) -> str:
    """A number in the format of the language, by default with at most four decimals; a missing one is a dash."""
    if not np.isfinite(value):
        return "–"
    rounded = round(float(value), 4 if digits is None else digits) + 0.0  # no "minus zero"
    if language == "en":
        text = f"{rounded:,.{4 if digits is None else digits}f}"
        text = text.rstrip("0").rstrip(".") if digits is None else text
    else:
        text = _babel("numbers", language).format_decimal(rounded, format=_pattern(digits), locale=language)
    return text.replace("-", "−")


def format_share(share: float, language: str = "en", *, digits: int | None = None) -> str:
    """A share as a percentage."""
    if language == "en" or not np.isfinite(share):
        return f"{format_number(100 * share, language, digits=digits)} %"
    numbers = _babel("numbers", language)
    # The language's place of the sign and the space before it, with our decimals.
    pattern = numbers.Locale.parse(language).percent_formats[None].pattern
    pattern = pattern.replace("#,##0", _pattern(digits))
    rounded = round(float(share), 6) + 0.0
    return str(numbers.format_percent(rounded, format=pattern, locale=language)).replace("-", "−")


def format_moment(value: date, language: str = "en") -> str:
    """A day, or a day and its time of day, in the format of the language."""
    day = f"{value:%Y-%m-%d}"
    if language != "en":
        day = _babel("dates", language).format_skeleton("yMd", value, locale=language)
    return f"{day} {value:%H:%M}" if isinstance(value, datetime) else day


def _pattern(digits: int | None) -> str:
    """Groups of thousands and decimals, as CLDR writes them."""
    return "#,##0" + ("." + ("####" if digits is None else "0" * digits)).rstrip(".")


def _babel(module: str, language: str) -> ModuleType:
    """A module of Babel, for a language of the catalogue."""
    phrase("word.yes", language)  # refuses a language without phrases
    return require(
        f"babel.{module}", extra="report", purpose="Babel writes the numbers and dates of languages."
    )


def translate_caveat(line: str, language: str = "en") -> str:
    """A caveat of a forecast, translated if its kind is in the catalogue, followed by its original."""
    phrase("word.caveats", language)  # refuses an unknown language
    known = (key for key in phrases()[language] if key.startswith("caveat."))
    kind = next((key for key in known if line.startswith(key.removeprefix("caveat."))), None)
    return line if language == "en" or kind is None else f"{phrase(kind, language)} ({line})"
