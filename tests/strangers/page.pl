#!/usr/bin/perl
# Requests a page that takes so many milliseconds, as a web server does: page MS [PEER]. Exit 0: the answer is complete.
use strict;
use IO::Socket::IP;
use IO::Socket::UNIX;

my ($ms, $peer) = ($ARGV[0], $ARGV[1] // '@PEER@');
my ($host, $port) = $peer =~ /^\[?(.*?)\]?:(\d+)$/;
my $socket = $peer =~ m{^/}
    ? IO::Socket::UNIX->new(Peer => $peer)
    : IO::Socket::IP->new(PeerHost => $host, PeerPort => $port);
$socket or die "cannot connect to $peer: $!\n";

my %params = (
    REQUEST_METHOD => 'GET', SCRIPT_NAME => '/p.php', SCRIPT_FILENAME => '/var/www/p.php',
    QUERY_STRING => "ms=$ms", SERVER_PROTOCOL => 'HTTP/1.1', REMOTE_ADDR => '127.0.0.1',
);
my $params = join '', map { pack('CC', length $_, length $params{$_}) . $_ . $params{$_} } sort keys %params;
sub record { my ($type, $body) = @_; pack('CCnnCC', 1, $type, 1, length $body, 0, 0) . $body }
$socket->syswrite(record(1, pack('nCx5', 1, 0)) . record(4, $params) . record(4, '') . record(5, ''));
# The long request to the server itself: somebody waits for it to be on its way.
if ($ms >= 1000 && !$ARGV[1]) { open my $sent, '>', '/run/sent' }

my ($buffer, $complete) = ('', 0);
while (!$complete && sysread $socket, my $piece, 65536) {
    $buffer .= $piece;
    while (length $buffer >= 8) {
        my ($version, $type, $id, $length, $padding) = unpack 'CCnnC', $buffer;
        last if length $buffer < 8 + $length + $padding;
        print substr $buffer, 8, $length if $type == 6;
        $complete = 1 if $type == 3;
        $buffer = substr $buffer, 8 + $length + $padding;
    }
}
exit($complete ? 0 : 1);
