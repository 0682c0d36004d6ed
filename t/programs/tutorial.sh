# Tests tocsin-plugins(7): each program on the page compiles as printed, with the command on the
# page, and does what the page says.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
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
inside         { gsub(/\\e/, "\\"); print >name }' "$srcdir/man/tocsin-plugins.7"

# Replaces pkg-config and the compiler, so that the commands use the library of this build.
mkdir "$dir/bin" && cat >"$dir/bin/pkg-config" <<SH && cat >"$dir/bin/cc" <<SH || exit 2
#!/bin/sh
case "\$*" in *tocsin-test*) echo "$here/.libs/libtocsin-test.so" ;; esac
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
sed 's/bell/greeter/g' command | sh || exit 1
for program in test host; do
    cc -o $program $program.c $(pkg-config --cflags --libs tocsin-test) || exit 1
    is "$(timeout 60 ./$program 2>&1; echo $?)" "host.ticked: ding
0"
done
if test "$with_tools" = yes; then
    cp bell.ini ends.ini
    printf '%s\n' '[plugin counter]' 'file = counter.so' '[actions]' 'bell.counted = print' \
        'host.ticked = drain' >>ends.ini
    is "$(timeout 60 "$here/tools/tocsin/tocsin" run ends.ini 2>&1 | sort)" "bell.counted times=1
host.ticked: ding"
    is "$(timeout 60 "$here/tools/tocsin/tocsin" plugins ./bell.so >/dev/null; echo $?)" 0
    printf '%s\n' '[plugin greeter]' 'file = greeter.so' 'name = you' 'times = 2' 'loud = yes' \
        '[actions]' 'host.started = drain' >greeter.ini
    is "$(timeout 60 "$here/tools/tocsin/tocsin" run greeter.ini 2>&1)" "hello, you!
hello, you!"
    sed -i 's/^name/nmae/; s/= 2/= 11/; s/= yes/= very/' greeter.ini
    is "$(timeout 60 "$here/tools/tocsin/tocsin" run --check greeter.ini 2>&1)" \
        "greeter.ini:3: there is no setting 'nmae': did you mean 'name'?
greeter.ini:4: times: expected a whole number from 1 to 10, got '11'
greeter.ini:5: loud: expected yes or no, got 'very'
greeter.ini:1: [plugin greeter]: the setting 'name' is missing: Whom to greet."
else
    echo "skip: programs/tutorial: the program tocsin is $with_tools"
fi

# Checks that the test on the page fails for a plugin that leaves something behind.
sed '1i #include <unistd.h>
s/return tocsin_on/(void)!chdir("\/"); &/' bell.c >away.c
sed 's/ bell\.c/ away.c/' command | sh || exit 1
is "$(timeout 60 ./test 2>&1 | grep -o '^./bell.so leaves behind: working directory /;')" \
    "./bell.so leaves behind: working directory /;"
exit $failed
