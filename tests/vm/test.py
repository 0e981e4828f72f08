#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Builds Pollux and runs its tests: CUnit programs here, and cases in virtual machines.

Ends with the line "N passed, N failed" (and "N skipped", each with its reason).
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import kernels

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MARK = "@plx-case@"
BOOT_SECONDS = 40
DEBUG_KERNEL_SLOWER = 20
COVERAGE_SLOWER = 4


class Tally:
    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []
        self.unsteady = []
        self.lock = threading.Lock()

    def report(self, name, passed, failed, skips, seconds, detail, again=False):
        """again: it gets a second try, so this result is shown and not counted."""
        word = "FAIL" if failed else "ok" if passed else "skip"
        counts = f"{passed} passed" + (f", {failed} failed" if failed else "") + \
            (f", {len(skips)} skipped" if skips else "")
        lines = [f"  {word:4} {name:44} {counts:32} {seconds:6.1f} s"]
        if failed:
            lines += ["       | " + line for line in detail.rstrip().splitlines()[-80:]]
        with self.lock:
            if again:
                self.unsteady.append(name)
            else:
                self.passed += passed
                self.failed += failed
                self.skipped += [f"{name}: {s}" for s in skips]
            print("\n".join(lines), flush=True)


def parse_args(argv):
    p = argparse.ArgumentParser(prog="./run test", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter,
                                epilog="Cases are in tests/vm/cases/, see tests/vm/README.md; CUnit programs in tests/unit/.")
    p.add_argument("--native", action="store_true", help="only the tests that need no VM")
    p.add_argument("--vm", action="store_true", help="only the cases in VMs")
    p.add_argument("--sanitize", action="store_true", help="the native tests under ASan and UBSan (no VM cases)")
    p.add_argument("--filter", metavar="PATTERN", help="only tests whose name contains this regular expression")
    p.add_argument("--modules", choices=("stock", "pollux", "both"), default="stock",
                   help="VFIO modules in the VMs (default: %(default)s); with \"both\", a case that says "
                        "\"modules: either\" runs on ours alone, unless --full is given")
    p.add_argument("--full", action="store_true", help="the long cases, too")
    p.add_argument("--debug-kernel", action="store_true",
                   help="the cases that hunt for bugs in kernel/ (tier debug), with our modules on the kernel that "
                        "./run debug-kernel builds; with --full the others on it, too. Takes long")
    p.add_argument("--coverage", action="store_true",
                   help="which lines of kernel/ the cases reached; writes build/coverage/. On the debug kernel, or without "
                        "--debug-kernel on the faster one of ./run debug-kernel --iommufd (use --filter 'conf|dma|kpci|vfio')")
    p.add_argument("--jobs", "-j", type=int, default=2, metavar="N", help="machines at once (default: %(default)s)")
    p.add_argument("--eal", choices=("native", "dpdk"), default=os.environ.get("POLLUX_EAL", "native"),
                   help="what the EAL of all programs stands on (default: %(default)s)")
    p.add_argument("--list", action="store_true", help="name the tests and end")
    args = p.parse_args(argv)
    if args.debug_kernel:
        if args.native or args.sanitize:
            p.error("--debug-kernel is for the cases in VMs")
    elif args.coverage and (args.native or args.sanitize):
        p.error("--coverage is for the cases in VMs")
    if args.debug_kernel or args.coverage:
        args.vm, args.modules = True, "pollux"
    return args


# --- Native -----------------------------------------------------------------------------------------

def run_native(args, tally):
    folder = TOP + ("/build-asan" if args.sanitize else "/build")
    log = folder + "/meson-logs/testlog.json"
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
    names = [t["name"] for t in json.loads(subprocess.run(
        ["meson", "introspect", "--tests", folder], capture_output=True, text=True, check=True).stdout)]
    names = [n for n in names if not args.filter or re.search(args.filter, n)]
    if args.list:
        print("\n".join("unit/" + n for n in names))
        return
    if not names:
        return
    print("native" + (" (ASan, UBSan)" if args.sanitize else ""), flush=True)
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(["meson", "test", "-C", folder, "--no-rebuild", "-q", *names], env=env,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    results = [json.loads(line) for line in open(log)] if os.path.exists(log) else []
    for r in results:
        text = (r.get("stdout") or "") + (r.get("stderr") or "")
        counts = re.search(r"^\s*tests\s+\d+\s+(\d+)\s+(\d+)\s+(\d+)", text, re.M)
        ran, passed, failed = (int(x) for x in counts.groups()) if counts else (0, 0, 0)
        skips = []
        if r["result"] == "SKIP":
            skips = [text.strip().splitlines()[-1] if text.strip() else "no reason given"]
        elif r["result"] != "OK":
            failed = max(failed, 1)
        elif not counts:
            passed = 1
        tally.report("unit/" + r["name"].split(":")[-1].strip(), passed, failed, skips, r["duration"], text)
    missing = len(names) - len(results)
    if missing:
        tally.report("unit", 0, missing, [], 0, "meson test did not run all programs; see " + log)


# --- Cases in VMs -----------------------------------------------------------------------------------

class Case:
    """One executable of tests/vm/cases; its header says what it needs."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        head = {}
        for line in open(path, errors="replace").read(4096).splitlines():
            m = re.match(r"#\s*(vm|tier|modules|timeout|fresh-vm|needs):?\s*(.*)", line)
            if m:
                head[m.group(1)] = (head.get(m.group(1), "") + " " + m.group(2)).strip()
        self.options = head.get("vm", "")
        self.tier = head.get("tier", "quick")
        self.modules = head.get("modules", "any")
        self.timeout = int(head.get("timeout", "60"))
        self.fresh = "fresh-vm" in head
        self.needs = head.get("needs", "").split()


def find_cases(args):
    cases = [Case(p) for p in sorted(glob.glob(HERE + "/cases/*"))
             if os.access(p, os.X_OK) and os.path.isfile(p)]
    tiers = {"debug"} if args.debug_kernel else {"quick"}
    tiers |= {"quick", "full"} if args.full else set()
    cases = [c for c in cases if c.tier in tiers]
    return [c for c in cases if not args.filter or re.search(args.filter, c.name)]


class Coverage:
    """Collects what each machine's gcov counted, and reports the lines that any of them reached."""

    def __init__(self, kernel):
        if subprocess.run([HERE + "/install", "coverage"]).returncode:
            sys.exit("test: gcovr could not be installed")
        self.folder = TOP + "/build/coverage"
        self.source = kernel + "/source"
        self.modules = f"{TOP}/build/kernel-coverage/" + open(kernel + "/release").read().strip()
        self.runs = []
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def options(self):
        run = tempfile.mkdtemp(prefix="run", dir=self.folder)
        self.runs.append(run)
        return ["--modules-dir", self.modules, "--share", run, "--env", "PLX_COVERAGE=" + run]

    def report(self):
        merged = self.runs[0]
        for number, run in enumerate(self.runs[1:]):
            out = f"{self.folder}/merged{number}"
            subprocess.run(["gcov-tool", "merge", "-o", out, merged, run], check=True, stdout=subprocess.DEVNULL)
            merged = out
        for path in glob.glob(f"{merged}/**/*.gcda", recursive=True):
            shutil.copy(path, self.modules)
        print(flush=True)
        # The compiler ran in the kernel's tree, and so must gcov.
        subprocess.run(["gcovr", "--root", self.modules, "--object-directory", self.source, "--print-summary", "--txt", "-",
                        "--html-details", self.folder + "/index.html", self.modules], cwd=self.source)


def run_checkpatch(kernel, tally):
    """The kernel's own opinion on how our modules are written; its source comes with the debug kernel."""
    started = time.monotonic()
    files = [f for pattern in ("*.[ch]", "include/*.h") for f in sorted(glob.glob(f"{TOP}/kernel/{pattern}"))]
    done = subprocess.run(["perl", kernel + "/source/scripts/checkpatch.pl", "--no-tree", "--terse",
                           "--max-line-length=100", "-f", *files], capture_output=True, text=True)
    complaints = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("total:"))
    tally.report("kernel/checkpatch", int(not done.returncode), int(bool(done.returncode)), [],
                 time.monotonic() - started, complaints)


def groups_of(cases, modules, twice):
    """Cases that can share a machine, in the order of their names."""
    groups = {}
    for case in cases:
        if case.modules not in ("any", "either", modules) or (twice and case.modules == "either" and modules == "stock"):
            continue
        groups.setdefault(case.name if case.fresh else case.options, []).append(case)
    return list(groups.values())


def judge(tally, label, case, status, seconds, text, again):
    """Reports one case. again: a list that takes it if it failed, for a second try; or None."""
    passed = len(re.findall(r"^ok\b", text, re.M))
    failed = len(re.findall(r"^not ok\b", text, re.M))
    skips = re.findall(r"^skip\b[ -]*(.*)", text, re.M)
    if status != "0" and not failed:
        failed = 1
        text += f"\n(exit status {status})"
    if not passed and not failed and not skips:
        failed = 1
        text += "\n(it checked nothing)"
    retry = failed > 0 and again is not None
    tally.report(f"{label}/{case.name}", passed, failed, skips, seconds, text, retry)
    if retry:
        again.append(case)


def kernel_of(group):
    """The kernel that a group of cases asks for."""
    words = shlex.split(group[0].options)
    return words[words.index("--kernel") + 1] if "--kernel" in words else "cloud"


class Rig:
    """What all machines of a run have in common: a kernel (None: the one that a case asks for), how much slower it is."""

    def __init__(self, args):
        self.kernel = self.coverage = None
        self.slower = DEBUG_KERNEL_SLOWER if args.debug_kernel else COVERAGE_SLOWER if args.coverage else 1
        if args.list or not (args.debug_kernel or args.coverage):
            return
        self.kernel = kernels.find("debug" if args.debug_kernel else "iommufd")
        if args.coverage:
            self.coverage = Coverage(self.kernel)

    def options(self):
        # A busy host stops a machine for longer than the 20 s at which these kernels see a lockup.
        options = ["--kernel", self.kernel, "--append", "watchdog_thresh=60"] if self.kernel else []
        options += self.coverage.options() if self.coverage else []
        return options + ["--env", "POLLUX_EAL=" + os.environ["POLLUX_EAL"]]


def run_group(cases, modules, rig, tally, again):
    limit = rig.slower * (sum(c.timeout for c in cases) + BOOT_SECONDS)
    options = shlex.split(cases[0].options) + rig.options()
    # Where instructions are time, the clock leaps while the guest waits for its host: no limit inside (0), only outside.
    guest_limit = 0 if "--icount" in options else rig.slower
    argv = [TOP + "/run", "vm", "--modules", modules, "--timeout", str(limit), *options, "--",
            HERE + "/guest/run-cases", *[f"{guest_limit * c.timeout}:{c.path}" for c in cases]]
    vm = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          cwd=TOP, text=True, errors="replace")
    left = {c.name: c for c in cases}
    current, lines, started, extra = None, [], time.monotonic(), []
    for line in vm.stdout:
        if line.startswith(MARK + " begin "):
            current, lines, started = left.get(line.split()[2]), [], time.monotonic()
        elif line.startswith(MARK + " end ") and current:
            judge(tally, modules, current, line.split()[3], time.monotonic() - started, "".join(lines), again)
            left.pop(current.name, None)
            current = None
        else:
            (lines if current else extra).append(line)
    status = vm.wait()
    for case in left.values():
        text = "".join(lines if case is current else extra) + f"\n(the machine ended with status {status})"
        tally.report(f"{modules}/{case.name}", 0, 1, [], time.monotonic() - started, text)
    if not left and status != 0:
        names = " ".join(c.name for c in cases)
        tally.report(f"{modules}/machine", 0, 1, [], 0, "".join(extra) + f"\n(status {status} after: {names})")


def run_machines(args, modules, groups, rig, tally):
    # A loaded host can make a case miss its time: it gets a second try, alone. No second try for what the guest's
    # kernel says, for a machine that dies, or for races: those count at once.
    again = None if args.debug_kernel or args.coverage else []
    with concurrent.futures.ThreadPoolExecutor(max(args.jobs, 1)) as pool:
        for run in [pool.submit(run_group, group, modules, rig, tally, again) for group in groups]:
            run.result()
    if again:
        print(f"second try, alone, {modules} VFIO modules", flush=True)
    for case in again or []:
        run_group([case], modules, rig, tally, None)


def run_vm(args, tally):
    cases = find_cases(args)
    rig = Rig(args)
    if args.debug_kernel and not args.filter and not args.list:
        run_checkpatch(rig.kernel, tally)
    for modules in (["stock", "pollux"] if args.modules == "both" else [args.modules]):
        groups = groups_of(cases, modules, args.modules == "both" and not args.full)
        if args.list:
            print("\n".join(f"{modules}/{c.name}" for g in groups for c in g))
            continue
        if not groups:
            continue
        needs = sorted({n for g in groups for c in g for n in c.needs})
        if needs and subprocess.run([HERE + "/install", *needs]).returncode:
            sys.exit("test: packages that cases need could not be installed")
        print(f"virtual machines, {modules} VFIO modules", flush=True)
        if modules == "pollux":
            for kernel in sorted({rig.kernel or kernel_of(g) for g in groups}):
                subprocess.run([HERE + "/build-modules", kernel] + (["coverage"] if rig.coverage else []), check=True)
        run_machines(args, modules, groups, rig, tally)
    if rig.coverage:
        rig.coverage.report()


def build(sanitize):
    if subprocess.run([HERE + "/build"] + (["--sanitize"] if sanitize else [])).returncode:
        sys.exit("test: the build failed")


def main(argv):
    args = parse_args(argv)
    # All programs read it, those in the machines, too.
    os.environ["POLLUX_EAL"] = args.eal
    started = time.monotonic()
    native = not args.vm or args.native
    vm = (not args.native or args.vm) and not args.sanitize
    if vm and subprocess.run([HERE + "/install", "build", "vm"]).returncode:
        return 1
    build(args.sanitize)
    tally = Tally()
    if native:
        run_native(args, tally)
    if vm:
        run_vm(args, tally)
    if args.list:
        return 0
    print(f"\n{time.monotonic() - started:.0f} s")
    for reason in tally.skipped:
        print("skipped: " + reason)
    for name in tally.unsteady:
        print("needed a second try: " + name)
    if not tally.passed and not tally.failed:
        print("test: no test matches", file=sys.stderr)
        return 2
    print(f"{tally.passed} passed, {tally.failed} failed" + (f", {len(tally.skipped)} skipped" if tally.skipped else ""))
    return 1 if tally.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except kernels.KernelError as e:
        sys.exit(f"test: {e}")
