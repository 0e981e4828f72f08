#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the benchmarks, each beside its peer; prints a table and writes build/bench/NAME.json."""
import argparse
import glob
import json
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MARK = "@plx-row@\t"
TIMEOUT = "1500"


def names():
    return sorted({os.path.basename(os.path.dirname(p)) for p in glob.glob(TOP + "/benchmarks/*/*.bench")})


def parse_args(argv):
    p = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    p.add_argument("name", nargs="*", metavar="NAME", help="one of: %s (default: all)" % ", ".join(names()))
    p.add_argument("--only", metavar="PATTERN", help="only the *.bench files whose name matches")
    args = p.parse_args(argv)
    for name in args.name:
        if name not in names():
            p.error(f"no benchmark {name}; there are: {', '.join(names())}")
    return args


def header(path):
    head = {}
    for line in open(path, errors="replace").read(4096).splitlines():
        m = re.match(r"#\s*(vm|native|needs):?\s*(.*)", line)
        if m:
            head[m.group(1)] = (head.get(m.group(1), "") + " " + m.group(2)).strip()
    return head


def number(text):
    return float(text) if text else None


def parse_row(line):
    case, metric, unit, better, ours, peer, peer_name, method = line[len(MARK):].rstrip("\n").split("\t")
    ours, peer = number(ours), number(peer)
    ratio = None
    if peer is not None and ours and peer:
        ratio = round(peer / ours if better == "lower" else ours / peer, 3)
    return {"case": case, "metric": metric, "unit": unit, "ours": ours, "peer": peer,
            "peer_name": peer_name or None, "ratio": ratio, "method": method}


def guest_kernel(head):
    words = shlex.split(head["vm"])
    return words[words.index("--kernel") + 1] if "--kernel" in words else "cloud"


def run_file(path):
    """Run one *.bench; returns its rows and whether it succeeded."""
    head = header(path)
    if subprocess.run([HERE + "/install", "build", "vm", *head.get("needs", "").split()]).returncode:
        return [], False
    if "--modules pollux" in head.get("vm", "") and subprocess.run([HERE + "/build-modules", guest_kernel(head)]).returncode:
        return [], False
    argv = [path] if "native" in head else \
        [TOP + "/run", "vm", "--timeout", TIMEOUT, *shlex.split(head.get("vm", "")), "--", path]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, errors="replace",
                             cwd=TOP, env=dict(os.environ, PLX_TOP=TOP))
    rows = []
    for line in child.stdout:
        if line.startswith(MARK):
            rows.append(parse_row(line))
        else:
            sys.stdout.write("  " + line)
            sys.stdout.flush()
    return rows, child.wait() == 0 and bool(rows)


def show(value):
    return "-" if value is None else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def add_targets(name, rows):
    """Note in each row what benchmarks/NAME/targets asks of it: lines of "CASE METRIC RATIO"; a "*@VARIANT" goes before."""
    path = f"{TOP}/benchmarks/{name}/targets"
    if not os.path.exists(path):
        return
    targets = {(f[0], f[1]): float(f[2]) for f in map(str.split, open(path)) if f and f[0] != "#"}
    for r in rows:
        case, _, variant = r["case"].partition("@")
        r["target"] = targets.get(("*@" + variant, r["metric"]), targets.get((case, r["metric"])))


def table(rows):
    print(f"\n{'case':26} {'metric':8} {'ours':>12} {'peer':>12} {'unit':8} {'ratio':>10} {'target':>8}  peer")
    for r in rows:
        ratio = "-" if r["ratio"] is None else f"{r['ratio']:.2f} x"
        target = r.get("target")
        goal = "" if target is None else f"{target:g} x"
        below = "!" if target and r["ratio"] and r["ratio"] < target else " "
        print(f"{r['case']:26} {r['metric']:8} {show(r['ours']):>12} {show(r['peer']):>12} {r['unit']:8} "
              f"{ratio:>10} {goal:>8}{below} {r['peer_name'] or ''}")
    if any(r.get("target") for r in rows):
        print("  ! below its target")
    for method in dict.fromkeys(r["method"] for r in rows):
        print(f"  method: {method}")


def main(argv):
    args = parse_args(argv)
    if subprocess.run([HERE + "/install", "build", "bench"]).returncode or \
            subprocess.run([HERE + "/build"]).returncode:
        return 1
    os.makedirs(TOP + "/build/bench", exist_ok=True)
    failed = []
    for name in args.name or names():
        print(f"== {name}", flush=True)
        rows = []
        for path in sorted(glob.glob(f"{TOP}/benchmarks/{name}/*.bench")):
            if args.only and not re.search(args.only, os.path.basename(path)):
                continue
            got, good = run_file(path)
            rows += got
            if not good:
                failed.append(os.path.relpath(path, TOP))
        add_targets(name, rows)
        if rows:
            table(rows)
        with open(f"{TOP}/build/bench/{name}.json", "w") as f:
            json.dump(rows, f, indent=1)
        chart = f"{TOP}/benchmarks/{name}/chart.py"
        if os.path.exists(chart):
            subprocess.run([sys.executable, chart, f"{TOP}/build/bench/{name}.json", f"{TOP}/build/bench/{name}.svg"],
                           check=True)
    for path in failed:
        print(f"bench: {path} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
