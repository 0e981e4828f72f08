# SPDX-License-Identifier: BSD-3-Clause
# What the l2fwd cases share: two hosts in network namespaces, plx-l2fwd between them, and the traffic
# that must pass. The machine has our ports as NIC 0 and 1, and a kernel-owned virtio NIC on the hub of
# each as NIC 2 and 3.
. "$PLX_TOP/tests/vm/guest/lib.sh"

left=10.0.0.1 right=10.0.0.2
as_left="ip netns exec left"
as_right="ip netns exec right"

# A socket with time stamps, open as long as the machine runs. Without one each ping switches the kernel's
# time stamps on and off, which patches the code of the receive path; emulated CPUs have been seen to
# execute half of such a patch.
keep_time_stamps() {
	[ -e /run/time-stamps ] && return
	touch /run/time-stamps
	setsid python3 -c "
import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 29, 1)  # SO_TIMESTAMP
signal.pause()" >/dev/null 2>&1 &
}

# Host `left` behind NIC 2, `right` behind NIC 3; ports bound. Cases of one machine run one after the other.
hosts_up() {
	keep_time_stamps
	bind "$PLX_NIC0" "$PLX_NIC1"
	if ! ip netns list | grep -q left; then
		netns_peer left "$PLX_NIC2" $left/24
		netns_peer right "$PLX_NIC3" $right/24
	fi
	dmesg -C
}

# No DMA went where it must not, and the devices are still there for the next case.
hosts_done() {
	is "no DMA was blocked by the IOMMU" "$(dmesg | grep -c 'DMAR.*fault')" 0
	finish
}

# l2fwd_start ARGUMENT...: transparent between NIC 0 and 1, up when its links are.
l2fwd_start() {
	plx-l2fwd "$PLX_NIC0" "$PLX_NIC1" --json --period 0 "$@" >l2fwd.out 2>l2fwd.err &
	l2fwd=$!
	wait_for 60 grep -q "forwards to port 0" l2fwd.err || {
		fail "plx-l2fwd $* starts" "$(cat l2fwd.err)"
		return 1
	}
}

# l2fwd_end SIGNAL: it ends with status 0 within two seconds and prints its totals, which add up.
l2fwd_end() {
	local start=$SECONDS
	kill -s "$1" $l2fwd
	wait $l2fwd
	is "exit status after SIG$1" $? 0
	[ $((SECONDS - start)) -le 2 ] || fail "SIG$1 took $((SECONDS - start)) s"
	totals_add_up
}

# What one port received the other has sent, or a counter says why not; the device told no lies.
totals_add_up() {
	check "totals" python3 - l2fwd.out "${tx_errors_max:-0}" <<-'EOP'
		import json, sys
		a, b = (json.loads(open(sys.argv[1]).readlines()[-1])["ports"][i] for i in (0, 1))
		for rx, tx in ((a, b), (b, a)):
		    print(rx)
		    assert rx["rx_packets"] == tx["tx_packets"] + tx["dropped"], "packets are missing"
		    assert rx["rx_packets"] == sum(rx["rx_queue_packets"])
		    assert rx["lies"] == 0 and rx["rx_errors"] == 0 and rx["tx_errors"] <= int(sys.argv[2])
	EOP
}

# total PORT FIELD
total() {
	python3 -c "import json; print(json.loads(open('l2fwd.out').readlines()[-1])['ports'][$1]['$2'])"
}

pings() { # SIZE...: five each
	local size
	for size; do
		check "ping with $size bytes" \
			$as_left python3 "$PLX_TOP/tests/vm/cases/l2fwd-ping.py" $right "$size" 5
	done
}

throughput() { # iperf3 arguments
	TMPDIR=/tmp $as_right iperf3 -s -1 -D --logfile /dev/null
	wait_for 20 $as_right sh -c "ss -ltn | grep -q 5201" || fail "iperf3 server"
	check "TCP by iperf3 $*" env TMPDIR=/tmp $as_left iperf3 -c $right -t 2 -f m "$@"
	grep -E "receiver" <<<"$out" | tail -n 1 | sed 's/^/    /'
}

# A file of random bytes arrives as it was sent.
transfer() { # MIB
	local sent got
	head -c "${1}M" /dev/urandom >/tmp/sent
	sent=$(sha256sum </tmp/sent)
	$as_right python3 -c "
import socket, hashlib
s = socket.create_server(('$right', 7777))
c, digest = s.accept()[0], hashlib.sha256()
while chunk := c.recv(65536):
    digest.update(chunk)
print(digest.hexdigest() + '  -')" >/tmp/got &
	wait_for 30 $as_right sh -c "ss -ltn | grep -q 7777"
	timeout 120 $as_left python3 -c "
import socket
c = socket.create_connection(('$right', 7777))
c.sendfile(open('/tmp/sent', 'rb'))"
	wait $!
	got=$(cat /tmp/got)
	is "a file of $1 MiB arrives whole" "$got" "$sent"
}

traffic() {
	pings 0 1 56 512 1472
	throughput
	throughput -R
	transfer 8
}

# Frames of 9000 bytes, on one core.
jumbo() {
	$as_left ip link set eth0 mtu 9000
	$as_right ip link set eth0 mtu 9000
	l2fwd_start --promisc --no-mac-updating --mtu 9000 || return
	pings 1472 2018 4000 8972
	throughput
	l2fwd_end INT
	$as_left ip link set eth0 mtu 1500
	$as_right ip link set eth0 mtu 1500
}
