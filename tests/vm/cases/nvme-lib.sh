# SPDX-License-Identifier: BSD-3-Clause
# What the nvme cases share. Most use the same machine: SSD 0 with one namespace of 64 MiB, SSD 1 with namespace
# 2 (blocks of 512 bytes) and namespace 7 (blocks of 4096), 64 MiB each.
. "$PLX_TOP/tests/vm/guest/lib.sh"
one=$PLX_NVME0 two=${PLX_NVME1:-}

to_host() { plx-bind restore "$@" >/tmp/bind.log 2>&1 || fail "give $* back to the host" "$(cat /tmp/bind.log)"; }

# block_device BDF NSID: the host's name for it, such as /dev/nvme1n2
block_device() {
	local dir
	for dir in /sys/bus/pci/devices/"$1"/nvme/nvme*/nvme*n*; do
		[ "$(cat "$dir/nsid" 2>/dev/null)" = "$2" ] && echo "/dev/${dir##*/}"
	done
}
wait_device() { wait_for 10 test -b "$(block_device "$1" "$2")" || sleep 1; block_device "$1" "$2"; }

# field EXPRESSION: of the JSON object in $out, as j
field() { python3 -c "import json,sys; j=json.loads(sys.stdin.read()); print($1)" <<<"$out"; }

# Every block of a range is good, by plx-nvme verify.
verify() { # WHAT ARGUMENT...
	local what=$1
	shift
	check "$what" plx-nvme verify --json "$@" && is "$what: no errors" "$(field "j['errors']")" 0
}

# The SSDs are the host's again for the next case, and no DMA went where it must not.
nvme_done() {
	to_host "$one" $two
	is "no DMA was blocked by the IOMMU" "$(dmesg | grep -c 'DMAR.*fault')" 0
	finish
}
dmesg -C
