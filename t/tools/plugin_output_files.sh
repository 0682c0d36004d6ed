# Tests the files that plugins write. Another user who may write to the folder must not be able to
# block the host, or to make it overwrite another file. An old file must stay complete until the new
# file is complete. A full disk must be counted and reported once, and must damage no old file.
. "$srcdir/t/tools/host.inc"
cp plugins/.libs/*.so "$folder" || exit 2
file=$folder/file.ini
place=$folder/place
mkdir "$place"

run() {   # Standard input: the rest of the file
    printf '[tocsin]\npath = .\ntick_ms = 10\n' >"$file"
    cat >>"$file"
    start "$file"
}
stop() { kill -TERM $host; ends 0; }
has() {   # file, pattern: waits until the file contains the pattern
    tries=0
    until grep -q -- "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        test $tries -lt 600 || { echo "$1 never had: $2"; cat "$1" "$folder/err"; exit 1; }
        sleep 0.1
    done
}
refused() {   # plugin, setting, expected message
    printf '[tocsin]\npath = .\n[plugin %s]\n%s\n' "$1" "$2" >"$file"
    exits 1 run "$file"
    complained "$3"
}
alone() { test -z "$(ls -A "$place" | grep tocsin-)" || wrong "it left: $(ls -A "$place")"; }

# Older versions used fixed temporary names. A FIFO, and links of both kinds, have such names here.
echo mine >"$folder/mine"
for name in fresh new tmp; do
    mkfifo "$place/m.$name"
    ln "$folder/mine" "$place/n.$name"
    ln -s ../mine "$place/r.$name"
done
run <<INI
[plugin metrics]
to = $place/m
every_ms = 20
[plugin record]
to = $place/r
INI
has "$place/m" '^tocsin_emissions_total{signal="host.ticked"'
stop
test "$(cat "$folder/mine")" = mine || wrong "another file was overwritten: $(cat "$folder/mine")"
head -c 18 "$place/r" | grep -q '^tocsin recording' || wrong "there is no recording"
alone

# A FIFO, a device or a link has the final name.
ln -s ../mine "$place/link"
ln "$folder/mine" "$place/hard"
mkfifo "$place/fifo"
for kind in link fifo .; do
    refused metrics "to = $place/$kind" 'to: not a regular file, so it cannot be replaced'
    refused record "to = $place/$kind" 'to: not a regular file, so it cannot be replaced'
    refused log "to = file:$place/$kind" 'to: cannot open '
done
refused log "to = file:$place/link" 'it is a symbolic link: name the file itself'
refused log "to = file:$place/hard" 'it has several names (hard links)'
# The file has two hard links. Only the link with this name may become a new file.
for plugin in metrics record; do
    ln -f "$folder/mine" "$place/hard"
    run <<INI
[plugin $plugin]
to = $place/hard
INI
    has "$place/hard" tocsin
    stop
done
test "$(cat "$folder/mine")" = mine || wrong "another file was overwritten: $(cat "$folder/mine")"
rm "$place"/m* "$place"/n* "$place"/r*

# The plugin log must report the error of fstat, and not the error for hard links.
cat >"$folder/fstat.h" <<'END'
#include <errno.h>
#include <sys/stat.h>
#define fstat(fd, it) (errno = EIO, -1)
END
$CC $SANITIZE -std=gnu11 -D_GNU_SOURCE -fvisibility=hidden -shared -fPIC -I"$srcdir/include" \
    -include "$folder/fstat.h" -o "$folder/log.so" "$srcdir/plugins/log.c" || exit 2
refused log "to = file:$place/new" 'to: cannot open .*: Input/output error'
cp plugins/.libs/log.so "$folder" || exit 2
rm "$place/new"

# In a read-only folder, the old file must stay.
cp "$folder/mine" "$place/old"
refused record "$(printf 'to = %s/old\npatterns = a..b' "$place")" \
    "expected a pattern of signals, got"
test "$(cat "$place/old")" = mine || wrong 'a refused record has taken the old recording'

# The disk is full. Old pages and recordings must stay complete. When there is room again, the
# counts must appear.
prlimit --version >/dev/null 2>&1 ||
    { echo 'skip: tools/plugin_output_files: no prlimit'; exit $failed; }
trap '' XFSZ
run <<INI
[plugin metrics]
to = $place/m
every_ms = 20
[plugin record]
to = $place/r
patterns = host.ticked
[plugin log]
to = file:$place/l
INI
has "$place/m" '^tocsin_emissions_total{signal="host.ticked"'
has "$place/l" 'host.ticked'
prlimit --pid $host --fsize=2000:unlimited
says 'plugin metrics: cannot write .*/place/m: File too large; the old page stays'
says 'plugin log: cannot write .*/place/l: .*; lines are lost until there is room'
says 'plugin record: cannot write .*/place/r: .*; emissions are lost until there is room'
grep -q '^tocsin_unwritten_total 0$' "$place/m" ||
    wrong "the old page is not complete: $(cat "$place/m")"
test "$(wc -c <"$place/m")" -gt 2000 || wrong 'the page is too small for this test'
before=$(wc -l <"$folder/err")
prlimit --pid $host --fsize=unlimited:unlimited
has "$place/m" '^tocsin_unwritten_total [1-9]'
has "$place/l" ' lines* w[a-z]* lost$'
stop
test "$before" = 3 || wrong "an error is reported more than once: $(cat "$folder/err")"
alone
run <<INI
[plugin replay]
from = $place/r
speed = 0
[actions]
replay.done = print
INI
says '^replay.done emitted=[0-9]* skipped=[0-9]* lost=[1-9][0-9]* whole=true'
stop
exit $failed
