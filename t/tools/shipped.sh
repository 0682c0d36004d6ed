# The plugins that ship with it: log as text and as JSON, on a full disk, with settings that are wrong; metrics.
. "$srcdir/t/tools/host.inc"
cp plugins/.libs/*.so "$folder" || exit 2
file=$folder/file.ini

config() {   # the rest is on the standard input
    printf '[tocsin]\npath = .\ntick_ms = 10\n' >"$file"
    cat >>"$file"
    start "$file"
}

has() {   # file, pattern; it comes
    tries=0
    until grep -q -- "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        test $tries -lt 600 || { echo "$1 never had: $2"; cat "$1" "$folder/err"; exit 1; }
        sleep 0.1
    done
}

stop() {
    kill -TERM $host
    ends 0
}

config <<INI
[plugin log]
to = file:$folder/log
patterns = host.**
INI
has "$folder/log" '^20[0-9-]*T[0-9:.]*Z host.ticked {"count":3}$'
stop
! grep -v '^20[0-9-]*T[0-9:.]*Z host\.[a-z]* {.*}$' "$folder/log" || wrong "the log has other lines"

config <<INI
[plugin log]
to = file:$folder/json
format = json
INI
has "$folder/json" '^{"time":"20[0-9-]*T[0-9:.]*Z","signal":"host.ticked","signo":[0-9]*,.*"payload":{"count":3}}$'
stop
while read -r line; do
    printf '%s\n' "$line" | LC_ALL=C awk -f "$srcdir/t/house/json.awk" || { wrong "not JSON: $line"; break; }
done <"$folder/json"

config <<'INI'
[plugin log]
INI
has "$folder/err" '^20[0-9-]*T[0-9:.]*Z host.ticked '
stop

config <<'INI'
[plugin log]
to = file:/dev/full
[actions]
host.** = print
INI
says '^host.ticked count=3'
stop

exits 1 run "$(printf '[tocsin]\npath = .\n[plugin log]\nto = nowhere\n' >"$file"; echo "$file")"
complained 'to: stderr, file:PATH, syslog or journal'
exits 1 run "$(printf '[tocsin]\npath = .\n[plugin log]\nformat = xml\n' >"$file"; echo "$file")"
complained 'format: text or json'
exits 1 run "$(printf '[tocsin]\npath = .\n[plugin metrics]\n' >"$file"; echo "$file")"
complained 'to: it has to be said where to'

config <<INI
[plugin metrics]
to = $folder/page
every_ms = 20
INI
has "$folder/page" '^tocsin_emissions_total{signal="host.ticked",owner="program"} [1-9]'
has "$folder/page" '^tocsin_owner_holds{owner="metrics",holding="handlers"} 1$'
stop
has "$folder/page" '^tocsin_duration_seconds_bucket{signal="work.done",owner="program",le="+Inf"} [1-9]'
LC_ALL=C grep -vE '^(# (HELP|TYPE) tocsin_[a-z_]+ .*|tocsin_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$' "$folder/page" && wrong "the page has other lines"
test ! -e "$folder/page.fresh" || wrong "what was being written is there still"

config <<INI
[plugin record]
to = $folder/recording
patterns = host.ticked
[actions]
host.ticked = print
INI
says '^host.ticked count=3'
stop
config <<INI
[plugin replay]
from = $folder/recording
patterns = host.ticked
speed = 0
[actions]
replay.done = print
INI
says '^replay.done emitted=[1-9][0-9]* skipped=0 lost=0 whole=true'
stop
head -c "$(($(wc -c <"$folder/recording") - 3))" "$folder/recording" >"$folder/cut"
config <<INI
[plugin replay]
from = $folder/cut
[actions]
replay.done = print
INI
says '^replay.done emitted=[1-9][0-9]* skipped=0 lost=0 whole=false'
stop

# Chance: what metrics writes with ends as it is said, and the seed is said, so that it can be had once more.
chance() {   # settings, one line each, on the standard input
    config <<INI
[plugin chaos]
patterns = work.done
$(cat)
[plugin metrics]
to = $folder/page
every_ms = 20
[actions]
chaos.**, work.done = print
INI
}

chance <<'INI'
seams = end
fail = 1
error = ETIMEDOUT
limit = 2
seed = 42
INI
says '^chaos.started seed=42$'
says '^chaos.struck signal="work.done" seam="end" what="fail" crossing=0 delay_ms=0$'
says '^work.done status="the time was over" ' 2
says '^work.done status="done" '
stop
says '^chaos.done seed=42 crossed=[0-9]* delayed=0 reordered=0 doubled=0 failed=2$'

chance <<'INI'
delay = 1
delay_ms = 3600000
INI
says '^chaos.started seed=[0-9]*$'
says '^chaos.struck signal="work.done" seam="end" what="delay" crossing=0 delay_ms=3600000$'
stop
says '^chaos.done seed=[0-9]* crossed=1 delayed=1 '

refuses() {   # a setting, what is said
    exits 1 run "$(printf '[tocsin]\npath = .\n[plugin chaos]\n%s\n' "$1" >"$file"; echo "$file")"
    complained "$2"
}
refuses '' 'delay, reorder, double, fail: one of them has to be said'
refuses 'delay = often' 'delay, reorder, double, fail: a probability each, from 0 to 1'
refuses 'fail = 1.5' 'delay, reorder, double, fail: a probability each, from 0 to 1'
for wrong in 0 10- 20-10 -1 1-2-3 soon; do
    refuses "$(printf 'delay = 1\ndelay_ms = %s' "$wrong")" 'delay_ms: milliseconds from 1 on, or FROM-TO'
done
refuses "$(printf 'fail = 1\nerror = EWHAT')" 'error: a name of errno, such as ETIMEDOUT'
refuses "$(printf 'fail = 1\nseams = ends')" 'seams: end, receipt, post'
refuses "$(printf 'fail = 1\nseed = -1')" 'seed, limit: a number from 0 on'
refuses "$(printf 'fail = 1\npatterns = a..b')" 'patterns: malformed'
exit $failed
