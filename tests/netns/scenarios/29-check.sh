# backend: nftables
# What is wrong with settings: all of it, each with its place.
. "$TESTS/netns/lib.sh"
. "$TESTS/netns/fw.sh"
found() { "$PREFIX/usr/sbin/ipsec-fw" check "$@"; }
cat > "$WORK/bad.conf" <<'INI'
gaurd = off
[global]
backend = nftabels
[defualt]
mark = 1
[default]
gaurd = off
mss = 12
accept-in = tpc/443
mark: auto
nonsense
log-rate = 0
log-rate = 5
[conn office]
template = brnch
guard-local = 192.0.1.1/24
[template branch]
accept = forward
INI
found "$WORK/bad.conf" > "$WORK/found"
is "exit 1" $? 1
is "everything is found, in order" "$(sed "s|^$WORK/bad.conf:\([0-9]*\): .*|\1|" "$WORK/found" | tr '\n' ' ')" "1 3 4 7 8 9 10 11 12 16 15 "
check "a key before any section" grep -q ":1: 'gaurd' stands before any section" "$WORK/found"
check "with the nearest word" grep -q ":7: unknown key 'gaurd'; did you mean 'guard'?" "$WORK/found"
check "of a value" grep -q ":3: backend = nftabels: .*did you mean 'nftables'?" "$WORK/found"
check "of a section" grep -q ":4: unknown section \[defualt\].*did you mean 'default'?" "$WORK/found"
is "whose keys are not complained of" "$(grep -c ':5: ' "$WORK/found")" 0
check "of a protocol" grep -q ":9: accept-in = tpc/443: .*did you mean 'tcp'?" "$WORK/found"
check "of a template" grep -q ":15: template = brnch: .*did you mean 'branch'?" "$WORK/found"
is "the helper says the first of them" "$(INI=$WORK/bad.conf call up-client 2>&1 | grep -c ":1: ")" 1
is "JSON" "$(found --json "$WORK/bad.conf" | jq -r '.[] | "\(.file) \(.line)"' | sed -n 2p)" "$WORK/bad.conf 3"
is "JSON of no finding" "$(found --json "$INI" | jq length)" 0
is "no finding" "$(found "$INI")" "no finding"
check "exit 0" found "$INI"
is "--config" "$(fw check)" "no finding"
check "a file that is not there" refuses 1 "nowhere.conf: No such file" check "$WORK/nowhere.conf"
printf '[conn office]\ntemplate = branch\n' > "$WORK/part.conf"
is "alone, its template is missing" "$(found "$WORK/part.conf" | wc -l)" 1
printf '[template branch]\nmss = clamp\n' > "$WORK/first.conf"
check "together they are whole" found "$WORK/first.conf" "$WORK/part.conf"
printf '[template a]\ntemplate = b\n[template b]\ntemplate = a\nmark = off\n[default]\ntemplate = a\nmark-source = esp\n' > "$WORK/round.conf"
check "templates without end do not hang it" timeout 10 bash -c "! '$PREFIX/usr/sbin/ipsec-fw' check '$WORK/round.conf' > $WORK/found; grep -q 'inherit from themselves' $WORK/found"
printf '[default]\n%s\nmss = bad\n' "log-prefix = $(printf 'x%.0s' {1..300})" > "$WORK/long.conf"
is "a line too long is no end" "$(found "$WORK/long.conf" | wc -l)" 2
chmod 666 "$WORK/part.conf"
is "a file that others can write" "$(found "$WORK/part.conf" | grep -c 'others can write it')" 1
for file in "$TESTS"/../examples/{.,*}/ipsec-fw.conf; do
	check "right: ${file#*/examples/}" found "$file"
done
