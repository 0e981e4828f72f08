# SPDX-License-Identifier: BSD-3-Clause
# What the icount-*.bench share: the same two NICs of the guest, on one hub, pass four bursts of 64-byte
# frames round and round, once by io_forward (ours) and once by DPDK's testpmd in io mode; both count TSC
# ticks of bursts that carried packets, which in this machine are instructions.
. "$PLX_TOP/tests/vm/guest/lib.sh"
. "$PLX_TOP/benchmarks/lib.sh"

ours() { # PACKETS
	"$PLX_TOP"/build/benchmarks/net/io_forward -n "$1" "$PLX_NIC0" "$PLX_NIC1" |
		tee /dev/stderr | sed -n 's/.*"ticks_per_packet": \([0-9.]*\).*/\1/p'
}

# Counts from when it forwards (while the guest waits for the host its clock leaps, so a time from the
# start of the program means nothing), for seconds in which nothing else runs: what preempts it is
# counted as its own.
testpmd() { # SECONDS
	local pid
	rm -f commands replies
	mkfifo commands
	dpdk-testpmd --lcores '(0-1)@0' -a "$PLX_NIC0" -a "$PLX_NIC1" --iova-mode=va -- -i --forward-mode=io \
		--nb-cores=1 --rxd=512 --txd=512 --no-lsc-interrupt <commands >replies 2>&1 &
	pid=$!
	exec 3>commands
	printf '%s\n' "set record-core-cycles on" "set burst 32" "start tx_first 4" >&3
	until grep -q "io packet forwarding" replies; do
		kill -0 $pid || return
		sleep 0.2
	done
	sleep "$1"
	printf '%s\n' stop quit >&3
	exec 3>&-
	wait $pid
	grep -E 'cycles/packet' replies | tail -n 1 | tee /dev/stderr |
		sed -n 's/.*cycles\/packet=\([0-9.]*\).*/\1/p'
}

compare() { # CASE
	local mine peer
	plx-bind bind "$PLX_NIC0" "$PLX_NIC1" >/dev/null || exit 1
	cd /tmp || exit 1
	sleep 4 # what the guest still does after boot
	mine=$(ours 1000000)
	peer=$(testpmd 3)
	[ -n "$mine" ] && [ -n "$peer" ] || exit 1
	row "$1" instr "instr/packet" lower "$mine" "$peer" "DPDK testpmd io" \
		"guest instructions per packet received and sent, 64 B, bursts of 32 (benchmarks/net/icount-lib.sh)"
}
