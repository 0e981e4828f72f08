#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Which functions of the kernel does one map, and one unmap, spend its instructions in?

    benchmarks/dma/where.py CASE [OPTION OF ./run vm]...

CASE is one of dma_map's, such as single-4k; for example: where.py hugetlb-2m-2m --kernel full --iommu amd.
QEMU executes one instruction at a time meanwhile and logs each, so take a small case.
"""
import bisect
import collections
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNEL = 1 << 63
IN_GUEST = """. "$PLX_TOP/tests/vm/guest/lib.sh"
plx-bind bind "$PLX_NVME0" >/dev/null && cat /proc/kallsyms >"$SHARE/symbols" &&
exec "$PLX_TOP/build/benchmarks/dma/dma_map" --trace --rounds 30 "$PLX_NVME0" "$CASE" """


def symbols(path):
    """Addresses in order, and their names."""
    found = sorted((int(line.split()[0], 16), line.split()[2]) for line in open(path) if line.split()[1] in "tTwW")
    return [address for address, _ in found], [name for _, name in found]


def system_calls(path, addresses, names):
    """For each time in the kernel: the names of the functions, one for each instruction."""
    inside = []
    for line in open(path, errors="replace"):
        m = re.match(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", line)
        if not m:
            continue
        pc = int(m.group(1), 16)
        if pc >= KERNEL:
            inside.append(names[bisect.bisect_right(addresses, pc) - 1])
        elif inside:
            yield inside
            inside = []


def report(instructions):
    print(f"\n{'map' if 'type1_ioctl_map' in instructions else 'unmap'}: {len(instructions)} instructions")
    for name, count in collections.Counter(instructions).items():
        print(f"  {count:8} {name}")


def main(case, *options):
    with tempfile.TemporaryDirectory(dir=TOP + "/build") as folder:
        command = [TOP + "/run", "vm", "--modules", "pollux", "--icount", "--nvme", "null", "--memory", "1536",
                   "--hugepages", "8", "--share", folder, "--env", "SHARE=" + folder, "--env", "CASE=" + case,
                   "--qemu-arg", f"-D {folder}/trace", "--timeout", "1200", *options, "--", "bash", "-c", IN_GUEST]
        status = subprocess.run(command).returncode
        if status:
            sys.exit(status)
        calls = [c for c in system_calls(folder + "/trace", *symbols(folder + "/symbols")) if "type1_ioctl" in c]
    if len(calls) != 2:
        sys.exit(f"where.py: {len(calls)} ioctls of type1 in the log, expected a map and an unmap")
    for call in calls:
        report(call)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__.strip())
    main(*sys.argv[1:])
