# SPDX-License-Identifier: BSD-3-Clause
# What the traffic-* cases do, one for each driver: two Linux hosts with plx-testpmd between them, and all that may
# happen to ports that carry real traffic. The machine is that of l2fwd-lib.sh; port 0 is behind a root port.
#
# Nothing is promiscuous: each host has the address of the port that is before the other one.
. "$PLX_TOP/tests/vm/cases/l2fwd-lib.sh"
port0=$PLX_NIC0 port1=$PLX_NIC1
nic=0 # QEMU's number of port 0

# --- The bridge: plx-testpmd, told what to do line by line -----------------------------------------

bridge_start() { # ARGUMENT...
	rm -f commands
	mkfifo commands
	plx-testpmd --lcores 0,1 --script - "$@" "$port0" "$port1" <commands >replies 2>errors &
	bridge=$!
	exec 4>commands
	say "set promisc all off" start
	wait_for 90 said start || { fail "plx-testpmd starts" "$(cat replies errors)"; finish; }
}

say() { printf '%s\n' "$@" >&4; }
# said TEXT [TIMES]: it has come to that command (so often).
said() { [ "$(grep -c "^testpmd> $1\$" replies)" -ge "${2:-1}" ]; }
# done_with: all that it was told is done.
done_with() {
	turn=$((${turn:-0} + 1))
	say "show fwd stats all" "# turn $turn"
	wait_for 120 said "# turn $turn" || fail "plx-testpmd answers" "$(tail -n 40 replies errors)"
}

# do_now COMMAND...: all of them, with forwarding stopped meanwhile.
do_now() {
	say stop "$@" start
	done_with
}

bridge_end() {
	say stop "show port stats all" quit
	exec 4>&-
	wait $bridge
	is "plx-testpmd: exit status" $? "${1:-0}"
	is "no port told lies" "$(grep -c 'lies (' replies)" 0
}

address_of() { sed -n "/^port $1:/{n;s/.*MAC address \([0-9a-f:]*\),.*/\1/p}" replies | head -n 1; }

# Each host gets the other port's address. Ports keep theirs over all that follows.
acquaint() {
	say "show port info all"
	done_with
	$as_left ip link set eth0 address "$(address_of 1)"
	$as_right ip link set eth0 address "$(address_of 0)"
	$as_left ip neigh flush all
	$as_right ip neigh flush all
}

reach() { # WHAT: the hosts do, soon
	check "$1" wait_for 60 $as_left ping -q -c 1 -W 2 $right
}

hosts_mtu() {
	$as_left ip link set eth0 mtu "$1"
	$as_right ip link set eth0 mtu "$1"
}

# What goes on meanwhile; not more than an emulated machine bears.
background_start() {
	$as_left ping -q -i 0.01 -s 1000 $right >/dev/null 2>&1 &
	background=$!
}
background_end() {
	kill $background
	wait $background 2>/dev/null
}

# --- Traffic ---------------------------------------------------------------------------------------

every_size() {
	check "ping with each size from 0 to 1472" \
		$as_left python3 "$PLX_TOP/tests/vm/cases/l2fwd-ping.py" $right 0-1472 1
}

# TCP with checksums by the device, as far as it has them, and in software.
checksums() {
	local entry on=()
	do_now "show port features 0"
	sed -n '/^testpmd> show port features 0/,/^testpmd> start/p' replies >features
	for entry in rx_csum:"rx checksum" tx_ip_csum:"tx IPv4 checksum" tx_l4_csum:"tx TCP/UDP checksum"; do
		if grep -q "${entry#*:}" features; then
			on+=("port config all offload ${entry%%:*} on")
		else
			skip "${entry#*:} by the device" "it does not have that"
		fi
	done
	do_now "${on[@]}" "set fwd csum"
	reach "checksums by the device"
	throughput
	throughput -R
	transfer 4
	do_now "${on[@]/% on/ off}"
	reach "checksums in software"
	throughput
	do_now "set fwd io"
}

# VLAN 100 on the left is VLAN 200 on the right: one port takes the tag out, the other puts another one in.
vlans() {
	$as_left ip link add link eth0 name v100 type vlan id 100
	$as_left ip addr add 10.1.0.1/24 dev v100
	$as_left ip link set v100 up
	$as_right ip link add link eth0 name v200 type vlan id 200
	$as_right ip addr add 10.1.0.2/24 dev v200
	$as_right ip link set v200 up
	do_now "vlan set filter on all" "rx_vlan add 100 0" "rx_vlan add 200 1" "vlan set strip on all" "tx_vlan set 0 100" \
		"tx_vlan set 1 200"
	check "VLAN 100 here is VLAN 200 there" wait_for 60 $as_left ping -q -c 1 -W 2 10.1.0.2
	right=10.1.0.2 pings 0 56 1468
	do_now "rx_vlan rm 100 0"
	refused "a VLAN that is not listed" 1 "100% packet loss" $as_left ping -q -c 3 -W 1 -i 0.3 10.1.0.2
	do_now "rx_vlan rm 200 1" "tx_vlan reset all" "vlan set strip off all" "vlan set filter off all"
	$as_left ip link del v100
	$as_right ip link del v200
	reach "and without tags again"
}

# groups: how many of ten datagrams to a group arrive.
groups() {
	$as_right timeout 60 python3 -c "
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 5007))
s.setsockopt(0, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('239.1.1.1') + socket.inet_aton('$right'))
open('/tmp/joined', 'w')
s.settimeout(15)
seen = set()
try:
    while 'end' not in seen:
        seen.add(s.recv(100).decode())
except TimeoutError:
    pass
print(len(seen - {'end'}))" >/tmp/groups &
	local listener=$!
	wait_for 20 test -e /tmp/joined
	# The last one goes where it arrives in any case.
	$as_left python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(0, socket.IP_MULTICAST_IF, socket.inet_aton('$left'))
for i in range(10):
    s.sendto(str(i).encode(), ('239.1.1.1', 5007))
    time.sleep(0.05)
time.sleep(1)
s.sendto(b'end', ('$right', 5007))"
	wait $listener
	rm -f /tmp/joined
	cat /tmp/groups
}

multicast() {
	is "multicast without a filter" "$(groups)" 0
	do_now "mac_addr add 0 01:00:5e:01:01:01"
	is "multicast of a group that was added" "$(groups)" 10
	do_now "mac_addr remove 0 01:00:5e:01:01:01"
	if [ "$virtual" ]; then
		skip "all multicast" "QEMU's 82576 has none for virtual functions"
		return
	fi
	do_now "set allmulti 0 on"
	is "all multicast" "$(groups)" 10
	do_now "set allmulti 0 off"
	is "and no more" "$(groups)" 0
}

mtu_changes() {
	background_start
	for mtu in 2000 9000; do
		do_now "port stop all" "port config mtu all $mtu" "port start all"
		hosts_mtu $mtu
		reach "with an MTU of $mtu"
		pings 1472 $((mtu - 28))
	done
	throughput
	hosts_mtu 1500
	do_now "port stop all" "port config mtu all 1500" "port start all"
	reach "with an MTU of 1500"
	background_end
}

link_events() { grep -c "^port 0: link $1" replies; }
link_was() { # STATE EVENTS: it was reported since there were so many
	done_with
	[ "$(link_events "$1")" -gt "$2" ]
}

link_flaps() {
	local i before
	if [ "$virtual" ]; then
		skip "link down and up" "the link is the physical function's"
		return
	fi
	background_start
	for i in 1 2 3; do
		before=$(link_events down)
		check "link down, round $i" monitor "set_link nic$nic off"
		check "it is seen" wait_for 30 link_was down "$before"
		before=$(link_events up)
		check "link up" monitor "set_link nic$nic on"
		check "it is seen" wait_for 30 link_was up "$before"
	done
	background_end
	reach "after the link went and came"
}

# The driver's device goes under traffic, and comes back into the same program.
unplug() { monitor "device_del nic$nic"; }
plug() { monitor "device_add $device,id=nic$nic,netdev=net$nic,bus=port$nic,mac=52:54:00:00:00:0$nic,romfile="; }

removal() {
	local unplugging
	background_start
	unplug &
	unplugging=$!
	check "it hears of it" wait_for 60 removal_seen
	say stop "port detach 0"
	done_with
	check "the device is gone" wait_for 60 test ! -e "/sys/bus/pci/devices/$port0"
	wait $unplugging
	check "it is back" plug
	check "for the kernel, too" wait_for 60 test -e "/sys/bus/pci/devices/$port0"
	bind "$port0"
	say "port attach $port0" "set promisc 0 off" start
	done_with
	background_end
	reach "after it was removed and came back"
	pings 0 56 1472
}
removal_seen() {
	done_with
	grep -q "^port 0: the device was removed" replies
}

hundred_rounds() {
	local i
	background_start
	for ((i = 0; i < ${ROUNDS:-100}; i++)); do say stop "port stop all" "port start all" start; done
	wait_for 600 said "port start all" "${ROUNDS:-100}" || fail "it gets through them"
	done_with
	is "${ROUNDS:-100} rounds of stop and start" "$(grep -c "^port st[a-z]* PORT:" replies)" 0
	background_end
	reach "after them"
	pings 0 56 1472
}

killed() {
	background_start
	sleep 1
	kill -9 $bridge
	wait $bridge 2>/dev/null
	exec 4>&-
	bridge_start
	background_end
	reach "after kill -9 and a new start"
	pings 0 56 1472
}

all_traffic() {
	bridge_start
	acquaint
	reach "the hosts reach each other"
	link_flaps
	multicast
	vlans
	checksums
	killed
	removal
	mtu_changes
	hundred_rounds
	every_size
	bridge_end
}
