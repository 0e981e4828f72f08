# SPDX-License-Identifier: BSD-3-Clause
"""How fast this machine's time-stamp counter runs, for vm.py.

An emulated guest reads the host's counter. Left alone it measures the rate against an emulated timer while
other work delays that, and its clock is wrong by as much for the whole run: time limits strike early.
"""
import ctypes
import mmap
import platform
import time

RDTSC = bytes.fromhex("0f31 48c1e220 4809d0 c3")  # rdtsc; shl $32, %rdx; or %rdx, %rax; ret
MEASURE_S = 0.05


def tsc_khz():
    """kHz, or None on a processor that has no such counter."""
    if platform.machine() != "x86_64":
        return None
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(RDTSC)
    rdtsc = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))

    def mark():
        # The narrowest of a few brackets is the one that nothing interrupted.
        tries = [(time.monotonic_ns(), rdtsc(), time.monotonic_ns()) for _ in range(16)]
        before, ticks, after = min(tries, key=lambda t: t[2] - t[0])
        return (before + after) / 2, ticks

    start = mark()
    time.sleep(MEASURE_S)
    end = mark()
    return round((end[1] - start[1]) * 1e6 / (end[0] - start[0]))
