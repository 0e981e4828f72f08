# SPDX-License-Identifier: BSD-3-Clause
# Virtual functions of Linux's igb, for cases with `--kernel full --qemu backports`; behind lib.sh.

# vfs_up PF COUNT: its interface is up, for frames of any length; the virtual functions may send from any address.
vfs_up() {
	local dev i
	modprobe igb
	wait_for 20 compgen -G "/sys/bus/pci/devices/$1/net/*" || { fail "Linux's igb takes $1"; finish; }
	check "$2 virtual functions of $1" sh -c "echo $2 >/sys/bus/pci/devices/$1/sriov_numvfs" || finish
	dev=$(pf_if "$1")
	ip link set "$dev" mtu 9000 up
	for ((i = 0; i < $2; i++)); do ip link set "$dev" vf $i spoofchk off && ip link set "$dev" vf $i trust on; done
}

# vf_of PF NUMBER: its PCI address.
vf_of() { basename "$(readlink -f "/sys/bus/pci/devices/$1/virtfn$2")"; }
pf_if() { basename /sys/bus/pci/devices/"$1"/net/*; }
