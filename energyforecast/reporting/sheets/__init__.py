"""Sheets for planners: the day ahead, the week, changes since the last issue, and verification of a past day."""

from energyforecast.reporting.sheets.day_ahead import day_ahead_sheet
from energyforecast.reporting.sheets.revision import revision_sheet
from energyforecast.reporting.sheets.sheet import Column, Sheet, Table
from energyforecast.reporting.sheets.verification import VerificationTerms, verification_sheet
from energyforecast.reporting.sheets.weekly import weekly_outlook
from energyforecast.reporting.translations import languages

__all__ = [
    "Column",
    "Sheet",
    "Table",
    "VerificationTerms",
    "day_ahead_sheet",
    "languages",
    "revision_sheet",
    "verification_sheet",
    "weekly_outlook",
]
