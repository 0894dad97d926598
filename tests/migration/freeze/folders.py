"""What a freeze's folder holds, for comparison."""

import json
from pathlib import Path
from typing import Any


def chunks(folder: Path) -> dict[str, bytes]:
    """Every chunk file and the manifest."""
    files = [*folder.glob("data/*/*"), folder / "manifest.jsonl"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def names(folder: Path) -> set[str]:
    """What lies in the folder itself."""
    return {path.name for path in folder.iterdir()}


def document(folder: Path, name: str) -> dict[str, Any]:
    """What a JSON file of the freeze says."""
    value: dict[str, Any] = json.loads((folder / name).read_bytes())["value"]
    return value
