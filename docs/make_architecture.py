"""Write the tables of rooms in ARCHITECTURE.md from docs/rooms.toml.

python docs/make_architecture.py            writes the file
python docs/make_architecture.py --check    exits 1 if the file is not what would be written
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = ROOT / "ARCHITECTURE.md"


def table(package: str, rooms: dict[str, dict]) -> str:
    """Return the Markdown table of one package's rooms, lowest first."""
    lines = [f"| room of `{package}` | what it knows | imports |", "|---|---|---|"]
    for name, room in rooms.items():
        shown = "files beside the rooms" if name == "base" else f"`{name}/`"
        imports = ", ".join(f"`{one}`" for one in room["imports"]) or "nothing of the project"
        lines.append(f"| {shown} | {room['knows']} | {imports} |")
    return "\n".join(lines)


def with_tables(text: str) -> str:
    """Return the document with every ``rooms:PACKAGE`` block written anew."""
    rooms = tomllib.loads((ROOT / "docs" / "rooms.toml").read_text())
    for package in rooms:
        block = (
            f"<!-- rooms:{package}:begin -->\n{table(package, rooms[package])}\n<!-- rooms:{package}:end -->"
        )
        pattern = rf"<!-- rooms:{package}:begin -->.*?<!-- rooms:{package}:end -->"
        text, count = re.subn(pattern, lambda _: block, text, flags=re.DOTALL)  # noqa: B023
        if count != 1:
            sys.exit(f"ARCHITECTURE.md has {count} blocks rooms:{package}; expected one")
    return text


if __name__ == "__main__":
    before = OUT.read_text()
    after = with_tables(before)
    if "--check" in sys.argv:
        sys.exit(0 if after == before else "ARCHITECTURE.md is stale; run make docs")
    OUT.write_text(after)
