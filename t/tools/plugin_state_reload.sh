# The plugins metrics, record and log are reloaded because their settings or their files have
# changed. They must keep their state. State in another format must be dropped with a message.
. "$srcdir/t/tools/host.inc"
cp plugins/.libs/*.so "$folder" || exit 2
file=$folder/file.ini
write() { printf '[tocsin]\npath = .\ntick_ms = 10\n' >"$file"; cat >>"$file"; }
has() {   # file, pattern: waits until the file contains the pattern
    tries=0
    until grep -q -- "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        test $tries -lt 600 || { echo "$1 never had: $2"; cat "$1" "$folder/err"; exit 1; }
        sleep 0.1
    done
}
ticks() { sed -n 's/^tocsin_emissions_total{signal="host.ticked".*} //p' "$folder/page"; }
reloads() {   # expected number of reloads so far
    kill -HUP $host
    says '^plugin.reloaded status="done"' $1
}

both() {   # every_ms of metrics, patterns of record and log
    write <<INI
[plugin metrics]
to = $folder/page
every_ms = $1
[plugin record]
to = $folder/recording
patterns = $2
[plugin log]
to = file:$folder/log
patterns = $2
[actions]
plugin.reloaded = print
INI
}

both 20 host.ticked
start "$file"
has "$folder/page" '^tocsin_emissions_total{signal="host.ticked",owner="program"} [1-9][0-9]'
before=$(ticks) size=$(wc -c <"$folder/recording") inode=$(stat -c %i "$folder/recording")
both 30 'host.ticked, host.reloaded'
reloads 3
after=$(ticks)
test "$after" -ge "$before" || wrong "the counts began again: $before, then $after"
test "$(stat -c %i "$folder/recording")" = "$inode" || wrong 'another recording has begun'
test "$(wc -c <"$folder/recording")" -ge "$size" || wrong 'the recording has been cut'

# The files of the plugins are replaced by files of the same version.
for plugin in metrics record log; do cp "$folder/$plugin.so" "$folder/new" &&
    mv "$folder/new" "$folder/$plugin.so"; done
before=$(ticks)
reloads 6
test "$(ticks)" -ge "$before" || wrong "the counts began again: $before, then $(ticks)"

# A recording that was moved must not be continued.
mv "$folder/recording" "$folder/moved"
both 40 host.ticked
reloads 9
has "$folder/recording" '^tocsin recording'
test "$(stat -c %i "$folder/moved")" = "$inode" || wrong 'the moved file was replaced'
kill -TERM $host
ends 0
write <<INI
[plugin replay]
from = $folder/moved
patterns = host.ticked
speed = 0
[actions]
replay.done = print
INI
start "$file"
says '^replay.done emitted=[1-9][0-9]* skipped=[0-9]* lost=0 whole=true'
kill -TERM $host
ends 0

# Other plugins with the same names save a state in another format.
for plugin in metrics record log; do
    cat >"$folder/other.c" <<END
#include <tocsin/plugin.h>
TOCSIN_PLUGIN("$plugin", "0.9", "Leaves another form.");
int tocsin_plugin_init(void) { return 0; }
void tocsin_plugin_fini(void) { tocsin_state_save(LEFT, "x", 1); }
END
    for left in 1 77; do
        $CC $SANITIZE -std=gnu11 -shared -fPIC -DLEFT=$left -I"$srcdir/include" \
            -o "$folder/$plugin.so" "$folder/other.c" || exit 2
        case $plugin in log) to=file:$folder/other ;; *) to=$folder/other ;; esac
        write <<INI
[plugin $plugin]
to = $to
[actions]
plugin.reloaded, host.started = print
INI
        start "$file"
        says "^host.started"
        cp "plugins/.libs/$plugin.so" "$folder/new" && mv "$folder/new" "$folder/$plugin.so"
        reloads 1
        complained "tocsin: plugin $plugin: the previous version left its state in another format:"
        kill -TERM $host
        ends 0
    done
done
exit $failed
