"""Draw the pictures of the gallery, for each script of examples/gallery or for those named.

    python tools/gallery.py [fan_chart pit ...] [--out docs/gallery]

Each script writes one picture; here it is stored in few colours, so that it is small.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "examples" / "gallery"
LARGEST = 80_000  # bytes


def draw(script: Path, picture: Path) -> None:
    """Run a script and keep its picture in 128 colours, or in fewer until it is small."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder, "drawn.png")
        subprocess.run([sys.executable, str(script), str(drawn)], check=True)
        with Image.open(drawn) as image:
            for colours in (128, 64):  # fewer would change hues
                image.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(picture, optimize=True)
                if picture.stat().st_size < LARGEST:
                    return
    raise SystemExit(f"{picture} is larger than {LARGEST} bytes: draw fewer points or lines.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="which; all by default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "gallery", help="folder of the pictures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or sorted(path.stem for path in SCRIPTS.glob("*.py")):
        picture = options.out / f"{name}.png"
        draw(SCRIPTS / f"{name}.py", picture)
        print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
