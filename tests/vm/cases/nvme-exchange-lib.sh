# SPDX-License-Identifier: BSD-3-Clause
# What the nvme-exchange cases share: data goes from one driver to the other and back, byte by byte.
. "$PLX_TOP/tests/vm/cases/nvme-lib.sh"

sum() { sha256sum "$@" | cut -d' ' -f1; }

# Written by Pollux, read by Linux.
ours_to_host() { # BDF NSID MIB
	local dev want
	bind "$1"
	head -c "$3M" /dev/urandom >sent
	want=$(sum sent)
	check "plx-nvme writes $3 MiB to namespace $2 of $1" plx-nvme write "$1" --ns "$2" --data sent --yes
	to_host "$1"
	dev=$(wait_device "$1" "$2")
	is "Linux's driver reads the same" "$(dd if="$dev" bs=1M count="$3" iflag=direct status=none | sum)" "$want"
}

# Written by Linux, read by Pollux.
host_to_ours() { # BDF NSID MIB
	local dev want
	dev=$(wait_device "$1" "$2")
	head -c "$3M" /dev/urandom >sent
	want=$(sum sent)
	check "Linux's driver writes $3 MiB to $dev" dd if=sent of="$dev" bs=1M oflag=direct conv=fsync
	bind "$1"
	check "plx-nvme reads them" plx-nvme read "$1" --ns "$2" --data-size "$3M" --data got
	is "the same bytes" "$(sum got)" "$want"
	is "and to a pipe" "$(plx-nvme read "$1" --ns "$2" --data-size "$3M" --interrupt 2>/dev/null | sum)" "$want"
	to_host "$1"
}

# Each checks the blocks that the other wrote, by their own addresses and CRC.
pattern_both_ways() { # BDF NSID
	local dev
	bind "$1"
	check "plx-nvme writes a pattern" plx-nvme verify "$1" --ns "$2" --range 1M:8M --sequence 11 --write-only --yes
	to_host "$1"
	dev=$(wait_device "$1" "$2")
	verify "Linux's driver finds it" "$dev" --range 1M:8M --sequence 11 --read-only
	check "Linux's driver writes a pattern" plx-nvme verify "$dev" --range 9M:8M --sequence 12 --write-only --yes
	bind "$1"
	verify "plx-nvme finds it" "$1" --ns "$2" --range 9M:8M --sequence 12 --read-only
	verify "and its own is still there" "$1" --ns "$2" --range 1M:8M --sequence 11 --read-only
	to_host "$1"
}

# A file system made elsewhere, put there by Pollux, mounted and changed by Linux, fetched by Pollux.
file_system() { # BDF NSID
	local dev
	truncate -s 16M fs.img
	mkdir -p tree mnt && head -c 3M /dev/urandom >tree/file
	check "make a file system" mkfs.ext4 -q -d tree fs.img
	bind "$1"
	check "plx-nvme writes it" plx-nvme write "$1" --ns "$2" --data fs.img --yes
	to_host "$1"
	dev=$(wait_device "$1" "$2")
	check "Linux mounts it" mount "$dev" mnt
	is "its file is whole" "$(sum mnt/file)" "$(sum tree/file)"
	head -c 2M /dev/urandom >mnt/second
	sum mnt/second >second.sum
	check "unmount" umount mnt
	bind "$1"
	check "plx-nvme reads it" plx-nvme read "$1" --ns "$2" --data-size 16M --data back.img
	to_host "$1"
	check "it is consistent" e2fsck -fn back.img
	check "the new file can be taken out" debugfs -R "dump second second.out" back.img
	is "and is whole" "$(sum second.out)" "$(cat second.sum)"
}

exchange() {
	to_host "$one" $two
	ours_to_host "$one" 1 48
	host_to_ours "$one" 1 48
	pattern_both_ways "$one" 1
	file_system "$one" 1
	nvme_done
}
