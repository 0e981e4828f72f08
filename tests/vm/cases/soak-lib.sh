# SPDX-License-Identifier: BSD-3-Clause
# What the soak-* cases do, one for each driver but virtio (see native-soak.bench): two million sequenced frames from one
# port to the other on the same hub. None is missing without a counter that says where it went; none comes twice, late, or
# as something else.
. "$PLX_TOP/tests/vm/guest/lib.sh"
FRAMES=${FRAMES:-2000000}

# soak PORT PORT [ARGUMENT...]
soak() {
	local what="$FRAMES frames"
	dmesg -C
	plx-pktgen --json --count "$FRAMES" --size 66,128,594,1518 "${@:3}" "$1" "$2" >result 2>err
	is "$what: exit status" $? 0
	check "$what: none is missing without a counter" python3 - <<-'EOP'
		import json, os
		r = json.load(open("result"))
		print({k: r[k] for k in ("sent", "received", "lost", "counted", "tx_pps", "rx_pps")})
		assert r["sent"] == int(os.environ["FRAMES"]), "not all were sent"
		assert r["lost"] <= r["counted"], "lost, and no counter says why"
		assert r["duplicate"] == r["reordered"] == r["too_late"] == 0, r
	EOP
	sed 's/^/    /' <<<"$out"
	is "no DMA was blocked by the IOMMU" "$(dmesg | grep -c 'DMAR.*fault')" 0
}
export FRAMES
