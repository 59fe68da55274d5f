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


def draw(arrows):
    rows = {}
    for name in sorted(arrows):
        rows.setdefault(depth(arrows, name), []).append(name)
    top = max(rows)
    width = {name: len(name) * LETTER + 24 for name in arrows}
    total = max(sum(width[n] + GAP for n in row) for row in rows.values()) + 2 * MARGIN
    place = {}
    for level, row in sorted(rows.items()):
        # Above the middle of what it uses, as far as its neighbours let it.
        wanted = {
            n: sum(place[b][0] for b in arrows[n]) / len(arrows[n]) if arrows[n] else total / 2 for n in row
        }
        row.sort(key=lambda n: (wanted[n], n))
        used = sum(width[n] for n in row) + GAP * (len(row) - 1)
        left = (total - used) / 2
        for name in row:
            place[name] = (left + width[name] / 2, MARGIN + (top - level) * ROW)
            left += width[name] + GAP
    height = MARGIN * 2 + top * ROW + HEIGHT
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
    for name, below in sorted(reduced(arrows).items()):
        x, y = place[name][0], place[name][1] + HEIGHT
        for other in below:
            u, v = place[other]
            yield (
                f'<path d="M{x:.0f} {y:.0f} C{x:.0f} {y + 28:.0f} {u:.0f} {v - 28:.0f} {u:.0f} {v:.0f}" '
                'marker-end="url(#tip)"/>'
            )
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
