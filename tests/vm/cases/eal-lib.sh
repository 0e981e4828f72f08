# SPDX-License-Identifier: BSD-3-Clause
# What the eal-* cases share: eal-probe, and the system's hugepages before and after.
. "$PLX_TOP/tests/vm/guest/lib.sh"
# They are about the native backend's memory and its words; those of the other are in dpdk-faults.
export POLLUX_EAL=native
probe=$programs/eal-probe
pages_2m=/sys/kernel/mm/hugepages/hugepages-2048kB
pages_1g=/sys/kernel/mm/hugepages/hugepages-1048576kB

# pages COUNTER [FOLDER]
pages() { cat "${2:-$pages_2m}/$1_hugepages"; }

# All pages free, none reserved or surplus, no file left.
nothing_left() { # WHEN
	is "$1: every hugepage is free again" "$(pages free) $(pages resv) $(pages surplus)" "$(pages nr) 0 0"
	is "$1: hugetlbfs is empty" "$(ls -A /dev/hugepages 2>/dev/null)" ""
}

# no_complaint: the last command's log may inform, but has no warning and no error
no_complaint() { is "and no complaint" "$(grep -cE '^pollux: [^:]*: (warning|error):' <<<"$out")" 0; }
# lines_of_log DESCRIPTION N: the last command's $out has N lines from Pollux, so one sentence says it.
lines_of_log() { is "$1" "$(grep -c '^pollux:' <<<"$out")" "$2"; }
