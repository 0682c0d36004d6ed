# Tests tocsin-embedding(7): each program on the page compiles with the command on the page, and
# does what the page says.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
here=$PWD
failed=0

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
inside         { gsub(/\\e/, "\\"); print >name }' "$srcdir/man/tocsin-embedding.7"

# Replaces pkg-config and the compilers, so that the commands use the library of this build.
script() { { echo '#!/bin/sh'; cat; } >"$dir/bin/$1"; }
mkdir "$dir/bin" || exit 2
script pkg-config <<SH
echo "-I$(cd "$srcdir" && pwd)/include $here/.libs/libtocsin.so -Wl,-rpath,$here/.libs" \\
    "$EVENT_CFLAGS $EVENT_LIBS"
SH
script cc <<SH
exec $CC $SANITIZE -Wall -Wextra -Werror "\$@"
SH
script c++ <<SH
exec $CXX $SANITIZE -Wall -Wextra -Werror "\$@"
SH
chmod +x "$dir/bin/pkg-config" "$dir/bin/cc" "$dir/bin/c++"
PATH=$dir/bin:$PATH
cd "$dir" || exit 2

is "$(wc -l <commands)" 2
sed -n 1p commands | sh || exit 1
is "$(timeout 60 ./embed | sort | uniq -c | tr -s ' ')" " 1 the program's own timer
 3 timer.ticked"
if test "$with_cxx" = yes; then
    sed -n 2p commands | sh || exit 1
    is "$(timeout 60 ./hello)" "timer.ticked
timer.ticked
timer.ticked"
else
    echo "skip: programs/embedding: C++: $with_cxx"
fi
exit $failed
