# A handler in C++ throws an exception, which passes through the library. The loop must still work.
test "$with_cxx" = yes || { echo "skip: programs/cpp_exception: C++: $with_cxx"; exit 77; }
dir=$(mktemp -d ./cpp_exception.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
$CXX -std=c++11 -O2 -Wall -Wextra $SANITIZE -I"$srcdir/include" \
    "$srcdir/t/programs/cpp_exception.cc" -o "$dir/cpp_exception" \
    -L.libs -ltocsin -Wl,-rpath,"$PWD/.libs" || \
    exit 1
timeout 60 "$dir/cpp_exception" >"$dir/said" ||
    { echo "it ended with status $?"; cat "$dir/said"; exit 1; }
diff - "$dir/said" <<'END'
emit: caught no, turn runs, emitted 1, calls 1
turn: caught no, turn runs, emitted 1, calls 1
notify: caught no, turn runs, emitted 1, calls 1
free 0
END
