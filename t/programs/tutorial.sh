# tocsin-plugins(7): what is printed there compiles as printed, by the command that stands there, and does what the page says.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
here=$PWD
failed=0

is() {   # what, wanted
    test "$1" = "$2" || { echo "said: $1"; failed=1; }
}

# Each display that a comment names: \e is a backslash there.
awk -v dir="$dir" '
/^\.\\" file / { name = dir "/" $3 }
/^\.\\" run$/  { name = dir "/command" }
/^\.Bd / && name { inside = 1; next }
/^\.Ed$/       { inside = 0; name = "" }
inside         { gsub(/\\e/, "\\"); print >name }' "$srcdir/man/tocsin-plugins.7"

# As if it were installed: pkg-config answers with what is in this tree, and the compiler is the one of the build.
mkdir "$dir/bin" && cat >"$dir/bin/pkg-config" <<SH && cat >"$dir/bin/cc" <<SH || exit 2
#!/bin/sh
echo "-I$(cd "$srcdir" && pwd)/include $here/.libs/libtocsin.so -Wl,-rpath,$here/.libs"
SH
#!/bin/sh
exec $CC $SANITIZE -Wall -Wextra -Werror "\$@"
SH
chmod +x "$dir/bin/pkg-config" "$dir/bin/cc"
PATH=$dir/bin:$PATH
umask 022
cd "$dir" || exit 2

is "$(grep -c . bell.c) $(wc -l <bell.c)" "12 15"
sh ./command || exit 1
sed 's/bell/counter/g' command | sh || exit 1
for program in test host; do
    cc -o $program $program.c $(pkg-config) || exit 1
    is "$(timeout 60 ./$program 2>&1; echo $?)" "host.ticked: ding
0"
done
if test "$with_tools" = yes; then
    cp bell.ini ends.ini
    printf '[plugin counter]\nfile = counter.so\n[actions]\nbell.counted = print\nhost.ticked = drain\n' >>ends.ini
    is "$(timeout 60 "$here/tools/tocsin/tocsin" run ends.ini 2>&1 | sort)" "bell.counted times=1
host.ticked: ding"
    is "$(timeout 60 "$here/tools/tocsin/tocsin" plugins ./bell.so >/dev/null; echo $?)" 0
else
    echo "skip: programs/tutorial: the program tocsin is $with_tools"
fi

# And the test that is printed there can fail.
sed '1i #include <unistd.h>
s/return tocsin_on/(void)!chdir("\/"); &/' bell.c >away.c
sed 's/ bell\.c/ away.c/' command | sh || exit 1
is "$(timeout 60 ./test 2>&1 | grep -o '^./bell.so leaves: working directory /;')" "./bell.so leaves: working directory /;"
exit $failed
