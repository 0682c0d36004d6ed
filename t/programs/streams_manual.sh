# Tests tocsin-streams(7): each program on the page compiles as printed, with the command on the
# page, and does what the page says: the line server answers its client, directly and through the
# proxy with and without a limit, and ends a client with a line that is too long; the server of sums
# answers after the end of its client; the scanner finds the port of the line server.
python3 -c '' 2>/dev/null ||
    { echo "skip: programs/streams_manual: there is no python3"; exit 77; }
dir=$(mktemp -d) || exit 2
lines= proxy= slow= sums=
trap 'kill $lines $proxy $slow $sums 2>/dev/null; rm -rf "$dir"' EXIT
here=$PWD
failed=0

is() {   # text, expected text
    test "$1" = "$2" || { echo "said: $1"; failed=1; }
}

# Extracts each display that a comment of the page names. \e is a backslash.
awk -v dir="$dir" '
/^\.\\" file / { name = dir "/" $3 }
/^\.\\" run$/  { name = dir "/command" }
/^\.Bd / && name { inside = 1; next }
/^\.Ed$/       { inside = 0; name = "" }
inside         { gsub(/\\e/, "\\"); print >name }' "$srcdir/man/tocsin-streams.7"

# Replaces pkg-config and the compiler, so that the command uses the library of this build.
mkdir "$dir/bin" && cat >"$dir/bin/pkg-config" <<SH && cat >"$dir/bin/cc" <<SH || exit 2
#!/bin/sh
echo "-I$(cd "$srcdir" && pwd)/include $here/.libs/libtocsin.so -Wl,-rpath,$here/.libs"
SH
#!/bin/sh
exec $CC $SANITIZE -Wall -Wextra -Werror "\$@"
SH
chmod +x "$dir/bin/pkg-config" "$dir/bin/cc"
PATH=$dir/bin:$PATH
cd "$dir" || exit 2

is "$(ls ./*.c | tr -d '\n')" ./ask.c./lines.c./proxy.c./scan.c./sums.c
for program in ask lines proxy scan sums; do
    sed "s/lines/$program/g" command | sh || exit 1
done
port=$(python3 -c 'import socket
print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
./lines "tcp:127.0.0.1:$port" &
lines=$!
./proxy unix:./proxy.sock "tcp:127.0.0.1:$port" &
proxy=$!
./proxy unix:./slow.sock "tcp:127.0.0.1:$port" 1000000 &
slow=$!
./sums unix:./sums.sock &
sums=$!

ask() {   # address, text. Waits until the server listens
    for try in $(seq 100); do
        said=$(./ask "$1" "$2" 2>&1) && break
        sleep 0.1
    done
    echo "$said"
}

is "$(ask "tcp:127.0.0.1:$port" hello)" "6 bytes"
is "$(ask unix:./proxy.sock "$(printf 'one\nthree')")" "4 bytes
6 bytes"
is "$(ask unix:./slow.sock hello)" "6 bytes"
is "$(ask unix:./sums.sock "$(printf '1\n2\n39')")" 42
is "$(ask unix:./sums.sock "$(seq 5000)")" 12502500
long=$(printf '%2000s' x)
is "$(./ask "tcp:127.0.0.1:$port" "$long" 2>&1 | grep -v 'connection reset')" ""
is "$(./ask unix:./nobody hello 2>&1 | grep -c '^unix:./nobody: .*no such file')" 1
TOCSIN_DEBUG=1 ./ask "localhost:$port" hello 2>&1 |
    grep -q "'localhost:$port' does not begin with a scheme" ||
    { echo "no word about the missing scheme"; failed=1; }
for try in $(seq 20); do   # a machine under load may need more than half a second
    ./scan 127.0.0.1 "$((port - 1))-$((port + 1))" | grep -q "^$port\$" && break
done || { echo "the scanner does not find $port"; failed=1; }
kill $lines $proxy $slow $sums
for server in $lines $proxy $slow $sums; do
    wait $server || { echo "a server ended with $?"; failed=1; }
done
lines= proxy= slow= sums=
exit $failed
