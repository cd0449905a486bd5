"""Sheets for planners: the day ahead, the week, what changed since the last issue, and what yesterday was worth."""

from energyforecast.planning.sheets.day_ahead import day_ahead_sheet
from energyforecast.planning.sheets.labels import languages
from energyforecast.planning.sheets.revision import revision_sheet
from energyforecast.planning.sheets.sheet import Column, Sheet, Table
from energyforecast.planning.sheets.verification import verification_sheet
from energyforecast.planning.sheets.weekly import weekly_outlook

__all__ = [
    "Column",
    "Sheet",
    "Table",
    "day_ahead_sheet",
    "languages",
    "revision_sheet",
    "verification_sheet",
    "weekly_outlook",
]
