# SPDX-License-Identifier: BSD-3-Clause
"""l2fwd-ping.py ADDRESS SIZE COUNT: COUNT ICMP echo requests with SIZE random bytes, unfragmented; each must
be answered with the same bytes within 20 seconds. (ping(8) waits two round trips for the last replies,
which is too short on a machine that is emulated and busy.) SIZE may be FIRST-LAST: COUNT of each size, which is sent
again, twice at most, if it gets no reply: the question is then which sizes pass, and such a machine may lose one."""
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


class Pinger:
    def __init__(self, address):
        self.address, self.ident, self.waiting, self.seq, self.first = address, os.getpid() & 0xffff, {}, 0, 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.sock.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER = IP_PMTUDISC_DO

    def send(self, size):
        payload = os.urandom(size)
        head = struct.pack("!BBHHH", 8, 0, 0, self.ident, self.seq)
        head = struct.pack("!BBHHH", 8, 0, checksum(head + payload), self.ident, self.seq)
        self.waiting[self.seq] = payload
        self.sock.sendto(head + payload, (self.address, 0))
        self.seq += 1

    def receive(self, seconds):
        """Take replies for so long, or until all are there."""
        end = time.monotonic() + seconds
        while self.waiting and select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            packet = self.sock.recv(65536)
            packet = packet[(packet[0] & 15) * 4:]
            kind, _, _, got_ident, seq = struct.unpack("!BBHHH", packet[:8])
            # One to a request that was given up is late.
            if kind == 0 and got_ident == self.ident and seq >= self.first and self.waiting.pop(seq, None) != packet[8:]:
                sys.exit(f"the reply to request {seq} came twice, or with other bytes")

    def give_up(self):
        self.waiting.clear()
        self.first = self.seq


def main():
    first, _, last = sys.argv[2].partition("-")
    pinger, sizes = Pinger(sys.argv[1]), list(range(int(first), int(last or first) + 1))
    for attempt in range(3 if last else 1):
        for size in sizes:
            for _ in range(int(sys.argv[3])):
                pinger.send(size)
                pinger.receive(0.02)
        pinger.receive(20)
        sizes = [len(payload) for payload in pinger.waiting.values()]
        if not sizes:
            return
        pinger.give_up()
    sys.exit(f"no reply to requests of these sizes: {sizes}")


main()
