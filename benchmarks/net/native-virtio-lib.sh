# SPDX-License-Identifier: BSD-3-Clause
# What native-virtio*.bench share: io_forward (ours) and io_forward_dpdk (net_virtio_user) take turns at DPDK's net_vhost,
# which runs on another core and sends everything back. Memory is shared by file, not by hugepages, on all three sides:
# nothing of this machine is changed.
. "$PLX_TOP/benchmarks/lib.sh"

programs=$PLX_TOP/build/benchmarks/net
dir=$(mktemp -d)
socket=$dir/vhost.sock
backend=
peer_name="DPDK net_virtio_user"
turns=${TURNS:-7}
packets=${PACKETS:-1000000}
pings=${PINGS:-2000}
[ "$(nproc)" -ge 2 ] || { echo "two cores are needed: one for each end" >&2; exit 1; }

backend_up() { # QUEUES [SOCKET...]: a port for each socket, $socket the first, that sends back what it receives
	local queues=$1 name vdevs=() i=0
	shift
	for name in "$socket" "$@"; do
		rm -f "$name"
		vdevs+=(--vdev "net_vhost$i,iface=$name,queues=$queues")
		i=$((i + 1))
	done
	mkfifo "$dir/commands"
	dpdk-testpmd --no-huge -m 512 --no-pci --no-telemetry --lcores '(0-1)@1' --file-prefix "plx$$" \
		"${vdevs[@]}" -- -i --forward-mode=io --port-topology=loop \
		--nb-cores=1 --rxq="$queues" --txq="$queues" --total-num-mbufs=16384 --auto-start \
		<"$dir/commands" >"$dir/backend" 2>&1 &
	backend=$!
	exec 3>"$dir/commands"
	for _ in {1..120}; do
		[ -S "$socket" ] && grep -q "testpmd>" "$dir/backend" && return
		kill -0 $backend || break
		sleep 0.5
	done
	tail -n 20 "$dir/backend" >&2
	exit 1
}

backend_down() {
	echo quit >&3
	exec 3>&-
	wait $backend
	backend=
	rm -f "$dir/commands"
}

finish() {
	[ -z "$backend" ] || kill $backend 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT

# One turn of each side: a line of JSON. FORMAT is split or packed; ARGUMENTs are for the program.
ours() { # FORMAT ARGUMENT...
	local split=
	[ "$1" = packed ] || split=,split
	shift
	"${wrap[@]}" "$programs/io_forward" --no-huge --lcores 0 "$@" "virtio:vhost-user=$socket$split"
}

peer() { # FORMAT QUEUES ARGUMENT...
	local queues=$2 options=mrg_rxbuf=0
	[ "$1" = packed ] && options=packed_vq=1,in_order=1,mrg_rxbuf=0
	shift 2
	"${wrap[@]}" "$programs/io_forward_dpdk" --no-huge -m 256 --no-pci --no-telemetry --lcores 0 \
		--file-prefix "plxpeer$$" --single-file-segments --force-max-simd-bitwidth=256 \
		--vdev "net_virtio_user0,path=$socket,queues=$queues,vectorized=1,$options" -- -q "$queues" "$@" \
		2>"$dir/peer.err" | grep '^{'
}

# median KEY <LINES OF JSON: the median of a field, and the least and the most
median() {
	sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" | sort -n |
		awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# report CASE METRIC UNIT BETTER KEY: the medians of both sides' turns
report() {
	local mine theirs
	read -r -a mine < <(median "$5" <"$dir/ours")
	read -r -a theirs < <(median "$5" <"$dir/peer")
	[ -n "${mine[0]}" ] && [ -n "${theirs[0]}" ] || {
		cat "$dir/peer.err" >&2
		exit 1
	}
	echo "$1 $2: ours ${mine[0]} (${mine[1]} to ${mine[2]}), peer ${theirs[0]} (${theirs[1]} to ${theirs[2]})"
	row "$1" "$2" "$3" "$4" "${mine[0]}" "${theirs[0]}" "$peer_name" "$method"
}
