# README.md contains a program, a server, and a plugin made of the program. All compile as printed,
# and do what README.md says. The server runs at another address, since its port may be taken.
dir=$(mktemp -d ./readme.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
chmod go-w "$dir" && umask 022 || exit 2
awk -v dir="$dir" '
/^```c$/ { inside = ++blocks; next }
/^```/   { inside = 0 }
inside == 1 { print >(dir "/program.c") }
inside == 1 && /^int main/ { main = 1 }
inside == 2 { print >(dir "/echo.c") }
inside == 3 || (inside == 1 && !main) { print >(dir "/ding.c") }
END { exit blocks != 3 }' "$srcdir/README.md" ||
    { echo "README.md must have three blocks: a program, a server and a plugin"; exit 1; }
compiled() {   # options and source
    $CC $SANITIZE -Wall -Wextra -Werror -I"$srcdir/include" "$@" "$srcdir/t/house/line.c" \
        .libs/libtocsin.so -Wl,-rpath,"$PWD/.libs" || exit 1
}
compiled -o "$dir/program" "$dir/program.c"
compiled -o "$dir/echo" "$dir/echo.c"
sed "s/tcp:[*]:7777/unix:@tocsin-readme-$$/" "$dir/echo.c" >"$dir/echo_here.c"
compiled -o "$dir/echo_here" "$dir/echo_here.c"
grep -q "^    cc -fvisibility=hidden -shared -fPIC -o ding.so" "$srcdir/README.md" ||
    { echo "its command is another one"; exit 1; }
compiled -fvisibility=hidden -shared -fPIC -o "$dir/ding.so" "$dir/ding.c"
mkfifo "$dir/pipe"
failed=0

dings() {   # command: it must print at least two lines
    timeout 60 "$@" >"$dir/pipe" &
    said=$(head -n 2 <"$dir/pipe")
    kill $!
    # waits, since the old command would otherwise still hold its end of the pipe open
    wait $!
    test "$said" = "timer.ticked: ding
timer.ticked: ding" || { echo "$1 said: $said"; failed=1; }
}

dings "$dir/program"
if python3 -c '' 2>/dev/null; then
    "$dir/echo_here" &
    server=$!
    python3 - "$$" <<END || { echo "the server does not send everything back"; failed=1; }
import socket, sys, time
for _ in range(600):  # the server may not listen yet
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect("\\0tocsin-readme-" + sys.argv[1])
        break
    except OSError:
        time.sleep(0.1)
client.sendall(b"hello" * 1000)
client.shutdown(socket.SHUT_WR)
came = b""
while (part := client.recv(65536)):
    came += part
sys.exit(came != b"hello" * 1000)
END
    kill $server
    wait $server || { echo "the server ended with $?"; failed=1; }
else
    echo "skip: house/readme: there is no python3"
fi
if test "$with_tools" = yes; then
    printf '[plugin ding]\nfile = ding.so\n' >"$dir/ding.ini"
    dings tools/tocsin/tocsin run "$dir/ding.ini"
else
    echo "skip: house/readme: the program tocsin is $with_tools"
fi
exit $failed
