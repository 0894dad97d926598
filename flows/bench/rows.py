"""What a benchmark says: our figure beside that of a tool which somebody would use instead, in the same run."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    `ours` and `peer` are in `unit`; `ratio` says how many times better ours is; `goal` is the ratio to reach. Where the
    peer is not installed, or could not be measured, `peer`, `ratio` and `met` are None: nothing is guessed. A row that
    only informs has no goal.
    """

    what: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    goal: float | None
    met: bool | None


def compare(
    what: str, ours: float, peer: float | None, unit: str, goal: float | None = None, *, less_is_better: bool = False
) -> Row:
    """The row with its ratio: ours / peer, or peer / ours where less is better (seconds, bytes)."""
    better, worse = (peer, ours) if less_is_better else (ours, peer)
    ratio = better / worse if better is not None and worse else None
    return Row(what, ours, peer, unit, ratio, goal, None if ratio is None or goal is None else ratio >= goal)


def render(rows: Sequence[Row]) -> str:
    """The rows as a table for a terminal."""
    lines = [("", "ours", "peer", "", "ratio", "goal", "")]
    lines += [
        (row.what, _figure(row.ours), _figure(row.peer), row.unit, _figure(row.ratio), _figure(row.goal), _word(row))
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(_cells(line, widths)).rstrip() for line in lines)


def document(name: str, rows: Sequence[Row]) -> dict[str, object]:
    """The rows as a JSON document: `{"bench", "machine", "rows": [{"what", "ours", "peer", "unit", "ratio", …}]}`."""
    return {"bench": name, "machine": machine(), "rows": [asdict(row) for row in rows]}


def machine() -> str:
    """The machine in a few words; load is part of it, since figures of a busy machine say little by themselves."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [platform.system(), platform.machine(), _processor(), f"{os.cpu_count()} cores", f"{memory:.0f} GiB"]
    parts += [f"Python {platform.python_version()}", f"load {os.getloadavg()[0]:.1f}"]
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _word(row: Row) -> str:
    if row.goal is None:
        return ""
    if row.met is None:
        return "not measured"
    return "met" if row.met else "missed"


def _cells(line: tuple[str, ...], widths: Sequence[int]) -> list[str]:
    """Figures to the right, words to the left."""
    figures = {1, 2, 4, 5}
    return [
        cell.rjust(width) if column in figures else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
