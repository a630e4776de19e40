# SPDX-License-Identifier: GPL-2.0-or-later
# Variables that are broken or hostile: exit 1, one printable line that names
# the variable, the tables as before.
. "$TESTS/netns/lib.sh"
foreign_rules
call up-client PLUTO_CONNECTION=other PLUTO_PEER_CLIENT=10.0.0.0/8
keep_tables -c
find "$RUN" -type f | sort | xargs sha256sum > "$WORK/records"
long=$(head -c 65536 /dev/zero | tr '\0' x)

# Value by value; "-" is a variable that is not there.
while IFS='|' read -r variable value; do
	value=$(printf -- "$value.")	# keeps a newline at the end
	value=${value%.}
	if [ "$value" = - ]; then
		WRAP=(env -u "$variable")
		check "no $variable" refused "$variable" up-client
		WRAP=()
	else
		check "$variable=$(printf '%q' "$value")" refused "$variable" \
			up-client "$variable=$value"
	fi
done <<'VALUES'
PLUTO_VERB|-
PLUTO_CONNECTION|-
PLUTO_CONNECTION|a\nb
PLUTO_CONNECTION|a\033[2Jb
PLUTO_CONNECTION|\377\376
PLUTO_CONNECTION|\303\050
PLUTO_ME|-
PLUTO_ME|198.51.100
PLUTO_ME|198.51.100.256
PLUTO_ME|0x7f.1
PLUTO_ME|localhost
PLUTO_ME|2001:db8::1
PLUTO_PEER|$(id)
PLUTO_PEER|198.51.100.2 
PLUTO_MY_CLIENT|-
PLUTO_MY_CLIENT|192.0.1.0/33
PLUTO_MY_CLIENT|192.0.1.0/-1
PLUTO_MY_CLIENT|192.0.1.0/024x
PLUTO_MY_CLIENT|192.0.1.1/24
PLUTO_MY_CLIENT|192.0.1.0/255.255.255.0
PLUTO_MY_CLIENT|2001:db8::/129
PLUTO_MY_CLIENT|2001:db8::/32
PLUTO_PEER_CLIENT|192.0.2.9-192.0.2.1
PLUTO_PEER_CLIENT|192.0.2.1-2001:db8::1
PLUTO_PEER_CLIENT|192.0.2.0/24;reboot
PLUTO_PEER_CLIENT|192.0.2.0/24\n-j ACCEPT
PLUTO_PEER_CLIENT|0.0.0.1-255.255.255.254/8
PLUTO_MY_PROTOCOL|256
PLUTO_MY_PROTOCOL|-1
PLUTO_MY_PROTOCOL|tcp
PLUTO_PEER_PROTOCOL|99999999999999999999
PLUTO_MY_PORT|65536
PLUTO_MY_PORT|5:4
PLUTO_PEER_PORT|80
PLUTO_PEER_PORT|1:2:3
PLUTO_SA_REQID|-1
PLUTO_SA_REQID|4294967296
PLUTO_SA_REQID|16388x
PLUTO_SA_TYPE|esp4
SPI_IN|0x1ffffffff
PLUTO_CONN_KIND|CK_NONSENSE
PLUTO_INTERFACE|../../etc
PLUTO_INTERFACE|a b
PLUTO_INTERFACE|eth0123456789abcdef
PLUTO_VIRT_INTERFACE|ipsec1\n
PLUTO_VIRT_INTERFACE|ipsec+
XAUTH_FAILED|maybe
CONNMARK_IN|1/2/3
CONNMARK_OUT|0x1ffffffff/1
NFLOG|65536
PLUTO_MTU|a
PLUTO_PEER_ID|a\nb
PLUTO_PEER_ID|\300\200
PLUTO_PEER_DOMAIN_INFO|example.com\r\nevil
VALUES
for variable in PLUTO_CONNECTION PLUTO_PEER_ID PLUTO_PEER_BANNER \
	PLUTO_PEER_CLIENT PLUTO_VERB PLUTO_INTERFACE PLUTO_MY_PORT; do
	check "$variable of 64 KiB" refused "$variable" up-client \
		"$variable=$long"
done
for verb in '' - up- -up up-down sideways up-client-v7 'up client' UP \
	'up-client;reboot' prepare-unroute; do
	check "verb '$verb'" refused PLUTO_VERB "$verb"
done
# What the peer may say without being obeyed.
check "shell words in the peer's texts are texts" silent_call down-client \
	"PLUTO_PEER_ID=@\$(touch $WORK/hacked)" "PLUTO_PEER_BANNER=\`touch $WORK/hacked\`" \
	"PLUTO_PEER_DOMAIN_INFO=a b; touch $WORK/hacked --x" \
	"PLUTO_USERNAME=() { :; }; touch $WORK/hacked"
check "nobody obeyed" test ! -e "$WORK/hacked"
check "unknown variables are not read" silent_call down-client \
	PLUTO_FOO=$'\n' LD_NOTHING=x MTU=-1 PLUTO_MY_CLIENT_NET=nonsense
name=$'na"me\'s \\ %s $(x) \xc3\xa4'
check "a name with quotes and more" silent_call up-client "PLUTO_CONNECTION=$name"
check "and goes again" silent_call down-client "PLUTO_CONNECTION=$name"
name=$(printf 'n%.0s' {1..1022})
check "a name of 1023 bytes" silent_call up-client "PLUTO_CONNECTION=${name}1"
keep=$(rules_of)
check "and one that differs in its last" silent_call up-client "PLUTO_CONNECTION=${name}2"
above "has rules of its own" "$(rules_of)" "$keep"
check "and goes again" silent_call down-client "PLUTO_CONNECTION=${name}2"
is "alone" "$(rules_of)" "$keep"
check "the first goes" silent_call down-client "PLUTO_CONNECTION=${name}1"
check "a longer one" refused '1 to 1023 bytes' up-client "PLUTO_CONNECTION=${name}12"
check "two ranges that need too many prefixes" refused PLUTO_MY_CLIENT up-client \
	PLUTO_CONN_KIND=CK_PERMANENT PLUTO_MY_CLIENT=10.0.0.1-10.127.255.254 \
	PLUTO_PEER_CLIENT=11.0.0.1-11.127.255.254
output=$(bare 2>&1)
is "no variables at all: exit" $? 1
check "and a hint" grep -q 'PLUTO_VERB is missing.*called by an IKE daemon' <<< "$output"
check "the tables are as before" same_tables -c
check "the records too" sha256sum --quiet -c "$WORK/records"
