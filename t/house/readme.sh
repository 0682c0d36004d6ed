# README.md contains a program, and a plugin made of it. Both compile as printed, and do what
# README.md says.
dir=$(mktemp -d ./readme.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
chmod go-w "$dir" && umask 022 || exit 2
awk -v dir="$dir" '
/^```c$/ { inside = ++blocks; next }
/^```/   { inside = 0 }
inside == 1 { print >(dir "/program.c") }
inside == 1 && /^int main/ { main = 1 }
inside == 2 || (inside == 1 && !main) { print >(dir "/ding.c") }
END { exit blocks != 2 }' "$srcdir/README.md" ||
    { echo "README.md must have two blocks, a program and a plugin"; exit 1; }
compiled() {   # options and source
    $CC $SANITIZE -Wall -Wextra -Werror -I"$srcdir/include" "$@" "$srcdir/t/house/line.c" \
        .libs/libtocsin.so -Wl,-rpath,"$PWD/.libs" || exit 1
}
compiled -o "$dir/program" "$dir/program.c"
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
if test "$with_tools" = yes; then
    printf '[plugin ding]\nfile = ding.so\n' >"$dir/ding.ini"
    dings tools/tocsin/tocsin run "$dir/ding.ini"
else
    echo "skip: house/readme: the program tocsin is $with_tools"
fi
exit $failed
