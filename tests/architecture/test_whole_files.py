"""Files appear whole: writers of the package write inside a block of `whole_file`, or into memory."""

from __future__ import annotations

import ast
from pathlib import Path

import energyforecast

PACKAGE = Path(energyforecast.__file__).parent
WRITERS = {"to_csv", "to_netcdf", "to_parquet", "to_excel", "write_text", "write_bytes", "savefig", "savez"}
#: Functions that write into an empty folder that is published by their caller, or into a temporary one.
IN_A_STAGE = {
    ("evaluation/result_files.py", "write"),
    ("weather/sources/grib/decode.py", "decode"),
    ("weather/sources/grib/decode_worker.py", "_answer"),
}


def _writes(tree: ast.AST, name: str) -> list[str]:
    found = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or (name, function.name) in IN_A_STAGE:
            continue
        blocks = {
            item.optional_vars.id
            for block in ast.walk(function)
            if isinstance(block, ast.With)
            for item in block.items
            if isinstance(item.context_expr, ast.Call)
            and getattr(item.context_expr.func, "id", "") == "whole_file"
            and isinstance(item.optional_vars, ast.Name)
        }
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            if call.func.attr in WRITERS:
                names = {part.id for part in ast.walk(call) if isinstance(part, ast.Name)}
                if not names & (blocks | {"held", "buffer"}):
                    found.append(f"{name}:{call.lineno} {ast.unparse(call)[:60]}")
    return found


def test_every_file_is_written_whole() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        text = path.read_text(encoding="utf-8")
        if any(f".{writer}(" in text for writer in WRITERS):
            found += _writes(ast.parse(text), name)
    assert not found, "\n".join(found)
