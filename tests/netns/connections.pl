# SPDX-License-Identifier: GPL-2.0-or-later
# connections.pl - random connections of a gateway, their settings and events.
use strict;
use warnings;

our ($backend, $scale, $folder, $many);
my $helper = $ENV{HELPER};

sub pick { return $_[int rand @_] }
sub chance { return rand() < $_[0] }

my %pool = (
	lan => [ qw(10.1.0.0/16 10.1.0.0/24 10.1.1.0/24 10.1.0.8/29 10.1.0.10/32
		10.1.0.5-10.1.0.20 0.0.0.0/0) ],
	wan => [ qw(10.2.0.0/16 10.2.0.0/24 10.2.1.0/24 10.2.0.8/29 10.2.0.10/32
		10.2.0.5-10.2.0.20 10.0.0.0/8 0.0.0.0/0) ],
	lan6 => [ qw(2001:db8:1::/48 2001:db8:1::/64 2001:db8:1:1::/64 2001:db8:1::a/128
		2001:db8:1::5-2001:db8:1::14) ],
	wan6 => [ qw(2001:db8:2::/48 2001:db8:2::/64 2001:db8:2:1::/64 2001:db8:2::a/128
		2001:db8:2::5-2001:db8:2::14 ::/0) ],
);

# Among many, most have a corner of their own, in which a few others are.
sub net {
	my ($side, $six) = @_;
	my ($corner, $host) = (int rand 64, 1 + int rand 30);

	return pick(@{$pool{"$side$six"}}) if !$many || chance(0.01);
	my $net = ($six ? $side eq "lan" ? "2001:db8:1:" : "2001:db8:2:" :
			  $side eq "lan" ? "10.1." : "10.2.") . $corner;
	return pick("$net\::/64", "$net\::$host/128", "$net\::8-$net\::17") if $six;
	return pick("$net.0/24", "$net.0/24", "$net.$host/32", "$net.8-$net.23");
}

# The name's first letter says its settings.
sub make_connection {
	my ($n) = @_;
	my $kind = pick(qw(g g g r r n x1 x2 u));
	my $six = chance(0.4) ? "6" : "";
	my %c = (
		PLUTO_CONNECTION => "$kind-$n",
		PLUTO_CONNECTION_TYPE => "tunnel",
		PLUTO_CONN_KIND => chance(0.2) ? "CK_INSTANCE" : "CK_PERMANENT",
		PLUTO_CONN_POLICY => "IKEv2+PSK+ENCRYPT+TUNNEL+PFS",
		PLUTO_CONN_ADDRFAMILY => "ipv4",
		PLUTO_INTERFACE => "w0",
		PLUTO_ME => "198.51.100.1",
		PLUTO_PEER => "198.51.100." . (2 + int rand 3),
		PLUTO_MY_CLIENT => net("lan", $six),
		PLUTO_PEER_CLIENT => net("wan", $six),
		PLUTO_MY_PORT => 0, PLUTO_MY_PROTOCOL => 0,
		PLUTO_PEER_PORT => 0, PLUTO_PEER_PROTOCOL => 0,
		PLUTO_SA_REQID => 16384 + 4 * $n, PLUTO_SA_TYPE => "ESP",
		SPI_IN => "0x24ab361e", SPI_OUT => "0x1fb0cd55",
		XAUTH_FAILED => 0, PLUTO_STACK => "xfrm",
	);
	# With everything on our side, what is translated to the gateway's address
	# is protected again: nftables looks behind translation, the legacy tables
	# do not.  So nothing that a passthrough policy is for.
	$c{PLUTO_PEER_CLIENT} = "10.2.1.0/24" if $c{PLUTO_MY_CLIENT} eq "0.0.0.0/0";
	if (chance(0.3)) {
		my $proto = pick(6, 17);
		$c{PLUTO_MY_PROTOCOL} = $c{PLUTO_PEER_PROTOCOL} = $proto;
		$c{PLUTO_PEER_PORT} = pick(0, 53, 8080);
		$c{PLUTO_MY_PORT} = pick(0, 0, 4000);
	}
	return \%c;
}

sub write_settings {	# lines for all of them
	my ($default) = @_;
	open my $f, ">", "$folder/ini" or die "$folder/ini: $!";
	print $f <<INI;
[global]
backend = $backend
scale = $scale
[default]
chain-updown = off
$default
[conn r*]
reject = yes
accept-in = icmp, tcp/8080
[conn n*]
guard = off
[conn u*]
guard = up
guard-exempt = 10.2.0.8/30, 2001:db8:2::8/125
[conn x1*]
mark-source = esp
mark = 0x10000/0xff0000
accept-in = udp/53
[conn x2*]
mark-source = esp
mark = 0x20000/0xff0000
connmark = yes
guard = off
INI
	close $f;
	chmod 0600, "$folder/ini";
}

sub call {	# a daemon's
	my ($verb, $c, %more) = @_;
	local %ENV = (PATH => $ENV{PATH}, LD_LIBRARY_PATH => $ENV{LD_LIBRARY_PATH},
		%$c, %more, PLUTO_VERB => "$verb-client");
	# What is down and stays guarded is said on standard error.
	my $status = system("exec '$helper' --config '$folder/ini' --run-dir '$folder/run' " .
		"--state-dir '$folder/state' 2> '$folder/said'");
	print "event $verb $c->{PLUTO_CONNECTION} $c->{PLUTO_MY_CLIENT} " .
		"$c->{PLUTO_PEER_CLIENT} $c->{PLUTO_PEER_PROTOCOL} " .
		"$c->{PLUTO_MY_PORT} $c->{PLUTO_PEER_PORT} " . join(" ", %more) .
		": status $status\n";
}

1;
