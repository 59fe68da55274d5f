#!/usr/bin/env python3
"""Draws the package's own targets and their arrows, as Package.swift has them, to an SVG.

    swift package dump-package | docs/targets.py > docs/targets.svg
"""
import html
import json
import sys

ROW, GAP, HEIGHT, MARGIN, LETTER = 84, 22, 34, 20, 8.2


def targets(package):
    """Own targets that are part of a program or library, with the own targets that each names."""
    kept = {
        t["name"]: t
        for t in package["targets"]
        if t["type"] in ("regular", "executable") and not (t.get("path") or "").startswith("Tests/")
    }
    arrows = {}
    for name, target in kept.items():
        named = [d["byName"][0] for d in target["dependencies"] if "byName" in d]
        arrows[name] = sorted(n for n in named if n in kept)
    return arrows


def reach(arrows, name):
    found = set()
    for below in arrows[name]:
        found |= {below} | reach(arrows, below)
    return found


def reduced(arrows):
    """Without the arrows that others say already."""
    return {
        name: [b for b in named if not any(b in reach(arrows, other) for other in named if other != b)]
        for name, named in arrows.items()
    }


def depth(arrows, name):
    return 1 + max((depth(arrows, below) for below in arrows[name]), default=-1)


def layers(arrows):
    """Rows of places from the lowest up, and the steps of each arrow.

    An arrow that passes a row has a place of its own there, so that it passes between the boxes.
    """
    levels = {name: depth(arrows, name) for name in arrows}
    rows = [[] for _ in range(max(levels.values()) + 1)]
    for name in sorted(arrows):
        rows[levels[name]].append(name)
    paths = []
    for name, named in sorted(reduced(arrows).items()):
        for below in named:
            passed = [f"{name}>{below}@{level}" for level in range(levels[name] - 1, levels[below], -1)]
            for step in passed:
                rows[int(step.split("@")[1])].append(step)
            paths.append([name, *passed, below])
    return rows, paths


def ordered(rows, paths):
    """Each place near the middle of its neighbours in the next row: a few sweeps up and down."""
    near = {}
    for path in paths:
        for above, below in zip(path, path[1:]):
            near.setdefault(above, []).append(below)
            near.setdefault(below, []).append(above)
    for sweep in range(24):
        order = range(1, len(rows)) if sweep % 2 == 0 else range(len(rows) - 2, -1, -1)
        for level in order:
            other = rows[level - 1] if sweep % 2 == 0 else rows[level + 1]
            spot = {name: (k + 0.5) / len(other) for k, name in enumerate(other)}

            def middle(name):
                seen = [spot[n] for n in near.get(name, []) if n in spot]
                return (sum(seen) / len(seen) if seen else 0.5, name)

            rows[level].sort(key=middle)
    return rows


def draw(arrows):
    rows, paths = layers(arrows)
    rows = ordered(rows, paths)
    width = {n: len(n) * LETTER + 24 if n in arrows else 6 for row in rows for n in row}
    total = max(sum(width[n] + GAP for n in row) for row in rows) + 2 * MARGIN
    place = {}
    for level, row in enumerate(rows):
        space = (total - 2 * MARGIN - sum(width[n] for n in row)) / len(row)
        left = MARGIN + space / 2
        for name in row:
            place[name] = (left + width[name] / 2, MARGIN + (len(rows) - 1 - level) * ROW)
            left += width[name] + space
    height = MARGIN * 2 + (len(rows) - 1) * ROW + HEIGHT
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total:.0f} {height:.0f}" '
        f'width="{total:.0f}" height="{height:.0f}" role="img" aria-labelledby="title" '
        'font-family="ui-monospace, monospace" font-size="13">'
    )
    yield '<title id="title">The targets of the package; an arrow points to what a target uses</title>'
    yield (
        '<style>rect { fill: #f4f6f8; stroke: #57606a } text { fill: #1f2328 } path { stroke: #57606a; fill: none } '
        "marker path { fill: #57606a } @media (prefers-color-scheme: dark) { rect { fill: #21262d; stroke: #8b949e } "
        "text { fill: #e6edf3 } path { stroke: #8b949e } marker path { fill: #8b949e } }</style>"
    )
    yield (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    for path in paths:
        x, y = place[path[0]]
        line = f"M{x:.0f} {y + HEIGHT:.0f}"
        x, y = x, y + HEIGHT
        for step in path[1:]:
            u, v = place[step]
            line += f" C{x:.0f} {y + 25:.0f} {u:.0f} {v - 25:.0f} {u:.0f} {v:.0f}"
            if step not in arrows:
                line += f" V{v + HEIGHT:.0f}"
            x, y = u, v + HEIGHT
        yield f'<path d="{line}" marker-end="url(#tip)"/>'
    for name in sorted(arrows):
        x, y = place[name]
        yield (
            f'<rect x="{x - width[name] / 2:.0f}" y="{y:.0f}" width="{width[name]:.0f}" height="{HEIGHT}" rx="5"/>'
            f'<text x="{x:.0f}" y="{y + 22:.0f}" text-anchor="middle">{html.escape(name)}</text>'
        )
    yield "</svg>"


def main():
    arrows = targets(json.load(sys.stdin))
    sys.stdout.write("\n".join(draw(arrows)) + "\n")


if __name__ == "__main__":
    main()
