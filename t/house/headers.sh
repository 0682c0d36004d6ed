# Each public header compiles without a warning if it is the only include, and if it is included
# twice. It is compiled as C11, and as C++11, 17 and 20.
dir=$(mktemp -d ./headers.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
strict="-pedantic -Wall -Wextra -Wshadow -Werror -fsyntax-only -I$srcdir/include"
failed=0

alone() {   # file, compiler and options
    file=$1; shift
    for header in $core_headers $test_headers $net_headers; do
        printf '#include <%s>\n#include <%s>\n' "${header#include/}" "${header#include/}" >"$file"
        "$@" $strict "$file" || { echo "alone, with $*: $header"; failed=1; }
    done
}

alone "$dir/alone.c" $CC -std=c11
if test "$with_cxx" = yes; then
    for standard in 11 17 20; do
        alone "$dir/alone.cc" $CXX -std=c++$standard
    done
else
    echo "skip: house/headers: C++: $with_cxx"
fi
exit $failed
