# SPDX-License-Identifier: BSD-3-Clause
# What the *.bench of this folder share: the same program first on our modules, with which the machine booted, then
# on the stock ones.
. "$PLX_TOP/tests/vm/guest/lib.sh"
. "$PLX_TOP/benchmarks/lib.sh"
bench=$PLX_TOP/build/benchmarks/dma

use_stock() { # BDF...
	unload_modules && modprobe vfio-pci && plx-bind bind "$@" >/dev/null
}

# compare SUFFIX METHOD: rows of what is in the files ours and stock, lines of "CASE METRIC NANOSECONDS BYTES".
compare() {
	local suffix=$1 method=$2 case metric ns bytes value
	while read -r case metric ns bytes; do
		value=$(awk -v c="$case" -v m="$metric" '$1 == c && $2 == m { print $3 }' stock)
		row "$case$suffix" "$metric" instr lower "$ns" "$value" "$peer" "$method"
	done <ours
}

# count_instructions SUFFIX METHOD ARGUMENT...: of dma_map on the SSD, ours against $peer, with $peer_arguments; and on a
# BAR where the machine has that device
peer="stock type1" peer_arguments=()
count_instructions() {
	local suffix=$1 method=$2 bar
	shift 2
	bar=$(lspci -Dn -d 1b36:0005 | cut -d' ' -f1)
	echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled
	cd /tmp || exit 1
	plx-bind bind "$PLX_NVME0" $bar >/dev/null || exit 1
	sleep 4 # what the guest still does after boot
	"$bench"/dma_map ${bar:+--bar "$bar"} "$@" "$PLX_NVME0" $PLX_CASES >ours || exit 1
	use_stock "$PLX_NVME0" $bar || exit 1
	sleep 1
	"$bench"/dma_map ${bar:+--bar "$bar"} "${peer_arguments[@]}" "$@" "$PLX_NVME0" $PLX_CASES >stock || exit 1
	compare "$suffix" "$method"
}
