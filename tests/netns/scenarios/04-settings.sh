# SPDX-License-Identifier: GPL-2.0-or-later
# Settings that change or break while a connection is up.
. "$TESTS/netns/lib.sh"
keep_tables
with() {	# lines for [default]
	{ printf '[default]\nchain-updown = off\n'; printf '%s\n' "$@"; } | ini
}

with 'log = NFLOG' 'log-group = 5' 'reject = yes' 'connmark = yes' \
	'mss = clamp' 'open-ike = yes' 'accept-in = tcp/22'
call up-client
with
check "down after the settings changed" silent_call down-client
check "removes all that up made" same_tables

with 'reject = yes'
call up-client
above "reject is there" "$(rejects)" 0
with
call up-client
is "up after a change takes away what no setting asks for" "$(rejects)" 0

with 'gaurd = off'
output=$(call down-client 2>&1)
is "down does not need the settings" $? 0
is "but says what is wrong with them" "$output" \
	"office: down-client: $INI:3: unknown key 'gaurd'; did you mean 'guard'?"
check "tables after it" same_tables

keep_tables
check "up with broken settings fails" refused "unknown key 'gaurd'" up-client
check "and changes nothing" same_tables
# An up that stands is not taken down by somebody's slip of the pen.
with
call up-client
with 'gaurd = off'
keep_up=$(tables)
output=$(call route-client 2>&1)
is "route after the settings broke does not fail" $? 0
is "nor change anything" "$(tables)" "$keep_up"
check "an up after they broke fails" refused "unknown key 'gaurd'" up-client
is "and leaves what is up" "$(tables)" "$keep_up"
with
check "mended, it comes up" silent_call up-client
is "and accepts" "$(accepts office)" 2
call down-client
check "tables after all" same_tables

with
chmod 620 "$INI"
check "settings that others can write are refused" refused "others can write it" up-client
chmod 600 "$INI"
chown nobody "$INI"
check "settings of another user are refused" refused "belongs to user" up-client
chown root "$INI"
rm "$INI"
mkdir "$INI"
check "a folder instead of a file" refused "not a regular file" up-client
rmdir "$INI"
with
call down-client
check "tables after all" same_tables

# Each [conn] has its own.
ini <<-'INI'
[default]
chain-updown = off
[template quiet]
accept = none
[conn off*]
template = quiet
guard = off
mark = off
[conn office]
template = quiet
INI
call up-client
is "the exact name wins" "$(guards office)" 2
is "with its template" "$(accepts office) $(nat_exempts office)" "0 1"
call up-client PLUTO_CONNECTION=off-site
is "a pattern" "$(guards off_site)" 0
call down-client PLUTO_CONNECTION=off-site
call down-client

with
check "XAUTH that failed is said" grep -q "XAUTH failed: all traffic of the connection is blocked" <<< "$(call up-client XAUTH_FAILED=1 2>&1)"
is "and not accepted" "$(accepts office)" 0
is "but blocked, decrypted or not" "$(blocks office) $(blocked_sas office 16389)" "2 2"
with 'accept-xauth-failed = yes'
is "unless the settings say so" "$(call up-client XAUTH_FAILED=1; accepts office)" 2
call down-client
check "tables after all" same_tables
