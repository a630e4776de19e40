# SPDX-License-Identifier: GPL-2.0-or-later
# What a helper that was taken over can do when it commits: nothing but that.  The
# kernel needs Landlock (lsm=...,landlock).
. "$TESTS/netns/lib.sh"
private_etc
printf '[default]\nchain-updown = off\n' | ini
intruder=$WORK/intrude.so
cc -Wall -fPIC -shared -o "$intruder" "$TESTS/netns/intrude.c" -ldl || exit 1

# What came of it, at the commit of a call.
intrude() {	# WHAT VERB [NAME=VALUE...]
	local what=$1
	shift
	WRAP=(env LD_PRELOAD="$intruder" INTRUDER="$what")
	call "$@" 2>&1
	local status=$?
	WRAP=()
	return $status
}

# Capabilities 12 and 13: NET_ADMIN, and NET_RAW for libiptc's sockets.
caps=0000000000001000 raw=EPERM
[ $BACKEND = nftables ] || caps=0000000000003000 raw='done'
none=0000000000000000
few_rights() {
	cat <<-RIGHTS
	CapInh:	$none
	CapPrm:	$caps
	CapEff:	$caps
	CapAmb:	$none
	NoNewPrivs:	1
	Seccomp:	2
	RIGHTS
}
refused_calls() {
	cat <<-CALLS
	read /etc/shadow: EACCES
	write /etc/passwd: EACCES
	make /etc/x: EACCES
	remove /etc/x: ENOENT
	list /root: EACCES
	write core_pattern: EACCES
	read its parent's memory: EPERM
	execve: EPERM
	an IPv4 socket: EPERM
	an IPv6 socket: EPERM
	an ICMP socket: EPERM
	a raw socket: $raw
	a packet socket: EPERM
	an audit socket: EPERM
	ptrace: EPERM
	mount: EPERM
	umount: EPERM
	setuid: EPERM
	capset: EPERM
	kill: EPERM
	tgkill: EPERM
	unshare: EPERM
	clone with a user namespace: EPERM
	setns: EPERM
	init_module: EPERM
	finit_module: EPERM
	kexec_load: EPERM
	bpf: EPERM
	perf_event_open: EPERM
	keyctl: EPERM
	mknod: EPERM
	chmod: EPERM
	type for a terminal: EPERM
	io_uring: ENOSYS
	CALLS
}

# ---- one process, few rights ----------------------------------------------------------

is "an up has few rights when it commits" "$(intrude status up-client)" "$(few_rights)"
call down-client
is "what a taken-over helper tries is refused" "$(intrude calls up-client)" "$(refused_calls)"
check "and the up is none the worse" test "$(rules_of office)" -gt 0
is "a down: its rights" "$(intrude status down-client)" "$(few_rights)"
call up-client
is "a down: what is refused" "$(intrude calls down-client)" "$(refused_calls)"
OPTIONS=(--unconfined)
output=$(intrude calls up-client)
is "unconfined, all of these would be attempted" "$(wc -l <<< "$output")" "$(refused_calls | wc -l)"
check "and some would be done" grep -q '^read /etc/shadow: done$' <<< "$output"
is "by a process that may do anything" "$(intrude status down-client | sed -n 's/^Seccomp:\t//p')" 0
OPTIONS=()
ip link add w0 type veth peer name w1
ip addr add 198.51.100.1/24 dev w0
ip link set w0 up
# Why the bounding set can stay: it gives root nothing back, even where execve works.
after_execve() {	# no_new_privs
	perl -e 'syscall(157, 38, 1, 0, 0, 0) if $ARGV[0];	# prctl
		my ($head, $data) = (pack("LL", 0x20080522, 0), pack("L6", (1 << 12) x 2, (0) x 4));
		syscall(126, $head, $data) == 0 or die;		# capset
		exec "sed", "-n", "s/^CapPrm:\t//p", "/proc/self/status"' "$1"
}
is "with no_new_privs, execve gives root nothing back" "$(after_execve 1)" 0000000000001000
is "which it does without" "$(after_execve 0)" "$(sed -n 's/^CapBnd:\t//p' /proc/$$/status)"
WRAP=(strace -f -qq -e trace=socketpair -e signal=none)
printf '[default]\nchain-updown = off\nupdown = native\n' | ini
for verb in up prepare route down unroute; do
	is "$verb leaves no process with more" "$(call $verb-client 2>&1)" ""
done
WRAP=()
ip link del w0
printf '[default]\nchain-updown = off\n' | ini

# ---- iptables' extensions: whoever writes one, or finds a mistake in one -------------------

if [ $BACKEND = iptables ]; then
	xtables=$(pkg-config --variable=xtlibdir xtables)
	cp -a "$xtables" "$WORK/xtables"
	cp "$intruder" "$WORK/xtables/libxt_intruder.so"
	printf '[default]\nchain-updown = off\niptables = filter FORWARD in: -m intruder -j DROP\n' | ini
	call up-client XTABLES_LIBDIR="$WORK/xtables" INTRUDER="$RUN/loaded" > /dev/null 2>&1
	is "none is loaded from where the environment says" "$(ls "$RUN/loaded" 2> /dev/null)" ""
	mount --bind "$WORK/xtables" "$xtables"
	call up-client INTRUDER="$RUN/loaded" > /dev/null 2>&1
	umount "$xtables"
	is "from iptables' own folder, with as few rights" "$(cat "$RUN/loaded")" \
		"$(few_rights; refused_calls)"
	rm "$RUN/loaded"
	printf '[default]\nchain-updown = off\n' | ini
fi

# ---- no core, with what a peer sent in it -----------------------------------------------

dumps() { (cd "$WORK" && ulimit -c unlimited &&
	perl -e '$s = system { $ARGV[0] } @ARGV; print $s & 128 ? "core" : "none", " ", $s & 127' "$@"); }
is "a program that crashes leaves a core here" "$(dumps perl -e 'kill SEGV => $$')" "core 11"
crash=(env -i PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" "${site[@]}" PLUTO_VERB=up-client
	LD_PRELOAD="$intruder" INTRUDER=crash "$HELPER" --config "$INI" --run-dir "$RUN" --state-dir "$STATE")
is "the helper does not" "$(dumps "${crash[@]}")" "none 11"
call up-client
call down-client
is "and the next calls are as ever" "$(rules_of office)" 0

# ---- the script has all that the daemon has ------------------------------------------------

cat > "$WORK/script" <<EOF2
#!/bin/sh
cat /proc/\$\$/environ > "$WORK/environ"
grep -e ^Cap -e ^NoNewPrivs -e ^Seccomp: /proc/\$\$/status > "$WORK/status"
ulimit -c > "$WORK/cores"
sleep \$(cat "$WORK/sleep" 2> /dev/null || echo 0)
EOF2
chmod 700 "$WORK/script"
printf '[default]\nupdown = chain\nchain-updown = %s\n' "$WORK/script" | ini
odd=$'PLUTO_NO_VARIABLE=\e[2J$(id) `id`; \'"\xff\n=x'
call up-client "$odd" 'NOT_A=PLUTO_VARIABLE' EMPTY=
printf '%s\0' PATH="$PATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" "${site[@]}" \
	PLUTO_VERB=up-client "$odd" NOT_A=PLUTO_VARIABLE EMPTY= > "$WORK/expected"
check "the script's environment is the daemon's, byte for byte" cmp "$WORK/expected" "$WORK/environ"
is "its rights are the daemon's" "$(cat "$WORK/status")" \
	"$(grep -e ^Cap -e ^NoNewPrivs -e ^Seccomp: /proc/$$/status)"
is "its cores too" "$(cat "$WORK/cores")" "$(ulimit -c)"
call down-client
is "beside it the firewall has few" "$(intrude status up-client | grep -v '^LD\|^ERROR')" "$(few_rights)"
is "what the process beside does for nobody" "$(intrude broker down-client | grep -v '^LD\|^ERROR')" \
"a shell: EPERM
unbound-control's other verbs: EPERM
unbound-control's options: EPERM
resolvconf, others' records: EPERM
more words than there are: EINVAL
no words: EINVAL
another module: EINVAL
another thing: EINVAL
half a request: EINVAL"
echo 30 > "$WORK/sleep"
call up-client > /dev/null 2>&1 &
check "a script that takes its time" wait_for 5 pgrep -f "^sleep 30"
few=(setpriv --bounding-set -all,+net_admin,+net_raw --inh-caps -all)
looks() { "${few[@]}" head -c 1 "/proc/$1/environ" > /dev/null 2>&1 && echo "sees what it has"; }
"${few[@]}" sleep 20 &
is "who has the same rights looks into a process" "$(sleep 0.2; looks $!)" "sees what it has"
is "not into ours" "$(looks "$(pgrep -n -f "^$HELPER")")" ""
kill $!
pkill -KILL -o -f "^$HELPER"
check "who kills the one process, kills both" wait_for 5 bash -c '! pgrep -f "^$0"' "$HELPER"
pkill -f '^sleep 30'
wait
rm "$WORK/sleep"
call down-client
printf '[default]\nchain-updown = off\n' | ini

# ---- a daemon of our own ------------------------------------------------------------------------

call up-client
"$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" monitor > "$WORK/monitor" 2>&1 &
monitor=$!
worker() { pgrep -P "$monitor"; }
check "the monitor has a process that works" wait_for 5 worker
check "and waits" wait_for 5 grep -q 'Seccomp:	2' "/proc/$(worker)/status"
is "with few rights, for good" "$(grep -e ^Cap -e ^NoNewPrivs -e ^Seccomp: "/proc/$(worker)/status")" \
"CapInh:	$none
CapPrm:	0000000000003000
CapEff:	0000000000003000
CapBnd:	$none
CapAmb:	$none
NoNewPrivs:	1
Seccomp:	2"
case $BACKEND in
nftables) nft delete table inet ipsec_fw ;;
iptables) iptables-legacy -t mangle -F PREROUTING ;;
esac
is_back() {
	case $BACKEND in
	nftables) nft list table inet ipsec_fw ;;
	iptables) iptables-legacy -t mangle -C PREROUTING -j ipsec-fw-pre ;;
	esac
}
check "it puts back what was lost" wait_for 5 is_back
is "and has nothing to complain of" "$(cat "$WORK/monitor")" ""
working=$(worker)
kill $monitor
wait $monitor 2> /dev/null
check "and is gone when it is told to" wait_for 5 bash -c '! kill -0 $0 2> /dev/null' "$working"
call down-client

# ---- where others confine as well ------------------------------------------------------------------

for what in seccomp landlock_restrict_self capset; do
	WRAP=("$NO_FLOCK" $what)
	check "a filter that kills at $what" silent_call up-client
	check "a filter that kills at $what, down" silent_call down-client
done
WRAP=("${few[@]}" --no-new-privs)
check "as pluto's child, without CAP_SETPCAP and the rest" silent_call up-client
check "as pluto's child, down" silent_call down-client
WRAP=()

# ---- whose are the files? ------------------------------------------------------------------------------

mkdir -m 777 "$WORK/open"
cp "$INI" "$WORK/open/ipsec-fw.conf"
INI=$WORK/open/ipsec-fw.conf
check "settings in a folder that others can write are refused" \
	refused "$WORK/open: others can write it; chmod go-w $WORK/open" up-client
chmod 755 "$WORK/open"
check "and taken once it is mended" silent_call up-client
call down-client

printf '[default]\nchain-updown = off\nguard = armed\n' | ini
call prepare-client
saved=$(echo "$STATE"/armed*)
chmod 775 "$saved"
output=$("$PREFIX/usr/sbin/ipsec-fw" --config "$INI" --run-dir "$RUN" --state-dir "$STATE" arm 2>&1)
is "saved guards that others can write: exit" $? 1
check "are not believed, and what mends it is said" grep -q "$saved: others can write there; chown root $saved; chmod 700 $saved" <<< "$output"
