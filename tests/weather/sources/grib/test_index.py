"""Indexes of GRIB files, and the boundaries of their messages."""

from __future__ import annotations

import pytest

from energyforecast.errors import ResponseError
from energyforecast.weather.sources.grib.index import parse_ecmwf_index, parse_idx, split_messages

MESSAGE = b"GRIB" + bytes([0, 0, 0, 2]) + (24).to_bytes(8, "big") + b"...." + b"7777"


def test_noaa_entries_end_where_the_next_begins() -> None:
    lines = ["1:0:d=2024060100:TMP:2 m above ground:6 hour fcst:"]
    lines.append("2:500:d=2024060100:DSWRF:surface:0-6 hour ave fcst:")
    found = parse_idx("\n".join(lines))
    assert [(one.name, one.first, one.last, one.begin, one.end, one.statistic) for one in found] == [
        ("TMP:2 m above ground", 0, 499, 6.0, 6.0, None),
        ("DSWRF:surface", 500, None, 0.0, 6.0, "mean"),
    ]


def test_ecmwf_entries_have_offset_and_length() -> None:
    line = '{"date": "20240601", "time": "0000", "step": "3", "param": "100u", "_offset": 7, "_length": 5}'
    (entry,) = parse_ecmwf_index(line)
    assert (entry.first, entry.last, entry.init_time, entry.end) == (7, 11, "2024060100", 3.0)


@pytest.mark.parametrize("parse", [parse_idx, parse_ecmwf_index])
def test_a_page_of_html_is_no_index(parse: object) -> None:
    with pytest.raises(ResponseError, match="index"):
        parse("<html>")  # type: ignore[operator]


def test_messages_are_split_whole() -> None:
    assert [len(one) for one in split_messages(MESSAGE + MESSAGE)] == [24, 24]
    with pytest.raises(ResponseError, match="ends after 23 bytes, within its message 0 of 24 bytes"):
        split_messages(MESSAGE[:-1], label="f003")
