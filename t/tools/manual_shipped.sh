# Tests tocsin-shipped(7): each file on the page runs as printed, and does what the page says.
. "$srcdir/t/tools/host.inc"
cp plugins/.libs/*.so "$folder" || exit 2
here=$PWD
export TOCSIN_PLUGIN_PATH="$folder"
awk -v folder="$folder" '
/^\.\\" file / { name = folder "/" $3 }
/^\.Bd / && name { inside = 1; next }
/^\.Ed$/       { inside = 0; name = "" }
inside         { print >name }' "$srcdir/man/tocsin-shipped.7"
for plugin in "$srcdir"/plugins/*.c; do
    test -s "$folder/$(basename "$plugin" .c).ini" ||
        wrong "the page has no example of $(basename "$plugin" .c)"
    for setting in $(sed -n 's/.*tocsin_setting("\([a-z_]*\)".*/\1/p' "$plugin" | sort -u); do
        grep -q "^\.It Va .*\<$setting\>" "$srcdir/man/tocsin-shipped.7" ||
            wrong "the page does not have the setting $setting of $(basename "$plugin" .c)"
    done
done

runs() {   # an example, run in its folder
    : >"$folder/out"; : >"$folder/err"
    (cd "$folder" && exec "$here/tools/tocsin/tocsin" run "$1") >"$folder/out" 2>"$folder/err" &
    host=$!
}

comes() {   # file, pattern: waits until the file contains the pattern
    tries=0
    until grep -qa -- "$2" "$folder/$1" 2>/dev/null; do
        tries=$((tries + 1))
        test $tries -lt 600 || { echo "$1 never had: $2"; cat "$folder/$1" "$folder/err"; exit 1; }
        sleep 0.1
    done
}

grows() {   # file: waits until the file is larger
    size=$(wc -c <"$folder/$1") tries=0
    until test "$(wc -c <"$folder/$1")" -gt "$size"; do
        tries=$((tries + 1))
        test $tries -lt 600 || { echo "$1 does not grow"; cat "$folder/err"; exit 1; }
        sleep 0.1
    done
}

runs log.ini; comes app.log '"signal":"host.ticked"'; kill -TERM $host; ends 0
runs metrics.ini; comes app.prom '^tocsin_emissions_total{signal="host.ticked"'; kill -TERM $host;
    ends 0
runs record.ini; comes app.recording 'u64 count;'
grows app.recording; grows app.recording; kill -TERM $host; ends 0
runs replay.ini; ends 0
printed '^host.ticked count=2$'
printed '^replay.done emitted=[1-9][0-9]* skipped=0 lost=0 whole=true$'
runs chaos.ini
says '^chaos.started seed=42$'
says '^work.done status="Input/output error" ' 2
says '^work.done status="done" '
kill -TERM $host; ends 0
printed '^chaos.done seed=42 .*failed=2$'
exit $failed
