#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""chart.py JSON SVG: cost of a map against its size, and against the number of maps; called by ./run bench dma."""
import json
import math
import sys

UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
WIDTH, HEIGHT, MARGIN = 460, 340, 60
COLOURS = {("map", "ours"): "#0a6", ("map", "peer"): "#c40", ("unmap", "ours"): "#06c", ("unmap", "peer"): "#a0a"}


def amount(text):
    return int(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else int(text)


def series(rows, prefix):
    """{(metric, who): [(x, y), ...]}; the x of a row is the last word of its case."""
    lines = {}
    for row in rows:
        if not row["case"].startswith(prefix) or "@" in row["case"]:
            continue
        x = amount(row["case"].rsplit("-", 1)[1])
        for who in ("ours", "peer"):
            if row[who]:
                lines.setdefault((row["metric"], who), []).append((x, row[who]))
    return {key: sorted(points) for key, points in lines.items()}


def label(value):
    for unit, size in (("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if value >= size and value % size == 0:
            return f"{value // size}{unit}"
    return f"{value:g}"


def scale(values, length):
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    return low, high, lambda v: (math.log10(v) - low) / (high - low) * length


def panel(title, lines, left, top, x_name):
    out = [f'<text x="{left + WIDTH / 2}" y="{top - 14}" text-anchor="middle" font-weight="bold">{title}</text>']
    points = [p for line in lines.values() for p in line]
    _, _, x_at = scale([p[0] for p in points], WIDTH)
    low, high, y_at = scale([p[1] for p in points], HEIGHT)
    for power in range(low, high + 1):
        y = top + HEIGHT - y_at(10 ** power)
        out.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y}" y2="{y}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">1e{power}</text>')
    for x in sorted({p[0] for p in points}):
        out.append(f'<text x="{left + x_at(x)}" y="{top + HEIGHT + 16}" text-anchor="middle">{label(x)}</text>')
    out.append(f'<text x="{left + WIDTH / 2}" y="{top + HEIGHT + 34}" text-anchor="middle">{x_name}</text>')
    for n, ((metric, who), line) in enumerate(sorted(lines.items())):
        colour = COLOURS[metric, who]
        path = " ".join(f"{left + x_at(x):.1f},{top + HEIGHT - y_at(y):.1f}" for x, y in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{left + x_at(x):.1f}" cy="{top + HEIGHT - y_at(y):.1f}" r="3" fill="{colour}"/>'
                for x, y in line]
        out.append(f'<text x="{left + 10}" y="{top + 16 + 16 * n}" fill="{colour}">'
                   f'{metric}, {"ours" if who == "ours" else "stock"}</text>')
    return out


def main(source, target):
    rows = json.load(open(source))
    panels = [(title, series(rows, prefix), x_name) for title, prefix, x_name in (
        ("4 KiB pages: instructions of one ioctl", "sweep-4k-", "bytes mapped"),
        ("2 MiB hugetlb pages: instructions of one ioctl", "sweep-2m-", "bytes mapped"),
        ("4 KiB maps: instructions of each", "count-", "number of maps"))]
    panels = [p for p in panels if p[1]]
    if not panels:
        return
    total = len(panels) * (WIDTH + 2 * MARGIN)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{HEIGHT + 2 * MARGIN + 20}" '
           'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>']
    for n, (title, lines, x_name) in enumerate(panels):
        out += panel(title, lines, MARGIN + n * (WIDTH + 2 * MARGIN), MARGIN, x_name)
    with open(target, "w") as f:
        f.write("\n".join(out + ["</svg>", ""]))


if __name__ == "__main__":
    main(*sys.argv[1:])
