# SPDX-License-Identifier: BSD-3-Clause
"""l2fwd-ping.py ADDRESS SIZE COUNT: COUNT ICMP echo requests with SIZE random bytes, unfragmented; each must
be answered with the same bytes within 20 seconds. (ping(8) waits two round trips for the last replies,
which is too short on a machine that is emulated and busy.)"""
import os
import select
import socket
import struct
import sys
import time


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def main():
    address, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER = IP_PMTUDISC_DO
    ident, waiting = os.getpid() & 0xffff, {}
    for seq in range(count):
        payload = os.urandom(size)
        head = struct.pack("!BBHHH", 8, 0, 0, ident, seq)
        head = struct.pack("!BBHHH", 8, 0, checksum(head + payload), ident, seq)
        waiting[seq] = payload
        sock.sendto(head + payload, (address, 0))
        time.sleep(0.02)
    end = time.monotonic() + 20
    while waiting and select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
        packet = sock.recv(65536)
        packet = packet[(packet[0] & 15) * 4:]
        kind, _, _, got_ident, seq = struct.unpack("!BBHHH", packet[:8])
        if kind != 0 or got_ident != ident:
            continue
        if waiting.pop(seq, None) != packet[8:]:
            sys.exit(f"the reply to request {seq} came twice, or with other bytes")
    if waiting:
        sys.exit(f"no reply to requests {sorted(waiting)} of {count}")


main()
