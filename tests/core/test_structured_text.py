"""JSON and TOML within bounds: whatever is wrong with a text is a ValueError."""

from __future__ import annotations

import pytest

from energyforecast.core.structured_text import parse_json, parse_toml

_DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        _DEEP,
        "[" * 200 + "]" * 200,
        '{"a":' * 3000 + "1" + "}" * 3000,
        "9" * 5000,
        str(2**63),
        '"\\ud800"',
        '{"\\udfff": 1}',
        b"\xff\xfe[",
        b'"\xed\xa0\x80"',
    ],
)
def test_json_that_is_none_or_beyond_bounds(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_json_within_bounds() -> None:
    tree = {"a": [1, -(2**63), 2**63 - 1, 1.5, None, True, "\N{EAR OF MAIZE}"], "": {"é": []}}
    import json

    assert parse_json(json.dumps(tree)) == tree  # pairs of halves are whole characters
    assert parse_json(json.dumps(tree).encode()) == tree
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]
    assert parse_json("[" * 64 + "]" * 64)


def test_constants_of_json() -> None:
    assert parse_json("[1e400, -Infinity]") == [float("inf"), float("-inf")]
    with pytest.raises(ValueError, match="NaN, which is no JSON"):
        parse_json("[NaN]", constants=False)


@pytest.mark.parametrize("value", [_DEEP, "[" * 200 + "]" * 200, "{a=" * 300 + "1" + "}" * 300, "9" * 300])
def test_toml_beyond_bounds(value: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_toml(f"a = {value}")
