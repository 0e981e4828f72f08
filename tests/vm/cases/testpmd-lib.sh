# SPDX-License-Identifier: BSD-3-Clause
# Debian's dpdk-testpmd, unmodified, forwards between two Linux hosts: is VFIO as DPDK expects it to be?
# (With our modules the question is whether ours are; with the stock ones, whether the rig is.)
. "$PLX_TOP/tests/vm/cases/l2fwd-lib.sh"

testpmd_start() { # ARGUMENT...
	rm -f commands
	mkfifo commands
	dpdk-testpmd --lcores '(0-1)@0' -a "$PLX_NIC0" -a "$PLX_NIC1" --iova-mode=va -- -i --forward-mode=io \
		--nb-cores=1 --rxd=512 --txd=512 "$@" <commands >replies 2>&1 &
	testpmd=$!
	exec 3>commands
	printf '%s\n' "set promisc all on" start >&3
	wait_for 60 grep -q "io packet forwarding" replies || {
		fail "dpdk-testpmd starts" "$(cat replies)"
		finish
	}
	pass "dpdk-testpmd starts"
	# Its command line answers only when the links have been looked at.
	wait_for 30 $as_left ping -c 1 -W 1 $right || fail "the first ping"
}

testpmd_end() {
	printf '%s\n' stop quit >&3
	exec 3>&-
	wait $testpmd
	is "dpdk-testpmd ends" $? 0
	# (Its virtio driver switches interrupts off that it never switched on, which VFIO refuses.)
	is "it reports no error" "$(grep -v "Error disabling MSI-X" replies |
		grep -iE "vfio.*(error|fail|cannot)|EAL: (Error|Cannot)")" ""
}

testpmd_forwards() {
	cd /tmp || exit 1
	hosts_up
	testpmd_start "$@"
	traffic
	testpmd_end
	testpmd_start "$@"
	pings 0 1472
	kill -9 $testpmd
	wait $testpmd 2>/dev/null
	exec 3>&-
	testpmd_start "$@"
	pings 0 1472
	testpmd_end
}

# dpdk_sleeps EAL-OPTION...: the same, by a program that sleeps until an rx interrupt wakes it; testpmd only polls.
dpdk_sleeps() {
	cd /tmp || exit 1
	hosts_up
	"$programs/dpdk-rx-interrupt" -l 0 -a "$PLX_NIC0" -a "$PLX_NIC1" --iova-mode=va "$@" >forwards 2>&1 &
	dpdk=$!
	wait_for 60 grep -q forwarding forwards || {
		fail "it starts" "$(cat forwards)"
		finish
	}
	wait_for 30 $as_left ping -c 1 -W 1 $right
	check "pings" $as_left ping -c 20 -i 0.3 -W 5 $right
	kill $dpdk
	wait $dpdk
	is "it ends" $? 0
	like "the first port's interrupt woke it" "$(cat forwards)" "^port 0: [0-9]{2,} wake-ups, [0-9]{2,} packets"
	like "the second's, too" "$(cat forwards)" "^port 1: [0-9]{2,} wake-ups, [0-9]{2,} packets"
}
