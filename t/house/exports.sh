# The libraries export exactly the functions that the headers mark with TOCSIN_API.
dir=$(mktemp -d ./exports.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0

exports() {   # library, headers
    library=$1; shift
    (cd "$srcdir" && cat "$@") |
        sed -n 's/^TOCSIN_API [^;]*[ *(]\(tocsin_[a-z0-9_]*\))\{0,1\}(.*/\1/p' |
        sort >"$dir/promised"
    $NM -D --defined-only ".libs/$library.so" | awk '$2 != "A" { print $3 }' | sort >"$dir/exported"
    test -s "$dir/promised" || { echo "$library: no names found"; failed=1; }
    diff "$dir/promised" "$dir/exported" >"$dir/diff" ||
        { echo "$library: promised (<) and exported (>) differ:"; grep '^[<>]' "$dir/diff";
            failed=1; }
    echo "$library: $(wc -l <"$dir/promised") names"
}

exports libtocsin $core_headers
exports libtocsin-test $test_headers
if test "$with_net" = yes; then
    exports libtocsin-net $net_headers
else
    echo "skip: house/exports: libtocsin-net is $with_net"
fi
exit $failed
