# Tests tocsin run: the built-in default file, a file that changes while the program runs, draining,
# and plugins that do not end.
. "$srcdir/t/tools/host.inc"
file=$folder/file.ini

start
says '^host.started plugins=0 loops=1'
says '^host.ticked count=2'
kill -HUP $host
says '^host.reloaded .*failed=0'
kill -TERM $host
ends 0
says '^host.draining by="os.sigterm"'

base() {
    printf '%s\n' '[tocsin]' 'path = .' 'drain_ms = 60000' '[actions]' \
        'host.**, plugin.**, speaker.** = print'
    cat
}
again() {   # Standard input: the new file
    base >"$file"
    kill -HUP $host
}

base >"$file" <<'INI'
[loop io]
[plugin needy]
[plugin speaker]
loop = io
word = good
  day
INI
start "$file"
says '^host.started plugins=2 loops=2'
says '^speaker.spoke word="good day" main=false'
says '^needy$'

again <<'INI'
[loop io]
[plugin needy]
[plugin speaker]
loop = io
word = night
[plugin plain]
INI
says '^host.reloaded plugins=3 loops=2 failed=0'
says '^speaker 1.0: night'
test "$(grep -c '^needy$' "$folder/out")" = 1 || wrong "an unchanged plugin was loaded again"

cp "$folder/speaker_later.so" "$folder/new" && mv "$folder/new" "$folder/speaker.so" || exit 2
kill -HUP $host
says '^speaker 2.0: night'
says '^host.reloaded .*failed=0' 2

printf '[plugin plain]\nnonsense\n' | again
says '^tocsin: reload failed, nothing has changed'
says ":7: the line is neither"
says '^host.reloaded plugins=3' 3

cp "$folder/speaker.so" "$folder/kept" && echo 'no object' >"$folder/new" &&
    mv "$folder/new" "$folder/speaker.so" || exit 2
printf '[loop io]\n[plugin speaker]\nloop = io\n' | again
says '^tocsin: reload failed, nothing has changed' 2
says ":7: plugin speaker: not an ELF file"
says '^host.reloaded plugins=3' 4
mv "$folder/kept" "$folder/speaker.so" || exit 2

printf '[plugin speaker]\n' | again
says '^host.reloaded plugins=1 loops=1 failed=0'
says '^needy ends'
says '^speaker.spoke word="nothing" main=true'

printf '[plugin speaker]\n[plugin failing]\n' | again
says 'cannot load plugin failing: .*tocsin_plugin_init returned'
says '^host.reloaded plugins=1 loops=1 failed=1'

printf '[plugin needy]\n' | again
says '^host.reloaded plugins=2 loops=1 failed=0'
kill -INT $host
ends 0
test "$(tail -n 4 "$folder/out" | grep ends | tr '\n' ' ')" = "needy ends speaker 2.0 ends " ||
    { wrong "not in reverse order:"; cat "$folder/out"; }

# A plugin is loaded because another plugin needs it. Its loop is removed, and its file changes.
printf '[loop io]\n[plugin needy]\nloop = io\n' | base >"$file"
start "$file"
says '^speaker.spoke word="nothing" main=false'
says '^host.started plugins=2 loops=2'
printf '[plugin needy]\n' | again
says '^host.reloaded plugins=2 loops=1 failed=0'
says '^speaker.spoke word="nothing" main=true'
printf '[plugin needy]\n[plugin speaker]\nword = hm\n' | again
says '^speaker 2.0: hm'
says '^host.reloaded plugins=2 loops=1 failed=0' 2
test "$(grep -c '^needy$' "$folder/out")" = 2 ||
    wrong "a plugin that got a section was loaded again on the same loop"
printf '[plugin needy]\n' | again
says '^host.reloaded plugins=2 loops=1 failed=0' 3
for version in 1 2; do
    cp "$folder/speaker.so" "$folder/new" && mv "$folder/new" "$folder/speaker.so" || exit 2
    kill -HUP $host
    says '^host.reloaded plugins=2 loops=1 failed=0' $((3 + version))
    says '^plugin.reloaded .*name="speaker"' $((2 + version))
done
kill -TERM $host
ends 0

printf '[plugin failing]\n' | base >"$file"
exits 1 run "$file"

printf '[plugin endless]\n' | base >"$file"
start "$file"
says '^host.started'
kill -TERM $host
says '^endless goes on'
kill -TERM $host
ends 3
complained 'exiting before everything is drained'

printf '[loop io]\n[plugin speaker]\nloop = io\n[plugin endless]\n' | base >"$file"
sed -i 's/60000/100/' "$file"
start "$file"
says '^host.started'
kill -TERM $host
ends 3
complained 'cannot unload plugin endless: still running: 1 task$'
printed '^speaker 2.0 ends'

# A reload takes at most drain_ms. So this tick comes after the reload.
sed -i 's/^drain_ms = .*/drain_ms = 100\ntick_ms = 9000/' "$file"
start "$file"
says '^host.started'
touch "$folder/endless.so"
kill -HUP $host
says '^host.reloaded .*failed=1'
complained 'cannot reload plugin endless: still running: 1 task; the old version keeps running$'
! grep -q '^host.ticked' "$folder/out" || wrong "a reload took longer than drain_ms"
kill -TERM $host
ends 3

# There are too few descriptors. The program must report an error and end. It must never wait for
# ever.
printf '%s\n' '[tocsin]' 'path = .' 'drain_ms = 60000' '[loop a]' '[loop b]' '[plugin speaker]' \
    'loop = a' '[plugin needy]' 'loop = b' '[actions]' 'host.* = drain' >"$file"
for most in 10 11 12 13 14 15 16 17 18 19 20 22 24 26 28; do
    status=0
    (ulimit -n $most && ASAN_OPTIONS=detect_leaks=0 tocsin run "$file") \
        >"$folder/out" 2>"$folder/err" || status=$?
    test $status = 0 || test $status = 1 && ! grep -q 'drain timed out' "$folder/err" ||
        { wrong "with $most descriptors: $status"; cat "$folder/err"; }
done

# The main loop hangs. A second signal, or drain_ms, must end the program.
printf '[plugin stuck]\n' | base >"$file"
start "$file"
says '^stuck$'
kill -TERM $host
sleep 0.2
kill -INT $host
ends 3
complained '^tocsin: os.sigint: exiting before'
sed -i 's/60000/100/' "$file"
start "$file"
says '^stuck$'
kill -TERM $host
ends 3
complained '^tocsin: drain timed out: exiting before'

# The program has no standard descriptors. Its output must be lost, and must not go to other files
# of the program.
printf '[tocsin]\ntick_ms = 1\n[actions]\nhost.started = print\nhost.ticked = drain\n' >"$file"
status=0
tocsin run "$file" <&- >&- 2>"$folder/err" || status=$?
test $status = 1 || wrong "without a standard output: $status"
complained 'standard output: Bad file descriptor'

printf '[actions]\nspeaker.spoke = drain\n[tocsin]\npath = .\n[plugin speaker]\n' >"$file"
start "$file"
ends 0
exit $failed
