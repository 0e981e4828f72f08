# SPDX-License-Identifier: BSD-3-Clause
# What the cases of tier debug share: the debug kernel's fault injection and leak detector.
. "$PLX_TOP/tests/vm/guest/lib.sh"
debugfs=/sys/kernel/debug
mount -t debugfs debugfs $debugfs 2>/dev/null

# Allocations that may sleep can fail as well; that they do is nothing to log.
set_up_faults() {
	echo N >$debugfs/failslab/ignore-gfp-wait
	echo 0 >$debugfs/failslab/verbose
	echo 0 >$debugfs/fail_page_alloc/verbose
	echo 0 >$debugfs/fail_usercopy/verbose
}

# The modules go, and with them all that they have allocated.
nothing_leaked() {
	check "unloaded" unload_modules
	echo scan >$debugfs/kmemleak
	sleep 6
	echo scan >$debugfs/kmemleak
	is "nothing is leaked" "$(cat $debugfs/kmemleak)" ""
}
