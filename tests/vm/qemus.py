# SPDX-License-Identifier: BSD-3-Clause
"""The QEMU to run: the machine's own, or a newer one from Debian's backports, fetched into the cache without
installing it.

Which archive has the backports is taken from the machine's own apt sources: their entry for this release, with the
suite's name changed. Called by vm.py; as a program, `qemus.py backports` prints the program's path.
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import kernels

PACKAGE = "qemu-system-x86"
PROGRAM = "qemu-system-x86_64"


class QemuError(Exception):
    pass


def _codename():
    for line in open("/etc/os-release"):
        if line.startswith("VERSION_CODENAME="):
            return line.split("=", 1)[1].strip().strip('"')
    raise QemuError("/etc/os-release names no release: give --qemu the path of a program")


def _one_line(text, codename):
    """Entries of a sources.list for this release, as ones for its backports."""
    pattern = re.compile(rf"^(deb\s+(?:\[[^]]*\]\s+)?\S+\s+){re.escape(codename)}(\s+.*)$", re.M)
    return [f"{m[1]}{codename}-backports{m[2]}" for m in pattern.finditer(text)]


def _stanzas(text, codename):
    """The same of a deb822 file."""
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        suites = re.search(r"^Suites:(.*)$", stanza, re.M)
        if suites and codename in suites[1].split() and re.search(r"^Types:.*\bdeb\b", stanza, re.M):
            found.append(re.sub(r"^Suites:.*$", f"Suites: {codename}-backports", stanza, flags=re.M))
    return found


def _write_sources(folder):
    """apt sources of the machine with its backports beside them."""
    codename = _codename()
    lines, stanzas = [], []
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if not path.endswith((".list", ".sources")) or not os.path.exists(path):
            continue
        text = open(path).read()
        shutil.copy(path, folder)
        lines += _one_line(text, codename) if path.endswith(".list") else []
        stanzas += _stanzas(text, codename) if path.endswith(".sources") else []
    if not lines and not stanzas:
        raise QemuError(f"no apt source for {codename}: install a QEMU >= 8 and give --qemu its path")
    with open(folder + "/plx-backports.list", "w") as f:
        f.write("\n".join(lines) + "\n")
    with open(folder + "/plx-backports.sources", "w") as f:
        f.write("\n\n".join(stanzas) + "\n")
    return codename + "-backports"


def _apt(tmp, *words):
    options = {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": tmp + "/sources",
               "Dir::State::lists": tmp + "/lists", "Dir::Cache": tmp + "/cache", "Debug::NoLocking": "1",
               "APT::Install-Recommends": "0", "APT::Sandbox::User": "root"}
    argv = ["apt-get", "-qq", *[f"-o{k}={v}" for k, v in options.items()], *words]
    done = subprocess.run(argv, capture_output=True, text=True, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    if done.returncode:
        raise QemuError(f"apt-get {words[0]}: {done.stderr.strip()}")


def _fetch(folder):
    print(f"vm: fetching {PACKAGE} from backports", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=kernels.CACHE) as tmp:
        for name in ("sources", "lists/partial", "cache/archives/partial", "x"):
            os.makedirs(f"{tmp}/{name}")
        suite = _write_sources(tmp + "/sources")
        _apt(tmp, "update")
        # Also what it needs and the machine has not, in the versions that it needs.
        _apt(tmp, "install", "--download-only", "-y", "-t", suite, PACKAGE)
        for deb in glob.glob(tmp + "/cache/archives/*.deb"):
            subprocess.run(["dpkg", "-x", deb, tmp + "/x"], check=True)
        if not os.path.exists(f"{tmp}/x/usr/bin/{PROGRAM}"):
            raise QemuError(f"{suite} has no {PROGRAM}")
        os.chmod(tmp + "/x", 0o755)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(tmp + "/x", folder)


def find(qemu):
    """The argv to start `qemu` with: a program's name or path, or `backports`. Fetched when not there."""
    if qemu != "backports":
        return [qemu]
    folder = kernels.CACHE + "/qemu-backports"
    os.makedirs(kernels.CACHE, exist_ok=True)
    with open(kernels.CACHE + "/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(f"{folder}/usr/bin/{PROGRAM}"):
            _fetch(folder)
    libraries = f"{folder}/usr/lib/x86_64-linux-gnu"
    return ["env", f"LD_LIBRARY_PATH={libraries}", f"QEMU_MODULE_DIR={libraries}/qemu", f"{folder}/usr/bin/{PROGRAM}"]


if __name__ == "__main__":
    try:
        print(" ".join(find(sys.argv[1] if len(sys.argv) > 1 else "backports")))
    except QemuError as e:
        sys.exit(f"qemus: {e}")
