# SPDX-License-Identifier: BSD-3-Clause
# What *.bench scripts share.

# row CASE METRIC UNIT lower|higher OURS PEER PEER_NAME METHOD: one result; PEER "" where there is none.
row() {
	printf '@plx-row@\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@"
}
