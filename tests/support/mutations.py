"""Mutations of files: of their trees, rows and bytes; the same generator gives the same ones."""

# ruff: noqa: C901, DTZ001

from __future__ import annotations

import datetime as dt
import io
import json
import math
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from random import Random
from typing import Any

__all__ = [
    "Raw",
    "bytes_of",
    "bytes_of_zip",
    "dump_json",
    "dump_toml",
    "mutated_bytes",
    "mutated_rows",
    "mutated_tree",
    "mutated_zip",
]


class Raw(str):
    """Text that stands in a JSON or TOML file as it is."""

    __slots__ = ()


#: Values that a field seldom expects.
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, -0.0, 0.5, 1e308, -1e-300, math.nan, math.inf, -math.inf),
    *(2**31, -(2**31), 2**63, -(2**63) - 1, 10**30, 10**400, 10**9),
    *("", " ", "x", "\x00", "a\x00b", "NaT", "nan", "1e400", "1", "-1", "🜨", "\ufeff", "a/../../b", "=1+1"),
    *("2024-13-45", "0000-01-01", "99999-01-01", "2300-01-01", "1600-01-01", "2024-06-01T00:00+99:00"),
    *(
        "1h",
        "-1h",
        "1000000000h",
        "0h",
        "1Y",
        "25:00",
        "24:00",
        "UTC",
        "Nowhere/Zone",
        "fixed:+99:99",
        "a" * 5_000,
    ),
    *([], {}, [[]], [None], [{}], {"": {}}, [1, 2, 3], [True], ["a", "a"], [1e308] * 3, {"a": 1}),
    *(dt.date(2024, 1, 1), dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, tzinfo=dt.UTC), dt.time(9, 30)),
)
_DEEP_JSON = (
    Raw("[" * 5_000 + "]" * 5_000),
    Raw('{"a":' * 5_000 + "1" + "}" * 5_000),
    Raw("9" * 5_000),
    Raw("1e400"),
    Raw("-1e400"),
    Raw('"\\ud800"'),
    Raw('"\\udfff x"'),
    Raw('"\\u0000"'),
    Raw("NaN"),
    Raw("Infinity"),
    Raw("-Infinity"),
)
_DEEP_TOML = (
    Raw("[" * 3_000 + "]" * 3_000),
    Raw("{a=" * 3_000 + "1" + "}" * 3_000),
    Raw("9" * 5_000),
    Raw("1e400"),
    Raw("0x" + "f" * 300),
    Raw("inf"),
    Raw("nan"),
    Raw("0001-01-01"),
    Raw("9999-12-31T23:59:59.999999Z"),
    Raw('"\\uD800"'),
)
_KEYS = ("", "x", "\x00", "\ud800", "name", "kind", "__class__", "a.b", "é", "\ufeff", "nan", "1e400")


# --- Trees ------------------------------------------------------------------------------------------


def _places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all nodes below the root; of long lists some."""
    if isinstance(tree, Mapping):
        items: Any = tree.items()
    elif isinstance(tree, list | tuple):
        items = enumerate(tree[:12])
    else:
        return
    for key, value in items:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _at(tree: Any, path: Sequence[Any]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _odd_key(random: Random, key: str) -> str:
    other = random.choice(_KEYS)
    return random.choice((key.upper(), key.capitalize(), key + " ", key + "s", key[:-1], other))


def _near(random: Random, value: Any) -> Any:
    """Value of the same kind that is a little or much off."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        factor = random.choice((-1, 0, 2, 10, 1000, 1e9, 1e-9, 0.5))
        return random.choice(
            (
                value * factor,
                value + 1,
                value - 1,
                str(value),
                int(value) if value == value and abs(value) < 1e300 else 0,
            )
        )
    if isinstance(value, str):
        begin = random.randrange(len(value) + 1)
        return random.choice(
            (value[:begin], value + value, value.upper(), " " + value, value[begin:], [value], {value: value})
        )
    if isinstance(value, list | tuple):
        some = list(value)
        random.shuffle(some)
        return random.choice(
            (
                some,
                [*value, *value],
                list(value[:-1]),
                list(value[1:]),
                [list(value)],
                dict(enumerate(value)) and {str(k): v for k, v in enumerate(value)},
            )
        )
    if isinstance(value, Mapping):
        return random.choice(
            (list(value.values()), list(value), [value], dict.fromkeys(value), str(list(value)))
        )
    return str(value)


def mutated_tree(random: Random, tree: Any, *, raws: Sequence[Any] = _DEEP_JSON) -> Any:
    """Copy of a tree of tables, lists and values with one to three changes."""
    tree = deepcopy(tree)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places or random.random() < 0.01:
            return random.choice((*raws, *ODD))
        # Places of few levels are as likely as those of many.
        depth = random.choice(sorted({len(path) for path in places}))
        path = random.choice([one for one in places if len(one) == depth])
        _change(random, tree, path, places, raws)
    return tree


def _change(
    random: Random, tree: Any, path: tuple[Any, ...], places: list[tuple[Any, ...]], raws: Sequence[Any]
) -> None:
    parent, key = _at(tree, path[:-1]), path[-1]
    kind = random.choice(
        ("odd", "odd", "odd", "near", "near", "raw", "drop", "rename", "swap", "copy", "add")
    )
    if kind == "odd":
        parent[key] = deepcopy(random.choice(ODD))
    elif kind == "near":
        parent[key] = _near(random, parent[key])
    elif kind == "raw":
        parent[key] = random.choice(raws)
    elif kind == "drop":
        del parent[key]
    elif kind == "rename" and isinstance(parent, dict):
        parent[_odd_key(random, str(key))] = parent.pop(key)
    elif kind == "add":
        if isinstance(parent, dict):
            parent[_odd_key(random, str(key))] = deepcopy(random.choice((*ODD, parent[key])))
        else:
            parent.insert(random.randrange(len(parent) + 1), deepcopy(random.choice((*ODD, parent[key]))))
    else:
        other = random.choice(places)
        parent[key] = deepcopy(_at(tree, other))


def dump_json(tree: Any) -> bytes:
    """JSON of a tree, with raw text as it is; ASCII, so that lone surrogates are escapes."""
    if isinstance(tree, Raw):
        return tree.encode("utf-8", "surrogatepass")
    if isinstance(tree, Mapping):
        items = [json.dumps(str(key)).encode() + b": " + dump_json(value) for key, value in tree.items()]
        return b"{" + b", ".join(items) + b"}"
    if isinstance(tree, list | tuple):
        return b"[" + b", ".join(map(dump_json, tree)) + b"]"
    return json.dumps(tree, default=str).encode()


def dump_toml(tree: Any) -> bytes:
    """TOML of a tree, everything inline; raw text as it is."""
    if not isinstance(tree, Mapping):
        return b"value = " + _toml(tree)
    return b"".join(_toml_key(key) + b" = " + _toml(value) + b"\n" for key, value in tree.items())


def _toml_key(key: Any) -> bytes:
    return json.dumps(str(key), ensure_ascii=False).encode("utf-8", "replace")


def _toml(value: Any) -> bytes:
    if isinstance(value, Raw):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bool):
        return str(value).lower().encode()
    if isinstance(value, Mapping):
        return b"{" + b", ".join(_toml_key(key) + b" = " + _toml(one) for key, one in value.items()) + b"}"
    if isinstance(value, list | tuple):
        return b"[" + b", ".join(map(_toml, value)) + b"]"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat().encode()
    if value is None:
        return b'""'
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "").encode("utf-8", "replace")
    return repr(value).encode()


# --- Rows and bytes ---------------------------------------------------------------------------------

_CELLS = (
    *(
        "",
        " ",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "1e400",
        "1e308",
        "-1e308",
        "9" * 400,
        "0x10",
        "1_000",
        "1,5",
        "١٢",
        "½",
    ),
    *(
        "True",
        "None",
        "null",
        "ERR",
        "#N/A",
        "-9999",
        "9999",
        "1e-320",
        "--1",
        "+",
        ".",
        "=1+1",
        "\x00",
        "\ufeff",
    ),
    *(
        "0000-01-01 00:00",
        "99999-01-01 00:00",
        "2300-06-01",
        "1677-01-01",
        "1600-01-01 00:00",
        "9999-12-31 23:59",
    ),
    *(
        "2024-02-30 00:00",
        "2024-13-01",
        "24:00",
        "2024-01-01T24:00",
        "2024-01-01 00:00+99:99",
        "2024-01-01 00:00-00:00",
    ),
    *(
        "2024-01-01 00:00Z",
        "2124-01-01 00:00",
        "2024-W01-1",
        "now",
        "today",
        "NaT",
        "1704067200",
        "2024",
        "20240101",
    ),
    *("a" * 70_000, '"', "'", '"a', "a;b", "a\tb", "a\rb", "\n", "🜨", "\u2028", "\u202e1"),
)


def mutated_rows(random: Random, data: bytes, *, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """Table in text with one to four changes of cells, rows, columns and the header."""
    rows = [line.split(delimiter) for line in data.decode(encoding).splitlines()]
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        _change_rows(random, rows)
    end = random.choice(("\n",) * 8 + ("\r\n", "\r", "\n\n", "\x0b"))
    text = end.join(delimiter.join(row) for row in rows) + random.choice((end, end, ""))
    begin = "\ufeff" if random.random() < 0.03 else ""
    return (begin + text).encode(random.choice((encoding,) * 20 + ("utf-16", "cp1251", "latin-1")), "replace")


def _change_rows(random: Random, rows: list[list[str]]) -> None:
    if not rows:
        rows.append([random.choice(_CELLS)])
        return
    place = random.randrange(len(rows)) if random.random() < 0.7 else 0
    row = rows[place]
    cell = random.randrange(len(row)) if row else 0
    kind = random.choice(
        (
            "cell",
            "cell",
            "cell",
            "cell",
            "column",
            "drop",
            "double",
            "swap",
            "cut",
            "long",
            "header",
            "empty",
            "near",
        )
    )
    if kind == "cell" and row:
        row[cell] = random.choice(_CELLS)
    elif kind == "near" and row:
        row[cell] = _near_text(random, row[cell])
    elif kind == "column":
        value = random.choice(_CELLS)
        for one in rows[random.choice((0, 1)) :]:
            if cell < len(one):
                one[cell] = value
    elif kind == "drop":
        del rows[place]
    elif kind == "double":
        rows.insert(random.randrange(len(rows) + 1), list(row))
    elif kind == "swap":
        other = random.randrange(len(rows))
        rows[place], rows[other] = rows[other], rows[place]
    elif kind == "cut":
        del rows[place:]
    elif kind == "long" and row:
        row.insert(cell, random.choice(_CELLS))
    elif kind == "header":
        rows[0] = [random.choice((name, name.upper(), "", rows[0][0], name + " ")) for name in rows[0]]
    elif kind == "empty":
        rows[place] = [] if random.random() < 0.5 else [""] * len(row)


def _near_text(random: Random, text: str) -> str:
    if not text:
        return "0"
    at = random.randrange(len(text))
    return random.choice(
        (
            text[:at] + random.choice("0123456789-+eE.:,; /") + text[at + 1 :],
            text[:at],
            text + text,
            "-" + text,
        )
    )


_CHUNKS = (
    b"\x00",
    b"\xff",
    b"\r",
    b"\n",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"[" * 5_000,
    b"{" * 5_000,
    b"9" * 5_000,
    b"\x00" * 64,
    b"\xff" * 8,
    b"1e400",
    b'"',
    b"&lol;",
)


def mutated_bytes(random: Random, data: bytes) -> bytes:
    """Bytes with one to four cuts, flips, insertions, doublings and swaps."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if not found:
            return random.choice(_CHUNKS)
        at, length = random.randrange(len(found)), random.choice((1, 2, 4, 8, 32, 256))
        if random.random() < 0.3:  # headers and ends hold the structure
            at = (
                min(at, random.choice((8, 64, 512))) % len(found)
                if random.random() < 0.6
                else max(0, len(found) - 1 - at % 64)
            )
        kind = random.choice(
            (
                "cut",
                "flip",
                "flip",
                "flip",
                "byte",
                "byte",
                "insert",
                "double",
                "swap",
                "delete",
                "zero",
                "number",
            )
        )
        part = bytes(found[at : at + length])
        if kind == "cut":
            del found[at:]
        elif kind == "flip":
            found[at] ^= 1 << random.randrange(8)
        elif kind == "byte":
            found[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        elif kind == "insert":
            found[at:at] = random.choice(_CHUNKS)
        elif kind == "double":
            found[at:at] = part * random.choice((1, 1, 20))
        elif kind == "swap":
            other = random.randrange(len(found))
            found[at : at + length], found[other : other + length] = found[other : other + length], part
        elif kind == "delete":
            del found[at : at + length]
        elif kind == "zero":
            found[at : at + length] = bytes(len(part))
        else:
            found[at : at + 4] = random.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**24, 65_536)).to_bytes(
                4, random.choice(("big", "little"))
            )
    return bytes(found)


# --- Containers -------------------------------------------------------------------------------------


def bytes_of(content: bytes) -> dict[str, bytes]:
    """Members of a zip file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def bytes_of_zip(members: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Zip file of members, which may have names that no file has."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name or "x", (1980, 1, 1, 0, 0, 0)), content, compression)
    return buffer.getvalue()


def mutated_zip(
    random: Random,
    content: bytes,
    *,
    change: Callable[[Random, str, bytes], bytes],
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """Zip file with a member changed, dropped, renamed, doubled or added."""
    members = bytes_of(content)
    name = random.choice(list(members))
    kind = random.choice(("change",) * 8 + ("drop", "rename", "add", "swap", "empty"))
    if kind == "change":
        members[name] = change(random, name, members[name])
    elif kind == "drop":
        del members[name]
    elif kind == "rename":
        members[random.choice((name.upper(), "../" + name, "x", "a" * 300))] = members.pop(name)
    elif kind == "add":
        members[random.choice(("x", name + "/x", "../x"))] = random.choice(list(members.values()))
    elif kind == "swap":
        members[name] = random.choice(list(members.values()))
    else:
        members[name] = b""
    return bytes_of_zip(members, compression=compression)
