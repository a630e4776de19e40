# SPDX-License-Identifier: GPL-2.0-or-later
# The tables of ipsec-fw-packet-path(7) are what this kernel does, asked with the
# matches of either backend.  SAs and policies are made by hand; NAT traversal
# needs a daemon's socket.
. /t/tests/vm/guest/lib.sh
page=/usr/share/man/man7/ipsec-fw-packet-path.7

# ---- a packet's way, written down by the kernel --------------------------------

log_legacy() {
	local chain in out
	echo '*mangle'
	for chain in PREROUTING INPUT FORWARD OUTPUT POSTROUTING; do
		for in in ipsec none; do
			for out in ipsec none; do
				case $chain in
				PREROUTING | INPUT) [ $out = none ] &&
					echo "-A $chain -m policy --dir in --pol $in -j LOG --log-prefix pp:$chain:$in:-:" ;;
				FORWARD) echo "-A $chain -m policy --dir in --pol $in -m policy --dir out --pol $out -j LOG --log-prefix pp:$chain:$in:$out:" ;;
				*) [ $in = none ] &&
					echo "-A $chain -m policy --dir out --pol $out -j LOG --log-prefix pp:$chain:-:$out:" ;;
				esac
			done
		done
	done
	echo COMMIT
}

log_nft() {
	log_legacy | sed -n -e 's/-m policy --dir in --pol ipsec/meta ipsec exists/' \
		-e 's/-m policy --dir in --pol none/meta ipsec missing/' \
		-e 's/-m policy --dir out --pol ipsec/rt ipsec exists/' \
		-e 's/-m policy --dir out --pol none/rt ipsec missing/' \
		-e 's/-j LOG --log-prefix \(.*\)$/log prefix "\1"/' \
		-e 's/^-A \([A-Z]*\)/add rule ip path \L\1/p'
}

write_down() {
	local chain
	if [ "$BACKEND" = iptables ]; then
		log_legacy | on west iptables-legacy-restore -n
	else
		{
			echo 'table ip path {'
			for chain in prerouting input forward output postrouting; do
				echo "chain $chain { type filter hook $chain priority mangle; }"
			done
			echo '}'
			log_nft
		} | on west nft -f -
	fi
}

# way COMMAND...: what it sent, as the page has it.
way() {
	local last
	last=$(dmesg | tail -n 1)
	"$@" > /dev/null
	sleep 0.5
	dmesg | awk -v last="$last" '
		seen && match($0, /pp:[^ ]*/) {
			split(substr($0, RSTART, RLENGTH), p, ":")
			$0 = substr($0, index($0, "IN="))
			for (i = 1; i <= NF; i++)
				if (split($i, f, "=") == 2)
					v[f[1]] = f[2] == "" ? "-" : f[2] == "l1" ? "lan" : \
						f[2] == "w0" ? "wan" : f[2]
			# Known there, and for no iptables to ask.
			if (p[2] == "POSTROUTING")
				v["IN"] = "-"
			if (v["PROTO"] ~ /^(ICMP|ESP|UDP)$/)
				print p[2], v["PROTO"], v["IN"], v["OUT"], p[3], p[4]
		}
		$0 == last { seen = 1 }'
}

# the_page SECTION: its table, likewise.
the_page() {
	awk -v title=".Ss $1" '
		$0 == title { found = 1 }
		found && /^hook / { inside = 1; next }
		inside && /^\.Ed/ { exit }
		inside { $1 = $1; print }' "$page"
}

one_ping() { ping_from "$1" "$2" -c 1 "${@:3}"; }
forwarded() { one_ping wlan 192.0.2.10; }
own() { one_ping west 192.0.2.10 -I 192.0.1.1; }

# ---- SAs by hand ---------------------------------------------------------------

key='aead rfc4106(gcm(aes)) 0x0102030405060708090a0b0c0d0e0f1011121314 128'
sa() {		# netns from to spi option...
	on "$1" ip xfrm state add src "198.51.100.$2" dst "198.51.100.$3" \
		proto esp spi "$4" reqid 16389 $key "${@:5}"
}
policy() {	# netns dir from's net to's net from to option...
	on "$1" ip xfrm policy add dir "$2" src "$3" dst "$4" "${@:7}" \
		tmpl src "198.51.100.$5" dst "198.51.100.$6" proto esp reqid 16389 \
		mode "$mode"
}
side() {	# netns me peer option...: both directions
	sa "$1" 1 2 0x1001 mode $mode "${@:4}"
	sa "$1" 2 1 0x1002 mode $mode "${@:4}"
	policy "$1" out "${net[$2]}" "${net[$3]}" "$2" "$3" "${@:4}"
	policy "$1" in "${net[$3]}" "${net[$2]}" "$3" "$2" "${@:4}"
	[ $mode = transport ] ||
		policy "$1" fwd "${net[$3]}" "${net[$2]}" "$3" "$2" "${@:4}"
}
gone() { flush_xfrm west; flush_xfrm east; }

UPDOWN=%disabled
topology
write_down
mode=tunnel
net=('' 192.0.1.0/24 192.0.2.0/24)
forwarded > /dev/null	# neighbours
is "no policy" "$(way forwarded | sed 3q)" "$(the_page 'No policy')"
side west 1 2
side east 2 1
is "forwarded" "$(way forwarded)" "$(the_page 'Forwarded, tunnel mode')"
is "the gateway's own" "$(way own)" "$(the_page "The gateway's own")"

# A mark goes with the packet both ways.
nft_west() { on west nft -f -; }
nft_west <<-'NFT'
	table ip marks {
		counter in { }
		counter out { }
		chain prerouting {
			type filter hook prerouting priority -200
			ip protocol esp meta mark set 0x1
		}
		chain forward {
			type filter hook forward priority 0
			iifname "l1" meta mark set 0x2
			iifname "w0" meta ipsec exists meta mark 0x1 counter name in
		}
		chain postrouting {
			type filter hook postrouting priority 0
			ip protocol esp meta mark 0x2 counter name out
		}
	}
NFT
forwarded
is "a mark survives decryption, and encryption" "$(on west nft list counters table ip marks | grep -c 'packets 1 ')" 2
on west nft delete table ip marks

# The page's own rules: what they accept, and what they stop.
example() {	# word in it: that literal block
	sed -e 's/\\e/\\/g' "$page" | awk -v RS='\\.Ed\n' -v word="$1" '
		index($0, word) && sub(/.*\.Bd -literal[^\n]*\n/, "")' |
		sed 's/"eth0"/"w0"/'
}
example 'table inet from-peer' | nft_west
check "the accept by policy lets the peer in" ping_from elan 192.0.1.10
before=$(echoes wlan)
spoof 192.0.2.77 192.0.1.10
is "and nobody else" "$(($(echoes wlan) - before))" 0
on west nft delete table inet from-peer
example 'table inet to-peer' | nft_west
wire_reset
check "the guard lets packets into the tunnel" forwarded
on west ip xfrm policy flush
no_ping_from wlan 192.0.2.10
no_clear "and none past it"
on west nft delete table inet to-peer
gone
side west 1 2
side east 2 1

# The same ping of an address that no policy has, after source NAT.
on west nft -f - <<-'NFT'
	table ip nat-of-somebody {
		chain postrouting {
			type nat hook postrouting priority srcnat - 10
			oifname "w0" ip saddr 192.0.1.0/24 masquerade
		}
	}
NFT
wire_reset
forwarded
above "MASQUERADE takes a packet out of the tunnel" "$(wire_count clear)" 0
on west conntrack -F
example 'chain afterwards' | nft_west
wire_reset
no_ping_from wlan 192.0.2.10
no_clear "the chain behind it stops that"
on west nft delete table ip nat-of-somebody
on west conntrack -F
check "and the page's masquerade leaves the tunnel alone" forwarded
no_clear "no packet in clear"
on west nft delete table ip outside
gone

mode=transport
net=('' 198.51.100.1 198.51.100.2)
side west 1 2
side east 2 1
is "transport mode is as the gateway's own" "$(way one_ping west 198.51.100.2)" "$(the_page "The gateway's own")"
gone

mode=tunnel
net=('' 192.0.1.0/24 192.0.2.0/24)
side east 2 1
side west 1 2 if_id 1
ip -n west link add ipsec1 up type xfrm dev w0 if_id 1
ip -n west route replace 192.0.2.0/24 dev ipsec1
is "XFRM interface" "$(way forwarded)" "$(the_page 'XFRM interface')"
ip -n west link del ipsec1
flush_xfrm west

side west 1 2 mark 1
ip -n west link add vti1 up type vti local 198.51.100.1 remote 198.51.100.2 key 1
on west sysctl -q -w net.ipv4.conf.vti1.disable_policy=1
ip -n west route replace 192.0.2.0/24 dev vti1
is "VTI device" "$(way forwarded)" "$(the_page 'VTI device')"
ip -n west link del vti1
ip -n west route replace 192.0.2.0/24 via 198.51.100.2
gone

conn natt <<-'EOF'
	leftsubnet=192.0.1.0/24
	rightsubnet=192.0.2.0/24
	encapsulation=yes
EOF
for side in west east; do launch $side; done
for side in west east; do await $side; done
add natt
check "NAT traversal comes up" up natt
is "NAT traversal: the same with UDP" "$(way forwarded)" "$(the_page 'Forwarded, tunnel mode' | sed 's/ ESP / UDP /')"
