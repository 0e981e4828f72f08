#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""roms.py FOLDER: expansion ROMs for the case kpci-rom, as in the PCI Firmware Specification 3.0, 5.1: right and wrong."""
import struct
import sys

SIZE = 4096


def image(units, indicator, pointer=0x1c):
    """Header, data structure and contents of an image that says it has so many units of 512 bytes."""
    pcir = struct.pack("<4sHHHHBBBBHHBB", b"PCIR", 0x1234, 0x11e8, 0, 0x18, 3, 0, 0, 0xff, units, 0, 0, indicator)
    head = struct.pack("<H22xH", 0xaa55, pointer).ljust(0x1c, b"\0") + pcir
    size = min(units, SIZE // 512) * 512
    return head + bytes((i * 7 + units) & 0xff for i in range(len(head), max(size, len(head))))


def write(name, data):
    """Behind the images is what no user should see."""
    with open(f"{sys.argv[1]}/{name}.rom", "wb") as f:
        f.write(data[:SIZE].ljust(SIZE, b"S"))


write("two", image(1, 0) + image(2, 0x80))
write("pointer", image(2, 0x80, 0xfff0))
write("long", image(0xffff, 0))
write("empty", image(0, 0x80))
write("junk", b"junk")
