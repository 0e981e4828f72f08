#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The main job of Pollux in a virtual machine: two NICs and an NVMe SSD driven from userspace through VFIO.

Installs what is missing, builds, boots, forwards real traffic between two network namespaces with plx-l2fwd,
measures and verifies the SSD with plx-nvme, and sums it up.
"""
import argparse
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def main(argv):
    p = argparse.ArgumentParser(prog="./run demo", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter,
                                epilog="Exit status: 0 when all of it worked. No device of this machine is touched.")
    p.add_argument("--modules", choices=("stock", "pollux"), default="stock", help="VFIO modules (default: %(default)s)")
    args = p.parse_args(argv)
    started = time.monotonic()

    def step(text):
        print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)

    step("packages and build")
    if subprocess.run([HERE + "/install", "build", "vm"]).returncode or \
            subprocess.run([HERE + "/build"], stdout=subprocess.DEVNULL).returncode:
        return 1
    if args.modules == "pollux" and subprocess.run([HERE + "/build-modules", "cloud"]).returncode:
        return 1
    step("booting a VM with an IOMMU, NICs and an NVMe SSD")
    status = subprocess.run(
        [sys.executable, HERE + "/vm.py", "--modules", args.modules, "--timeout", "240", "--hugepages", "192",
         "--nic", "e1000e,hub=1", "--nic", "virtio,hub=2", "--nic", "virtio,hub=1", "--nic", "virtio,hub=2",
         "--nvme", "256M", "--", HERE + "/guest/demo"], cwd=TOP).returncode
    print(f"{'all of it worked' if status == 0 else 'FAILED'}, in {time.monotonic() - started:.0f} s")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
