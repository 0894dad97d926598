"""The pictures of an audit's report as SVG: coverage over time, and one bar a segment by the age of its last check."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from archive.audit.coverage import Age, Point

_WIDTH, _HEIGHT = 640, 200  # units of the drawing
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 12, 28  # what is left for the axes
_BARS = 320  # at most; of more segments each bar stands for several, by the oldest


def coverage_picture(points: Sequence[Point], title: str, description: str) -> str:
    """The share of the bytes that was read lately, from 0 to 100 %, as a line over time."""
    ends = [datetime.fromisoformat(points[0].at), datetime.fromisoformat(points[-1].at)] if points else []
    span = (ends[1] - ends[0]).total_seconds() if ends else 0.0
    line = []
    for point in points:
        passed = (datetime.fromisoformat(point.at) - ends[0]).total_seconds()
        line.append(f"{_x(passed / span if span else 1.0):.1f},{_y(point.share):.1f}")
    if len(line) == 1:
        line.insert(0, f"{_LEFT},{line[0].split(',')[1]}")
    drawn = [_label(_LEFT - 6, _y(share) + 4, f"{share:.0%}", "end") for share in (0.0, 0.5, 1.0)]
    drawn += [_label(x, _HEIGHT - 8, f"{end:%Y-%m-%d}", side) for x, end, side in _dates(ends)]
    if line:
        right, left = line[-1].split(",")[0], line[0].split(",")[0]
        area = " ".join([*line, f"{right},{_y(0):.1f}", f"{left},{_y(0):.1f}"])
        drawn += [
            f'<polygon class="area" points="{area}"/>',
            f'<polyline class="share" points="{" ".join(line)}"/>',
        ]
    return _svg("coverage", title, description, drawn)


def segments_picture(ages: Sequence[Age], at: datetime, days: int, title: str, description: str) -> str:
    """One bar a segment: days since it was last read. Bars beyond `days`, and of segments never read, differ."""
    days_of = [_days(age, at) for age in ages]
    group = max(1, -(-len(days_of) // _BARS))
    bars = [max(days_of[start : start + group], key=_oldest) for start in range(0, len(days_of), group)]
    top = max([days * 1.25, *(bar for bar in bars if bar is not None)])
    drawn = [_label(_LEFT - 6, _y(0) + 4, "0", "end"), _label(_LEFT - 6, _y(days / top) + 4, str(days), "end")]
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(bars))
    for place, bar in enumerate(bars):
        kind = "never" if bar is None else "fresh" if bar <= days else "stale"
        height = max(2.0, _y(0) - _y(1.0 if bar is None else bar / top))
        drawn.append(
            f'<rect class="{kind}" x="{_LEFT + place * step:.2f}" y="{_y(0) - height:.2f}" '
            f'width="{max(0.5, step * 0.85):.2f}" height="{height:.2f}"/>'
        )
    limit = f"{_y(days / top):.1f}"
    drawn.append(f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{limit}" y2="{limit}"/>')
    if ages:
        drawn.append(_label(_LEFT, _HEIGHT - 8, f"{ages[0].segment:08d}", "start"))
    if len(ages) > 1:
        drawn.append(_label(_WIDTH - _RIGHT, _HEIGHT - 8, f"{ages[-1].segment:08d}", "end"))
    return _svg("segments", title, description, drawn)


def _days(age: Age, at: datetime) -> float | None:
    """Days since a segment was read; None for never."""
    try:
        return max(0.0, (at - datetime.fromisoformat(age.checked)).total_seconds() / 86_400)
    except (TypeError, ValueError):
        return None


def _oldest(days: float | None) -> float:
    return float("inf") if days is None else days


def _dates(ends: Sequence[datetime]) -> Sequence[tuple[float, datetime, str]]:
    places = zip((_LEFT, _WIDTH - _RIGHT), ends, ("start", "end"), strict=False)
    return [(x, end, side) for x, end, side in places][-1 if len(set(ends)) == 1 else 0 :]


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(name: str, title: str, description: str, drawn: Sequence[str]) -> str:
    axis = f'<path class="axis" d="M{_LEFT},{_TOP} V{_y(0):.1f} H{_WIDTH - _RIGHT}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>{axis}{"".join(drawn)}</svg>'
    )
