# Tests the shipped plugins: log as text and as JSON, on a full disk and with wrong settings, and
# metrics, record, replay and chaos.
. "$srcdir/t/tools/host.inc"
cp plugins/.libs/*.so "$folder" || exit 2
file=$folder/file.ini

config() {   # Standard input: the rest of the file
    printf '[tocsin]\npath = .\ntick_ms = 10\n' >"$file"
    cat >>"$file"
    start "$file"
}

has() {   # file, pattern: waits until the file contains the pattern
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
has "$folder/json" \
    '^{"time":"20[0-9-]*T[0-9:.]*Z","signal":"host.ticked","signo":[0-9]*,.*"payload":{"count":3}}$'
stop
while read -r line; do
    printf '%s\n' "$line" | LC_ALL=C awk -f "$srcdir/t/house/json.awk" ||
        { wrong "not JSON: $line"; break; }
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
complained 'to: must be stderr, stdout, file:PATH, syslog or journal'
exits 1 run "$(printf '[tocsin]\npath = .\n[plugin log]\nformat = xml\n' >"$file"; echo "$file")"
complained "^$file:4: format: expected text or json, got 'xml'$"
exits 1 run "$(printf '[tocsin]\npath = .\n[plugin metrics]\n' >"$file"; echo "$file")"
complained "^$file:3: .plugin metrics.: the setting 'to' is missing: The file"

# The payloads are unusual. Each emission must still be one line.
for format in text json; do
    config <<INI
[plugin log]
to = file:$folder/odd.$format
format = $format
patterns = odd.**
[plugin odd]
size = 1048576
INI
    has "$folder/odd.$format" 'odd.said'
    tries=0
    until test "$(wc -l <"$folder/odd.$format")" -gt 0; do
        tries=$((tries + 1))
        test $tries -lt 600 || { wrong "the line has no end"; break; }
        sleep 0.1
    done
    stop
    head -n 1 "$folder/odd.$format" | sed 's/^[^ ]*Z odd.said //' >"$folder/line"
    test "$(wc -c <"$folder/line")" -gt 1048576 ||
        wrong "the long line is short: $(wc -c <"$folder/line")"
    sed -i 's/xxxx*/x/' "$folder/line"
    LC_ALL=C awk -f "$srcdir/t/house/json.awk" "$folder/line" ||
        wrong "not JSON: $(cat "$folder/line")"
    for part in '"text":"a \\"b\\" \\\\ .*","none":null,"long_one":"x","nan":null,' \
        '"nan":null,"infinite":null,"raw":"AAr/","empty":null,"yes":true,' \
        '"yes":true,"least":-2147483648,"most":18446744073709551615'; do
        grep -q "$part" "$folder/line" || wrong "missing $part: $(cat "$folder/line")"
    done
    ! grep -qv 'odd.said' "$folder/odd.$format" || wrong "it is more than a line"
done
config <<'INI'
[plugin odd]
[actions]
odd.said = print
INI
says '^odd.said text="a \\"b\\" \\\\ \\001\\012\\177 '
says ' end" none="" long_one="xxxxxxxxxx" nan=-*nan infinite=-inf raw=(3 bytes) empty=(0 bytes) y'
stop

# A file was moved: the plugin must write to a new file. A file and its folder were removed: the
# file must be created again when the folder exists again.
mkdir "$folder/logs"
config <<INI
[plugin log]
to = file:$folder/logs/log
INI
has "$folder/logs/log" 'host.ticked'
mv "$folder/logs/log" "$folder/logs/log.1"
has "$folder/logs/log" 'host.ticked'
rm -r "$folder/logs"
sleep 0.1
mkdir "$folder/logs"
has "$folder/logs/log" 'host.ticked'
stop
mkfifo "$folder/pipe"
printf '%s\n' '[tocsin]' 'path = .' '[plugin log]' "to = file:$folder/pipe" >"$file"
exits 1 run "$file"
complained 'to: cannot open file:.*/pipe: '

# A disk is full and then has room again. A line that was cut off must end, and the number of lost
# lines must be written. A recording must have only whole frames.
full() {   # file, bytes of room, tolerance: the disk is full, and then has room again
    trap '' XFSZ
    config
    has "$1" host.ticked
    before=$(wc -c <"$1")
    prlimit --pid $host --fsize=$((before + 1000 + $2)):unlimited
    tries=0
    until test "$(wc -c <"$1")" -ge $((before + 1000 + $2 - $3)); do tries=$((tries + 1));
        test $tries -lt 600 || { wrong "$1 does not grow"; break; }; sleep 0.1; done
    prlimit --pid $host --fsize=unlimited:unlimited
}
if prlimit --version >/dev/null 2>&1; then
    for more in 0 1 2 3; do
        full "$folder/small$more" $more 0 <<INI
[plugin log]
to = file:$folder/small$more
patterns = host.ticked
INI
        has "$folder/small$more" ' lines* w[a-z]* lost$'
        stop
        good='^20[0-9-]*T[0-9:.]*Z (host.ticked \{"count":[0-9]+\}|[0-9]+ lines? w[a-z]+ lost)$'
        test "$(grep -cvE "$good" "$folder/small$more")" -le 1 ||
            wrong "lines run into one another: $(cat "$folder/small$more")"
    done
    full "$folder/whole" 0 60 <<INI
[plugin record]
to = $folder/whole
patterns = host.ticked
INI
    sleep 0.1
    stop
    config <<INI
[plugin replay]
from = $folder/whole
speed = 0
[actions]
replay.done = print
INI
    says '^replay.done emitted=[1-9][0-9]* skipped=0 lost=[0-9]* whole=true'
    stop
fi

config <<INI
[plugin metrics]
to = $folder/page
every_ms = 20
INI
has "$folder/page" '^tocsin_emissions_total{signal="host.ticked",owner="program"} [1-9]'
has "$folder/page" '^tocsin_owner_holds{owner="metrics",resource="handlers"} 1$'
stop
has "$folder/page" \
    '^tocsin_duration_seconds_bucket{signal="work.done",owner="program",le="+Inf"} [1-9]'
comment='# (HELP|TYPE) tocsin_[a-z_]+ .*'
value='tocsin_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+'
LC_ALL=C grep -vE "^($comment|$value)$" "$folder/page" && wrong "the page has other lines"
test -z "$(grep -v '^#' "$folder/page" | sed 's/ [^ ]*$//' | sort | uniq -d)" ||
    wrong "the page says something twice"
awk -F '[" ]' '
/_bucket/ { if ($2 == last && $NF + 0 < before + 0) bad = 1; last = $2; before = $NF }
END { exit bad }' "$folder/page" || wrong "a larger bucket counts less"
test ! -e "$folder/page.fresh" || wrong "a temporary file is left"

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

for plugin in log metrics record replay chaos; do
    cp "$folder/recording" "$folder/x"
    case $plugin in
    log) more="to = file:$folder/x" ;;
    metrics | record) more="to = $folder/x" ;;
    replay) more="from = $folder/x" ;;
    chaos) more='delay = 1' ;;
    esac
    printf '%s\n' '[tocsin]' 'path = .' "[plugin $plugin]" "$more" 'patterns = a..b' >"$file"
    exits 1 run "$file"
    complained "patterns: expected a pattern of signals, got 'a..b'"
done

# With chaos, the tasks of metrics must end as the settings say. The seed must be reported.
chance() {   # Standard input: settings, one line each
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
points = completion
fail = 1
error = ETIMEDOUT
limit = 2
seed = 42
INI
says '^chaos.started seed=42$'
says '^chaos.injected signal="work.done" point="completion" action="fail" event=0 delay_ms=0$'
says '^work.done status="timed out" ' 2
says '^work.done status="done" '
stop
says '^chaos.done seed=42 events=[0-9]* delayed=0 reordered=0 doubled=0 failed=2$'

chance <<'INI'
delay = 1
delay_ms = 3600000
INI
says '^chaos.started seed=[0-9]*$'
says '^chaos.injected signal="work.done" point="completion" action="delay" event=0 delay_ms=36000*$'
stop
says '^chaos.done seed=[0-9]* events=1 delayed=1 '

refuses() {   # setting, expected message
    exits 1 run "$(printf '[tocsin]\npath = .\n[plugin chaos]\n%s\n' "$1" >"$file"; echo "$file")"
    complained "$2"
}
refuses '' 'delay, reorder, double, fail: set at least one of them'
refuses 'delay = often' "delay: expected a number from 0 to 1, got 'often'"
refuses 'fail = 1.5' "fail: expected a number from 0 to 1, got '1.5'"
for wrong in 0 10- 20-10 -1 1-2-3 soon; do
    refuses "$(printf 'delay = 1\ndelay_ms = %s' "$wrong")" \
        'delay_ms: must be a number of milliseconds from 1, or FROM-TO'
done
refuses "$(printf 'fail = 1\nerror = EWHAT')" 'error: must be a name of errno, such as ETIMEDOUT'
refuses "$(printf 'fail = 1\npoints = ends')" 'points: must be some of completion, receive, post'
refuses "$(printf 'fail = 1\nseed = -1')" "seed: expected a whole number from 0, got '-1'"
refuses "$(printf 'fail = 1\npatterns = a..b')" \
    "patterns: expected a pattern of signals, got 'a..b'"

refused() {   # plugin, setting, expected message
    exits 1 run "$(printf '[tocsin]\npath = .\n[plugin %s]\n%s\n' "$1" "$2" >"$file"; echo "$file")"
    complained "$3"
}
refused replay "$(printf 'from = %s/recording\nspeed = fast' "$folder")" \
    "speed: expected a number from 0 to 1000000, got 'fast'"
refused replay "$(printf 'from = %s/recording\nspeed = -1' "$folder")" \
    "speed: expected a number from 0 to 1000000, got '-1'"
refused replay "$(printf 'from = %s/recording\nstep = true' "$folder")" \
    "step: expected yes or no, got 'true'"
sed '1s/little/middle/; 1s/big/middle/' "$folder/recording" >"$folder/middle"
refused replay "from = $folder/middle" \
    'from: cannot read .*middle: not a recording, or of another version or byte order'
refused metrics "to = $folder/nowhere/page" 'to: cannot write .*: '
refused metrics 'to = /dev/full' 'to: not a regular file, so it cannot be replaced'
refused metrics "to = $folder" 'to: not a regular file, so it cannot be replaced'
refused metrics "to = $(printf '%0100d' 0)
 $(printf '%0190d' 0)" 'to: cannot write .*: '
for every in 0 10s -1 soon 99999999999999999999; do
    refused metrics "$(printf 'to = %s/page\nevery_ms = %s' "$folder" $every)" \
        "every_ms: expected a whole number from 1 to 1000000000, got '$every'"
done
exit $failed
