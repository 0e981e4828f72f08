# SPDX-License-Identifier: BSD-3-Clause
# What the nvme-integrity cases share: random I/O that knows what each block must be, by programs/nvme-integrity.
. "$PLX_TOP/tests/vm/cases/nvme-lib.sh"
integrity=$programs/nvme-integrity/nvme-integrity

# work WHAT JOURNAL ARGUMENT...: it runs, and no block is wrong.
work() {
	local what=$1
	shift
	check "$what" "$integrity" "$one" "$@" || return
	echo "$out"
	is "$what: wrong blocks" "$(field "j['wrong']")" 0
}

# A process that writes is killed, and Linux's own driver must find every block old or new and whole.
kill_rounds() { # ROUNDS ARGUMENT...
	local rounds=$1 round pid device
	shift
	for ((round = 1; round <= rounds; round++)); do
		"$integrity" "$one" killed --seconds 60 --qd $((round * 13 % 60 + 1)) --seed $round "$@" >/dev/null 2>killed.err &
		pid=$!
		sleep "$((round % 3)).$((round * 7 % 10))"
		sleep 0.5
		kill -9 $pid || fail "it runs until it is killed, round $round" "$(cat killed.err)"
		wait $pid 2>/dev/null
		to_host "$one"
		device=$(wait_device "$one" 1)
		check "after kill -9, round $round" "$integrity" --check "$device" killed
		bind "$one"
	done
	echo "$out"
	like "many blocks were written" "$out" " [1-9][0-9]{3,} blocks written, 0 wrong"
}
