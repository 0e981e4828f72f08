# SPDX-License-Identifier: BSD-3-Clause
# What cases in bash share. A case starts with:  . "$PLX_TOP/tests/vm/guest/lib.sh"  and ends with: finish
# Each check prints one line: "ok - ...", "not ok - ..." or "skip - ... # reason".
bin=$PLX_TOP/build/apps
programs=$PLX_TOP/build/tests/vm/programs
failures=0
# Each program has a folder of its own.
export PATH=$(printf "%s:" "$bin"/*/ "$programs"/*/)$PATH

pass() { echo "ok - $1"; }
fail() { # DESCRIPTION [DETAIL]
	echo "not ok - $1"
	[ -z "${2:-}" ] || echo "$2" | sed 's/^/    /' | tail -n 40
	failures=$((failures + 1))
}
skip() { echo "skip - $1 # $2"; }
finish() { exit $((failures > 0)); }

# check DESCRIPTION COMMAND...: the command succeeds. Its output is in $out afterwards.
check() {
	local what=$1 status
	shift
	out=$("$@" 2>&1)
	status=$?
	if [ $status = 0 ]; then pass "$what"; else fail "$what" "$out
(exit status $status of: $*)"; fi
	return $status
}
# refused DESCRIPTION STATUS REGEX COMMAND...: it ends with that status and says what matches.
refused() {
	local what=$1 want=$2 regex=$3 status
	shift 3
	out=$("$@" 2>&1)
	status=$?
	if [ $status = "$want" ] && grep -Eq -- "$regex" <<<"$out"; then pass "$what"; else fail "$what" "$out
(exit status $status, expected $want and text like: $regex)"; fi
}
# is DESCRIPTION ACTUAL EXPECTED
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got '$2', expected '$3'"; fi; }
# like DESCRIPTION TEXT REGEX
like() { if grep -Eq -- "$3" <<<"$2"; then pass "$1"; else fail "$1" "$2
(nothing like: $3)"; fi; }
# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# bind BDF...: to vfio-pci; a case that needs bound devices cannot go on without.
bind() { plx-bind bind "$@" >/tmp/bind.log 2>&1 || { fail "bind $*" "$(cat /tmp/bind.log)"; finish; }; }
# load_modules, unload_modules: ours, in the order in which one needs the other; what is unloaded may be Linux's own.
load_modules() {
	local module
	for module in vfio vfio_iommu_type1 vfio-pci-core vfio-pci; do insmod "$PLX_MODULES_DIR/$module.ko" || return; done
}
unload_modules() { rmmod vfio-pci vfio-pci-core vfio_iommu_type1 vfio; }
hugepages_free() { cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages; }

# netns_peer NAMESPACE BDF ADDRESS/LEN: moves the kernel's virtio NIC at BDF into a namespace of its own.
netns_peer() {
	local ns=$1 bdf=$2 address=$3 dev
	modprobe -q virtio_net
	wait_for 10 compgen -G "/sys/bus/pci/devices/$bdf/virtio*/net/*" || { fail "a kernel NIC at $bdf"; finish; }
	dev=$(basename /sys/bus/pci/devices/"$bdf"/virtio*/net/*)
	ip netns add "$ns" && ip link set "$dev" netns "$ns" &&
		ip -n "$ns" link set lo up && ip -n "$ns" link set "$dev" name eth0 &&
		ip -n "$ns" addr add "$address" dev eth0 && ip -n "$ns" link set eth0 up ||
		{ fail "namespace $ns"; finish; }
}
