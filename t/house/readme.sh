# The README's program compiles as printed, and does what the README says.
dir=$(mktemp -d ./readme.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
awk '/^```c$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$srcdir/README.md" >"$dir/program.c"
$CC $SANITIZE -Wall -Wextra -Werror -I"$srcdir/include" -o "$dir/program" "$dir/program.c" "$srcdir/t/house/line.c" \
    .libs/libtocsin.so -Wl,-rpath,"$PWD/.libs" || exit 1

mkfifo "$dir/pipe"
timeout 60 "$dir/program" >"$dir/pipe" &
said=$(head -n 2 <"$dir/pipe")
kill $!
test "$said" = "timer.ticked: ding
timer.ticked: ding" || { echo "it said: $said"; exit 1; }
