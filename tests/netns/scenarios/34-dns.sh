# SPDX-License-Identifier: GPL-2.0-or-later
# The peer's name servers and domains in a plain resolv.conf: there while the
# connection is up, and to the byte what it was before when it is not.
# backend: nftables
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
printf '[default]\nupdown = native\non-error = fail\n' | ini
ip link add w0 type veth peer name w1
ip link set w0 up; ip link set w1 up
ip addr add 198.51.100.1/24 dev w0
ip route add default via 198.51.100.9

# This machine's resolv.conf is nobody's business.
etc=$WORK/etc
private_etc
conf=/etc/resolv.conf
rm -f $conf
fresh() {	# text, without a line's end of its own
	rm -f $conf
	printf "$1" > $conf
	keep
}
keep() { world > "$WORK/world"; }
world() { cat $conf; stat -c '%a %u %g %F' $conf; readlink $conf; ls -A /etc | grep resolv; }
same() { diff "$WORK/world" <(world); }
nothing_left() { same && is "nothing is left in the store" "$(find "$RUN"/netns-*/owners "$RUN"/netns-*/shared -mindepth 1 2> /dev/null)" ""; }
client=(PLUTO_CFG_CLIENT=1)
dns=("${client[@]}" "PLUTO_PEER_DNS_INFO=10.0.0.53 2001:db8::53" "PLUTO_PEER_DOMAIN_INFO=corp.example lab.example")
servers() { sed -n 's/^nameserver //p' $conf | tr '\n' ' '; }
search() { sed -n 's/^search //p' $conf | tail -n 1; }

# ---- one connection ---------------------------------------------------------------

fresh 'domain lan\nnameserver 192.168.1.1\noptions edns0\n'
chmod 640 $conf; chgrp 7 $conf; keep
check "up" silent_call up-client "${dns[@]}"
is "the peer's servers are the first" "$(servers)" "10.0.0.53 2001:db8::53 192.168.1.1 "
is "its domains too" "$(search)" "corp.example lab.example lan"
is "mode and owner stay" "$(stat -c '%a %u %g' $conf)" "640 0 7"
is "show says them" "$(fw show office | grep -c '^  DNS: server 10.0.0.53, server 2001:db8::53, domain corp.example, domain lab.example$')" 1
cp $conf "$WORK/up"
check "again" silent_call up-client "${dns[@]}"
check "changes nothing" cmp $conf "$WORK/up"
check "prepare and route after it" silent_call prepare-client "${dns[@]}"
call route-client
check "change nothing either" cmp $conf "$WORK/up"
call up-client "${client[@]}" PLUTO_PEER_DNS_INFO=10.0.0.54
is "other servers later" "$(servers)" "10.0.0.54 192.168.1.1 "
is "without domains" "$(search)" ""
check "down" silent_call down-client "${dns[@]}"
check "and the file is what it was" same
check "down again" silent_call down-client "${dns[@]}"
call unroute-client
check "changes nothing" nothing_left
call up-client PLUTO_PEER_DNS_INFO=10.0.0.53
check "a server's servers are for its clients" same
call down-client; call unroute-client
call up-client "${dns[@]}" PLUTO_NM_CONFIGURED=1 2> /dev/null
check "NetworkManager's are its own matter" same
call down-client; call unroute-client
call up-client "${client[@]}" PLUTO_PEER_DOMAIN_INFO=corp.example
check "domains without servers are nothing" same
call down-client; call unroute-client
call up-client "${client[@]}" PLUTO_CISCO_DNS_INFO=10.0.0.53 PLUTO_CISCO_DOMAIN_INFO=corp.example
is "an older name" "$(servers)$(search)" "10.0.0.53 192.168.1.1 corp.example lan"
call down-client; call unroute-client
check "all goes" nothing_left

OPTIONS=(--dry-run)
is "a dry run says it" "$(call up-client "${dns[@]}" | grep -A3 '^# search')" \
	"$(printf '%s\n' '# search corp.example lab.example' '# nameserver 10.0.0.53' '# nameserver 2001:db8::53')"
OPTIONS=()
check "and changes nothing" nothing_left

for text in '' 'nameserver 192.168.1.1' '\n\n' '# nothing\r\n' 'search a b\nsearch c d # home\n'; do
	fresh "$text"
	call up-client "${dns[@]}"
	is "a file of '$text'" "$(sed -n 's/^nameserver 10/10/p' $conf)" 10.0.0.53
	call down-client; call unroute-client
	check "is it again" nothing_left
done

# ---- what a peer may not say ----------------------------------------------------------

fresh 'nameserver 192.168.1.1\n'
heard() {	# WORD SERVERS DOMAINS
	local output
	output=$(call up-client "${client[@]}" "PLUTO_PEER_DNS_INFO=$2" "PLUTO_PEER_DOMAIN_INFO=$3" 2>&1) ||
		{ echo "status $?: $output"; return 1; }
	[[ $output == *"$1"* ]] || { echo "no '$1' in: $output"; return 1; }
	! LC_ALL=C grep -q '[^ -~]' <<< "$output" || { echo "unprintable: $output"; return 1; }
}
many=$(seq -f '10.0.%g.1' -s ' ' 0 255)
for servers in 127.0.0.1 0.0.0.0 224.0.0.1 ::1 fe80::1 ns.example 192.0.2.1/32 '$(id)' "$many"; do
	check "the server '${servers:0:20}'" heard "the peer's DNS: " "$servers" corp.example
	check "is none" same
done
call down-client; call unroute-client
for domain in .. . a..b -a a- a_b 'a;b' '$(touch${IFS}/x)' 10.0.0.1 "$(printf 'a%.0s' $(seq 64))" "$(printf 'a.%.0s' $(seq 130))" "$(printf 'a%.0s' $(seq 4000))" bücher.example; do
	check "the domain '${domain:0:20}'" heard "is no host name" 10.0.0.53 "$domain ok.example"
	is "is none, and others are" "$(search)" ok.example
done
check "too many domains" heard "none of them is used" 10.0.0.53 "$(seq -f 'd%g' -s ' ' 40)"
is "are none" "$(search)" ""
call down-client; call unroute-client
check "and the file is what it was" nothing_left
for text in $'corp.example\nnameserver 6.6.6.6' $'a\e[2Jb' "$(seq -f '10.0.0.%g' -s ' ' 1000)" "$(printf 'a%.0s' $(seq 10240))"; do
	check "what no daemon says: ${text:0:12}" refused expected up-client "${client[@]}" PLUTO_PEER_DNS_INFO=10.0.0.53 "PLUTO_PEER_DOMAIN_INFO=$text"
	check "again as servers" refused expected up-client "${client[@]}" "PLUTO_PEER_DNS_INFO=$text"
	check "and nothing is changed" same
done

# ---- several connections ------------------------------------------------------------------

b=(PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.9.0.0/16 "${client[@]}" PLUTO_PEER_DNS_INFO=10.9.0.53 PLUTO_PEER_DOMAIN_INFO=other.example)
call up-client "${dns[@]}"; call up-client "${b[@]}"
is "the newest is heard" "$(servers)$(search)" "10.9.0.53 192.168.1.1 other.example"
call up-client "${dns[@]}"
is "and a repeated up makes nobody the newest" "$(servers)" "10.9.0.53 192.168.1.1 "
call down-client "${dns[@]}"
is "the older one goes" "$(servers)" "10.9.0.53 192.168.1.1 "
call up-client "${dns[@]}"; call down-client "${dns[@]}"
is "and comes, and goes" "$(servers)" "10.9.0.53 192.168.1.1 "
call down-client "${b[@]}"; call unroute-client; call unroute-client "${b[@]}"
check "and the file is what it was" nothing_left
call up-client "${dns[@]}"; call up-client "${b[@]}"; call down-client "${b[@]}"
is "the newest goes first: the older is heard again" "$(servers)" "10.0.0.53 2001:db8::53 192.168.1.1 "
call down-client; call unroute-client; call unroute-client "${b[@]}"
check "and the file is what it was" nothing_left
call up-client "${dns[@]}"; call up-client "${dns[@]}" PLUTO_CONNECTION=net/1x2 PLUTO_PEER_CLIENT=10.8.0.0/16
call down-client
is "two with the same: one goes" "$(servers)" "10.0.0.53 2001:db8::53 192.168.1.1 "
call down-client PLUTO_CONNECTION=net/1x2 PLUTO_PEER_CLIENT=10.8.0.0/16
call unroute-client; call unroute-client PLUTO_CONNECTION=net/1x2 PLUTO_PEER_CLIENT=10.8.0.0/16
check "both" nothing_left

# ---- files of every kind -----------------------------------------------------------------------

mkdir /run/dhcp
printf 'nameserver 192.168.1.1\n' > /run/dhcp/conf
rm $conf; ln -s ../run/dhcp/conf $conf; keep
call up-client "${dns[@]}"
is "a link stays one" "$(readlink $conf)" ../run/dhcp/conf
is "and the file behind it is changed" "$(grep -c ^nameserver /run/dhcp/conf)" 3
call down-client; call unroute-client
check "and what it was" nothing_left
is "and nothing is beside it" "$(ls -A /run/dhcp)" conf

rm $conf; printf 'nameserver 192.168.1.1\n' > $conf
mount --bind $conf $conf; keep
call up-client "${dns[@]}"
is "a mount" "$(servers)" "10.0.0.53 2001:db8::53 192.168.1.1 "
call down-client; call unroute-client
check "is what it was" nothing_left
umount $conf

ln $conf /etc/resolv.other; keep
call up-client "${dns[@]}"
is "a second name stays the same file's" "$(grep -c ^nameserver /etc/resolv.other)" 3
call down-client; call unroute-client
check "and what it was" nothing_left
rm /etc/resolv.other

failing() {	# WORD: up, with a word of what is wrong, and nothing changed
	heard "$1" "10.0.0.53" corp.example && same && rules=$(rules_of) && [ "$rules" -gt 0 ]
}
# As large as what is in it, and with what that leaves in use.
fill() {
	mount -o remount,size=$(($(df -k --output=used "$etc" | tail -n 1)))k "$etc"
	# What a process has open is free when it has ended.
	for _ in 1 2 3; do
		cat /dev/zero >> "$etc/filler" 2> /dev/null
		sleep 0.1
	done
}
empty() {
	mount -o remount,size=16m "$etc"
	rm "$etc/filler"
}
fresh 'nameserver 192.168.1.1\n'
fill
check "a full disk: told, and the tunnel has its rules" failing "No space left"
empty
check "with room, reconcile does it" fw reconcile
is "it is done" "$(servers)" "10.0.0.53 192.168.1.1 "
fill
output=$(call down-client 2>&1); status=$?
is "a full disk at down: told, and the status is 0" "$status${output:+ told}" "0 told"
empty
check "with room, reconcile does that" fw reconcile
call unroute-client
check "and the file is what it was" nothing_left
mount -o remount,ro "$etc"; mount -o remount,ro,bind /etc
check "a read-only one" failing "Read-only file system"
mount -o remount,rw "$etc"; mount -o remount,rw,bind /etc
call down-client; call unroute-client
check "leaves nothing" nothing_left
rm $conf
output=$(call up-client "${dns[@]}" 2>&1); status=$?
is "no file: told, and none is made" "$status $(grep -c 'No such file' <<< "$output") $(ls $conf 2> /dev/null)" "0 1 "
check "down without it" silent_call down-client
call unroute-client
mkfifo $conf
output=$(call up-client "${dns[@]}" 2>&1); status=$?
is "no plain file" "$status $(grep -c 'Invalid argument' <<< "$output")" "0 1"
rm $conf; call down-client; call unroute-client

# With the capabilities that pluto leaves its children: no file is theirs to give away.
fresh 'nameserver 192.168.1.1\n'
WRAP=(setpriv --bounding-set=-all,+net_admin,+net_raw,+dac_read_search)
check "as a child of pluto's" silent_call up-client "${dns[@]}"
is "the file" "$(servers)" "10.0.0.53 2001:db8::53 192.168.1.1 "
call down-client; call unroute-client
check "is what it was" nothing_left
chgrp 7 $conf; keep
check "another group's" silent_call up-client "${dns[@]}"
is "is its own all the time" "$(stat -c %g $conf) $(servers)" "7 10.0.0.53 2001:db8::53 192.168.1.1 "
call down-client; call unroute-client
check "and what it was" nothing_left
chown 65534 $conf; keep
check "somebody else's cannot be written: told" failing "Permission denied"
WRAP=()
call down-client; call unroute-client
check "and nothing is left" nothing_left

# ---- somebody else, meanwhile ---------------------------------------------------------------------

fresh 'nameserver 192.168.1.1\n'
call up-client "${dns[@]}"
printf 'nameserver 192.168.7.1\nsearch hotel\n' > $conf; keep
check "DHCP writes its own: reconcile" fw reconcile
is "puts ours ahead of it" "$(servers)$(search)" "10.0.0.53 2001:db8::53 192.168.7.1 corp.example lab.example hotel"
call down-client; call unroute-client
check "and its own comes back" nothing_left
call up-client "${dns[@]}"
printf 'nameserver 192.168.8.1\n' > $conf; keep
call down-client; call unroute-client
check "or stays" nothing_left
WRAP=(strace -f -o /dev/null -e trace=fsync -e inject=fsync:delay_enter=1000000:when=2+)
call up-client "${dns[@]}" &
check "at the very moment" wait_for 10 test -s /etc/.resolv.conf.ipsec-fw
printf 'nameserver 192.168.8.8\n' > $conf
wait $!
WRAP=()
is "its own is not lost" "$(servers)" "10.0.0.53 2001:db8::53 192.168.8.8 "
call down-client; call unroute-client
is "and comes back" "$(cat $conf)" "nameserver 192.168.8.8"
printf 'nameserver 192.168.8.1\n' > $conf
call up-client "${dns[@]}"
sed -i 's/^nameserver 192.168.8.1/nameserver 192.168.9.1/' $conf
echo 'options rotate' >> $conf
call down-client; call unroute-client
is "an editor's change stays" "$(cat $conf)" "$(printf 'nameserver 192.168.9.1\noptions rotate')"

# ---- killed, swept, flushed ---------------------------------------------------------------------------

fresh 'nameserver 192.168.1.1\n'
call up-client "${dns[@]}"; cp $conf "$WORK/up"; call down-client; call unroute-client
killed() {	# SYSCALL N VERB: at that call it is killed
	WRAP=(strace -f -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2")
	call "$3-client" "${dns[@]}" > /dev/null 2>&1
	local status=$?
	WRAP=()
	[ $status -ge 128 ]
}
whole() { cmp -s $conf "$WORK/up" || cmp -s $conf <(printf 'nameserver 192.168.1.1\n'); }
kills=0
for syscall in rename,renameat,renameat2 write fsync symlinkat unlinkat fchmod; do
	for n in $(seq 40); do
		killed $syscall $n up || break
		kills=$((kills + 1))
		whole || not_ok "killed in up at the ${n}th $syscall" "$(cat $conf)"
		call up-client "${dns[@]}"
		cmp -s $conf "$WORK/up" || not_ok "up after that" "$(cat $conf)"
		call down-client; call unroute-client
	done
	call down-client; call unroute-client
	for n in $(seq 40); do
		call up-client "${dns[@]}"
		killed $syscall $n down || break
		kills=$((kills + 1))
		whole || not_ok "killed in down at the ${n}th $syscall" "$(cat $conf)"
		call down-client; call unroute-client
		same || not_ok "down after that" "$(cat $conf)"
	done
	call down-client; call unroute-client
done
above "killed anywhere, the file is the one or the other" $kills 20
check "and nothing is left at the end" nothing_left

call up-client "${dns[@]}"
rm -rf "$RUN"
check "the machine was reset: our lines have no owner" fw reconcile
check "and go" same
mkdir -p "$RUN/netns-1/shared/dns-file-"
call up-client "${dns[@]}"; cp $conf "$WORK/up"; rm -rf "$RUN"/netns-[!1]*
check "another network namespace has lines in it" fw reconcile
check "and keeps them" cmp "$WORK/up" $conf
rm -r "$RUN/netns-1"
check "until it has none" fw reconcile
check "then they go" same
call up-client "${dns[@]}"
check "flush" fw flush --yes
check "lets go" nothing_left
call up-client "${dns[@]}"
printf '[default]\nupdown = native\ndns = off\n' | ini
check "settings that want none" fw reconcile
check "let go" same
call down-client; call unroute-client
call up-client "${dns[@]}"
check "and do nothing" same
call down-client; call unroute-client
check "at all" nothing_left
