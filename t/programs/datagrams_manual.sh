# Tests tocsin-datagrams(7): each program on the page compiles with the command on the page, and
# does what the page says, over UDP and over Unix sockets; the client gives up if nobody listens.
dir=$(mktemp -d) || exit 2
trap 'kill $servers 2>/dev/null; rm -rf "$dir"' EXIT
here=$PWD
failed=0
servers=

is() {   # text, expected text
    test "$1" = "$2" || { echo "said: $1"; failed=1; }
}

# Extracts each display that a comment of the page names. All commands go to one file. \e is a
# backslash.
awk -v dir="$dir" '
/^\.\\" file / { name = dir "/" $3 }
/^\.\\" run$/  { name = dir "/commands" }
/^\.Bd / && name { inside = 1; next }
/^\.Ed$/       { inside = 0; name = "" }
inside         { gsub(/\\e/, "\\"); print >name }' "$srcdir/man/tocsin-datagrams.7"

# Replaces pkg-config and the compiler, so that the commands use the library of this build.
script() { { echo '#!/bin/sh'; cat; } >"$dir/bin/$1"; }
mkdir "$dir/bin" || exit 2
script pkg-config <<SH
echo "-I$(cd "$srcdir" && pwd)/include $here/.libs/libtocsin.so -Wl,-rpath,$here/.libs" \\
    "$EVENT_CFLAGS $EVENT_LIBS"
SH
script cc <<SH
exec $CC $SANITIZE -Wall -Wextra -Werror "\$@"
SH
chmod +x "$dir/bin/pkg-config" "$dir/bin/cc"
PATH=$dir/bin:$PATH
cd "$dir" || exit 2

is "$(wc -l <commands)" 2
sh commands || exit 1
./shout unix:shout.sock &
servers=$!
for try in 1 2 3 4 5 6 7 8 9 10; do
    test -S shout.sock && break
    sleep 1
done
is "$(timeout 60 ./ask unix:shout.sock hello)" HELLO
is "$(timeout 60 ./ask unix:shout.sock again)" AGAIN
timeout 60 ./ask unix:nobody.sock hello && { echo "somebody answered"; failed=1; }

# A port that is free, as far as that can be known. The client asks again until the server listens.
port=$((20000 + $$ % 10000))
./shout "udp:127.0.0.1:$port" 2>/dev/null &
udp=$!
servers="$servers $udp"
said=$(timeout 60 ./ask "udp:127.0.0.1:$port" hello 2>errors)
if kill -0 $udp 2>/dev/null; then
    is "$said" HELLO
    kill $udp
    wait $udp 2>/dev/null
    timeout 60 ./ask "udp:127.0.0.1:$port" hello 2>errors >/dev/null &&
        { echo "somebody answered"; failed=1; }
    grep -q "^udp:127.0.0.1:$port: " errors || { echo "no loss was reported"; failed=1; }
else
    echo "skip: programs/datagrams_manual: port $port is taken"
fi
exit $failed
