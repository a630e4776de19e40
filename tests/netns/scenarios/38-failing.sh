# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 10800
# A system call that fails: the event succeeds all the same, or says why it does
# not and leaves everything as it was; the next one brings all to its end.
. "$TESTS/netns/lib.sh"
step=11
. "$TESTS/netns/faults.sh"

# What a call can fail with, as numbers.
errors_of() {	# call
	local EINTR=4 EIO=5 EAGAIN=11 ENOMEM=12 EACCES=13 EMFILE=24 ENOSPC=28 EROFS=30 ENOLCK=37 ENOBUFS=105
	case $1 in
	openat) echo $EACCES $EMFILE $ENOMEM $ENOSPC ;;
	mkdirat | symlinkat | renameat | unlinkat) echo $EACCES $EROFS $ENOSPC $EIO ;;
	write) echo $ENOSPC $EIO ;;
	fsync) echo $EIO $ENOSPC ;;
	read | getdents64 | newfstatat | readlinkat) echo $EIO $ENOMEM ;;
	faccessat*) echo $EROFS ;;
	fcntl:37 | flock) echo $EINTR $ENOLCK ;;	# F_OFD_SETLK
	socket | bind) echo $EACCES $ENOMEM $ENOBUFS ;;
	sendmsg | sendto | recvmsg | recvfrom:*) echo $EINTR $ENOBUFS $ENOMEM ;;
	getsockopt | setsockopt:64) echo $EAGAIN $ENOMEM $EACCES ;;
	esac
}

spoiling() {	# event: "N CALL ERRNO" of all, $step apart
	local n=0 name error
	while read -r name; do
		n=$((n + 1))
		for error in $(errors_of "$name"); do echo "$n $name $error"; done
	done < "$WORK/calls" | awk -v step=$step -v turn=$turn 'NR % step == turn % step'
}

failed() {	# event
	local n name error status what
	spoiling > "$WORK/chosen"
	while read -r n name error <&5; do
		what="call $n ($name) fails with $error"
		WRAP=("$FAULT" $error $n)
		event_$1 > "$WORK/said" 2>&1
		status=$?
		WRAP=()
		grep -q "^spoilt: $name$" "$WORK/said" || echo "$what: was not spoilt: $(cat "$WORK/said")"
		judge $1 $status "$what"
	done 5< "$WORK/chosen"
}

spoil_events failed
