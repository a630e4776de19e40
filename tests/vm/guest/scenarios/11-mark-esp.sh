# SPDX-License-Identifier: GPL-2.0-or-later
# The technique of 2005: ESP is marked, the mark survives decryption.
. /t/tests/vm/guest/lib.sh
ini <<-'EOF'
	[default]
	mark-source = esp
	mark = 0x10000/0xff0000
EOF
for encap in no yes; do
	conn encap-$encap <<-EOF
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
	encapsulation=$encap
	EOF
done
begin
default_deny west
count_marks west
tables_before west
for encap in no yes; do
	# Loaded alone: the peer could take either for the same selectors.
	add encap-$encap
	check "encapsulation=$encap comes up" up encap-$encap
	on west iptables-legacy -t mangle -Z
	check "encapsulation=$encap: traffic passes" ping_from wlan 192.0.2.10
	check "encapsulation=$encap: traffic passes back" ping_from elan 192.0.1.10
	is "encapsulation=$encap: decrypted packets carry the mark" "$(seen_marks west marked)" 6
	is "encapsulation=$encap: none without" "$(seen_marks west unmarked)" 0
	spoof 192.0.2.77 192.0.1.10
	is "encapsulation=$encap: the guard drops spoofed packets" "$(guarded west in)" 3
	gone encap-$encap
done
no_clear
finish
