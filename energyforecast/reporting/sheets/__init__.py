"""Sheets for planners: the day ahead, the week, what changed since the last issue, and what yesterday was worth."""

from energyforecast.reporting.sheets.day_ahead import day_ahead_sheet
from energyforecast.reporting.sheets.revision import revision_sheet
from energyforecast.reporting.sheets.sheet import Column, Sheet, Table
from energyforecast.reporting.sheets.verification import verification_sheet
from energyforecast.reporting.sheets.weekly import weekly_outlook
from energyforecast.reporting.translations import languages

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
