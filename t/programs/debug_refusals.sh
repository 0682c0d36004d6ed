# TOCSIN_DEBUG=1 prints every refusal with the name of the function. The program makes every public
# function that returns an int fail. Nothing is printed without TOCSIN_DEBUG, or for calls that
# succeed.
failed=0
dir=$(mktemp -d ./debug_refusals.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
program=t/programs/debug_refusals
headers="$core_headers $test_headers"
if test "$with_net" = yes; then
    program=t/programs/debug_refusals-net
    headers="$headers $net_headers"
fi

# These functions return no error of their own. They return a number, the length of a text, or an
# argument.
never=" tocsin_crash_tell tocsin_id_error tocsin_loop_free "
never="$never tocsin_os_unblock_here tocsin_plugin_fail "

TOCSIN_DEBUG=1 timeout 60 "$program" >"$dir/returned" 2>"$dir/said" ||
    { echo "it ended with status $?"; cat "$dir/said"; failed=1; }
(cd "$srcdir" && cat $headers) |
    sed -n 's/^TOCSIN_API int (\{0,1\}\(tocsin_[a-z0-9_]*\))\{0,1\}(.*/\1/p' | sed 's/_at$//' |
    sort -u >"$dir/functions"
while read -r function; do
    case $never in *" $function "*) continue ;; esac
    grep -q "^$function -" "$dir/returned" || { echo "$function is not tried"; failed=1; continue; }
    grep -q "^tocsin: $function: -*E[A-Z]*: [^ ].*, at ." "$dir/said" ||
        grep -q "^tocsin: $function: -E[A-Z]*: .*[^ ]$" "$dir/said" ||
        { echo "$function is refused, and nothing is said"; failed=1; }
done <"$dir/functions"
grep ' [0-9]' "$dir/returned" | grep -v '^tocsin_inject 0$' &&
    { echo "these are not refused"; failed=1; }
grep -q '^tocsin: tocsin_stream_open: -*EINVAL: the address is NULL, at ' "$dir/said" ||
    { echo "tocsin_stream_open does not say that its address is NULL"; failed=1; }
echo "$(wc -l <"$dir/functions") functions, $(wc -l <"$dir/said") lines"
timeout 60 "$program" 2>&1 >/dev/null | grep . && { echo "said without TOCSIN_DEBUG"; failed=1; }
exit $failed
