# SPDX-License-Identifier: BSD-3-Clause
"""Guest kernels: fetches Debian's kernel packages into the cache without installing them.

A kernel in the cache is a folder with `vmlinux` (or `vmlinuz`), `release`, and `lib/modules/RELEASE`
with modules.dep. Called by vm.py; as a program, `kernels.py cloud|full|debug|iommufd` prints the folder.
"""
import fcntl
import glob
import gzip
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

CACHE = os.environ.get("POLLUX_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "pollux")
META = {"cloud": "linux-image-6.12-cloud-amd64", "full": "linux-image-6.12-amd64"}
BUILT = {"debug": [], "iommufd": ["--iommufd"]}
HERE = os.path.dirname(os.path.abspath(__file__))


class KernelError(Exception):
    pass


def _image_package(flavour):
    """The package with the kernel itself, e.g. linux-image-6.12.117+deb12-cloud-amd64."""
    out = subprocess.run(["apt-cache", "depends", META[flavour]], capture_output=True, text=True).stdout
    found = re.search(r"Depends: (linux-image-\S+)", out)
    if not found:
        subprocess.run(["apt-get", "update"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        out = subprocess.run(["apt-cache", "depends", META[flavour]], capture_output=True, text=True).stdout
        found = re.search(r"Depends: (linux-image-\S+)", out)
    return found.group(1) if found else None


def _unpack_elf(bzimage, vmlinux):
    """Write the ELF inside a bzImage, which boots by PVH without unpacking itself. True if it worked."""
    data = open(bzimage, "rb").read()
    readers = ((b"\x28\xb5\x2f\xfd", None), (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
               (b"\x1f\x8b\x08", gzip))
    for magic, reader in readers:
        start = data.find(magic)
        while start >= 0:
            elf = _decompress(data[start:], reader)
            if elf[:4] == b"\x7fELF":
                with open(vmlinux, "wb") as f:
                    f.write(elf)
                return True
            start = data.find(magic, start + 1)
    return False


def _decompress(data, reader):
    try:
        if reader is None:
            return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True).stdout
        if reader is gzip:
            import zlib
            return zlib.decompressobj(31).decompress(data)
        return reader().decompress(data)
    except Exception:  # not a stream of this kind: the magic was chance
        return b""


def _fetch(flavour, package, folder):
    print(f"vm: fetching {package}", file=sys.stderr)
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as tmp:
        os.chmod(tmp, 0o755)
        got = subprocess.run(["apt-get", "download", "-qq", package], cwd=tmp, capture_output=True, text=True)
        debs = glob.glob(tmp + "/*.deb")
        if not debs:
            raise KernelError(f"cannot fetch {package}: {got.stderr.strip()}; run apt-get update")
        subprocess.run(["dpkg", "-x", debs[0], tmp + "/x"], check=True)
        release = package[len("linux-image-"):]
        if os.path.isdir(tmp + "/x/usr/lib/modules"):
            shutil.move(tmp + "/x/usr/lib", tmp + "/x/lib")
        if not _unpack_elf(f"{tmp}/x/boot/vmlinuz-{release}", tmp + "/x/vmlinux"):
            shutil.copy(f"{tmp}/x/boot/vmlinuz-{release}", tmp + "/x/vmlinuz")
        subprocess.run(["depmod", "-b", tmp + "/x", release], check=True)
        with open(tmp + "/x/release", "w") as f:
            f.write(release)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(tmp + "/x", folder)


def find(kernel):
    """The folder of a kernel: `cloud`, `full` (fetched when not there), `debug`, `iommufd` (built), or a path."""
    if kernel in BUILT:
        done = subprocess.run([HERE + "/debug-kernel", *BUILT[kernel]], stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise KernelError(f"{kernel}: ./run debug-kernel {' '.join(BUILT[kernel])} failed")
        return done.stdout.strip().splitlines()[-1]
    if kernel not in META:
        folder = os.path.abspath(kernel)
        if not os.path.exists(folder + "/release"):
            raise KernelError(f"{kernel}: not a kernel folder (see tests/vm/README.md); "
                              "use cloud, full, debug, iommufd, or a path")
        return folder
    os.makedirs(CACHE, exist_ok=True)
    with open(CACHE + "/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        have = sorted(glob.glob(f"{CACHE}/kernel-{flavour_glob(kernel)}"), key=os.path.getmtime)
        package = _image_package(kernel) if shutil.which("apt-cache") else None
        if package:
            folder = f"{CACHE}/kernel-{package[len('linux-image-'):]}"
            if not os.path.exists(folder + "/release"):
                _fetch(kernel, package, folder)
            return folder
        if have:
            return have[-1]
    raise KernelError(f"no package {META[kernel]} to be had, and none in {CACHE}; "
                      "run apt-get update, or give --kernel PATH")


def flavour_glob(kernel):
    return "*-cloud-amd64" if kernel == "cloud" else "*[0-9]-amd64"


def release(folder):
    return open(folder + "/release").read().strip()


if __name__ == "__main__":
    try:
        print(find(sys.argv[1] if len(sys.argv) > 1 else "cloud"))
    except KernelError as e:
        sys.exit(f"kernels: {e}")
