"""The figures of a benchmark as a table, as JSON and as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import Any

from app import report
from app.benchmark import OURS, PEERS, TITLES, Report, Result

_GOOD, _SHORT = "✓", "✗"


def parts(found: Report) -> Iterator[Any]:
    """What a person reads: the table, then the machine and what is missing."""
    rows = [
        (
            result.work.title,
            _figure(result, OURS),
            *(_beside(result, peer) for peer in PEERS if peer not in found.missing),
            _limit(result),
        )
        for result in found.results
    ]
    peers = [TITLES[peer] for peer in PEERS if peer not in found.missing]
    titles = ("Work", TITLES[OURS], *peers, "At most")
    yield report.table(rows, titles, ("", "bold"), right=range(1, len(titles)))
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    lines = [f"{found.machine}; {versions}"]
    lines += [
        f"{name} is not installed, so {TITLES[name]} is left out; 'pip install {name}' adds it"
        for name in found.missing
    ]
    short = [r.work.name for r in found.results if r.missed]
    lines.append(
        f"short of a goal: {', '.join(short)}" if short else "every goal measured is reached"
    )
    yield "\n".join(lines)


def as_json(found: Report) -> dict[str, Any]:
    """The same for programs: seconds (or bytes), ratios, goals."""
    works = [
        {
            "name": result.work.name,
            "title": result.work.title,
            "unit": "bytes" if result.work.bytes else "seconds",
            "figures": dict(result.figures),
            "ratios": {n: result.ratio(n) for n in result.figures if n != OURS},
            "goals": dict(result.work.goals),
            "limit": result.work.limit,
            "missed": result.missed,
        }
        for result in found.results
    ]
    return {
        "machine": found.machine,
        "versions": found.versions,
        "threads": found.threads,
        "missing": list(found.missing),
        "works": works,
    }


def _figure(result: Result, name: str) -> str:
    return amount(result.figures[name], result.work.bytes)


def amount(value: float, is_bytes: bool) -> str:
    """Seconds or bytes with a unit a person reads."""
    if is_bytes:
        return f"{value / 1e6:.1f} MB"
    return report.seconds(value)


def _beside(result: Result, peer: str) -> str:
    if peer not in result.figures:
        return "–"
    goal = result.work.goals.get(peer)
    told = f"{_figure(result, peer)}  {result.ratio(peer):.2f}x"
    if goal is None:
        return told
    return f"{told} of {goal:g}x {_SHORT if peer in result.missed else _GOOD}"


def _limit(result: Result) -> str:
    if result.work.limit is None:
        return ""
    return f"{amount(result.work.limit, False)} {_SHORT if 'limit' in result.missed else _GOOD}"


# ---------------------------------------------------------------- the picture

_COLOURS = {OURS: "#2f7fe0", "torch": "#e0662f", "jax": "#6aa84f"}
_LEFT, _BAR, _WIDTH, _TEXT = 340, 14, 460, 150


def _times(ratio: float) -> str:
    return f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.2g}x"


def picture(found: Report) -> str:
    """An SVG of bars: each library's figure as a multiple of Gradloom's, on a logarithmic scale; a
    thin line stands where the goal is."""
    ratios = [1.0, 10.0]
    for result in found.results:
        ratios += [result.ratio(n) for n in result.figures] + list(result.work.goals.values())
    low = math.floor(math.log10(max(1e-3, min(r for r in ratios if r > 0)) * 0.99))
    high = math.ceil(math.log10(min(1e6, max(ratios))))

    def across(ratio: float) -> float:
        share = (math.log10(max(ratio, 10.0**low)) - low) / (high - low)
        return _LEFT + _WIDTH * min(1.0, share)

    body: list[str] = []
    y = 50.0
    for result in found.results:
        top = y
        for name in result.figures:
            ratio = result.ratio(name)
            width = max(1.0, across(ratio) - _LEFT)
            body.append(
                f'<rect x="{_LEFT}" y="{y:.0f}" width="{width:.1f}" height="{_BAR - 3}" '
                f'fill="{_COLOURS[name]}"/>'
            )
            shown = _figure(result, name) + ("" if name == OURS else f", {_times(ratio)}")
            goal = result.work.goals.get(name)
            end = max(across(ratio), across(goal or 0.0)) + 6
            body.append(f'<text x="{end:.1f}" y="{y + 9:.0f}">{escape(shown)}</text>')
            if goal is not None:
                at = across(goal)
                body.append(
                    f'<path d="M{at:.1f} {y - 1:.0f}v{_BAR}" stroke="#111" stroke-width="2"/>'
                )
            y += _BAR
        middle = (top + y) / 2 + 2
        body.append(
            f'<text x="{_LEFT - 10}" y="{middle:.0f}" text-anchor="end">{escape(result.work.title)}</text>'
        )
        y += 10
    for power in range(low, high + 1):
        at = across(10.0**power)
        body.insert(0, f'<path d="M{at:.1f} 42V{y:.0f}" stroke="#ddd"/>')
        body.append(
            f'<text x="{at:.1f}" y="{y + 14:.0f}" text-anchor="middle">{10.0**power:g}x</text>'
        )
    names = [n for n in TITLES if any(n in r.figures for r in found.results)]
    for i, name in enumerate(names):
        body.append(
            f'<rect x="{_LEFT + 130 * i}" y="16" width="12" height="12" fill="{_COLOURS[name]}"/>'
        )
        body.append(f'<text x="{_LEFT + 130 * i + 18}" y="26">{escape(TITLES[name])}</text>')
    body.append(f'<text x="{_LEFT + 130 * len(names)}" y="26">a black line is a goal</text>')
    height = y + 44
    body.append(f'<text x="10" y="{height - 10:.0f}" fill="#666">{escape(found.machine)}</text>')
    width = _LEFT + _WIDTH + _TEXT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" '
        'font-family="sans-serif" font-size="11">\n'
        f'<rect width="{width}" height="{height:.0f}" fill="#fff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )
