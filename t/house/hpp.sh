# tocsin.hpp compiles as the only include from C++17 on, with and without exceptions.
# t/programs/hpp.cc runs without an error. TOCSIN_DEBUG=1 prints no refusal when the id of an
# operation that has ended is destroyed.
test "$with_cxx" = yes || { echo "skip: house/hpp: C++: $with_cxx"; exit 77; }
dir=$(mktemp -d ./hpp.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
strict="-pedantic -Wall -Wextra -Wshadow -Werror -I$srcdir/include"
failed=0
printf '#include <tocsin.hpp>\n#include <tocsin.hpp>\n' >"$dir/alone.cc"
for standard in 17 20; do
    for exceptions in -fexceptions -fno-exceptions; do
        $CXX -std=c++$standard $exceptions $strict -fsyntax-only "$dir/alone.cc" ||
            { echo "alone, as C++$standard with $exceptions"; failed=1; }
    done
done
for standard in 17 20; do
    $CXX -std=c++$standard $SANITIZE $strict -o "$dir/program" \
        "$srcdir/t/programs/hpp.cc" .libs/libtocsin.so -Wl,-rpath,"$PWD/.libs" &&
        timeout 60 "$dir/program" || { echo "as C++$standard"; failed=1; }
done
# A program makes no mistake if it destroys the id of an operation that has ended.
TOCSIN_DEBUG=1 timeout 60 "$dir/program" 2>&1 | grep 'tocsin_cancel: \|tocsin_op_free: ' && failed=1
exit $failed
