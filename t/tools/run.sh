# tocsin run: the default; a file that changes while it runs; draining, and what does not end.
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
    printf '[tocsin]\npath = .\ndrain_ms = 60000\n[actions]\nhost.**, plugin.**, speaker.** = print\n'
    cat
}
again() {   # the file is on the standard input
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
test "$(grep -c '^needy$' "$folder/out")" = 1 || wrong "what has not changed was loaded again"

cp "$folder/speaker_later.so" "$folder/new" && mv "$folder/new" "$folder/speaker.so" || exit 2
kill -HUP $host
says '^speaker 2.0: night'
says '^host.reloaded .*failed=0' 2

printf '[plugin plain]\nnonsense\n' | again
says '^tocsin: nothing has changed'
says ":7: it is neither"
says '^host.reloaded plugins=3' 3

cp "$folder/speaker.so" "$folder/kept" && echo 'no object' >"$folder/new" && mv "$folder/new" "$folder/speaker.so" || exit 2
printf '[loop io]\n[plugin speaker]\nloop = io\n' | again
says '^tocsin: nothing has changed' 2
says ":7: plugin speaker: it is no ELF file"
says '^host.reloaded plugins=3' 4
mv "$folder/kept" "$folder/speaker.so" || exit 2

printf '[plugin speaker]\n' | again
says '^host.reloaded plugins=1 loops=1 failed=0'
says '^needy ends'
says '^speaker.spoke word="nothing" main=true'

printf '[plugin speaker]\n[plugin failing]\n' | again
says 'plugin failing is not loaded: .*its init answered'
says '^host.reloaded plugins=1 loops=1 failed=1'

printf '[plugin needy]\n' | again
says '^host.reloaded plugins=2 loops=1 failed=0'
kill -INT $host
ends 0
test "$(tail -n 4 "$folder/out" | grep ends | tr '\n' ' ')" = "needy ends speaker 2.0 ends " || { wrong "not in reverse order:"; cat "$folder/out"; }

# What is there because another needs it: it came with that on a loop that goes, and its file changes.
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
test "$(grep -c '^needy$' "$folder/out")" = 2 || wrong "what has a section now was moved from a loop to the same"
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
complained 'ended before all was drained'

printf '[loop io]\n[plugin speaker]\nloop = io\n[plugin endless]\n' | base >"$file"
sed -i 's/60000/100/' "$file"
start "$file"
says '^host.started'
kill -TERM $host
ends 3
complained 'plugin endless does not go: it has'
printed '^speaker 2.0 ends'

# A reload has drain_ms to end as well: not longer, so this tick comes behind it.
sed -i 's/^drain_ms = .*/drain_ms = 100\ntick_ms = 9000/' "$file"
start "$file"
says '^host.started'
touch "$folder/endless.so"
kill -HUP $host
says '^host.reloaded .*failed=1'
complained 'plugin endless is not reloaded, the old one goes on: '
! grep -q '^host.ticked' "$folder/out" || wrong "a reload took longer than drain_ms"
kill -TERM $host
ends 3

# Whatever it has no descriptors for, it says so and ends: nothing is waited for that does not come.
printf '[tocsin]\npath = .\ndrain_ms = 60000\n[loop a]\n[loop b]\n[plugin speaker]\nloop = a\n[plugin needy]\nloop = b\n[actions]\nhost.* = drain\n' >"$file"
for most in 10 11 12 13 14 15 16 17 18 19 20 22 24 26 28; do
    status=0
    (ulimit -n $most && ASAN_OPTIONS=detect_leaks=0 tocsin run "$file") >"$folder/out" 2>"$folder/err" || status=$?
    test $status = 0 || test $status = 1 && ! grep -q 'not all has ended' "$folder/err" || { wrong "with $most descriptors: $status"; cat "$folder/err"; }
done

# The main loop itself is stuck: a second signal, or the time, ends the program all the same.
printf '[plugin stuck]\n' | base >"$file"
start "$file"
says '^stuck$'
kill -TERM $host
sleep 0.2
kill -INT $host
ends 3
complained '^tocsin: os.sigint: ended before'
sed -i 's/60000/100/' "$file"
start "$file"
says '^stuck$'
kill -TERM $host
ends 3
complained '^tocsin: its time was over: ended before'

# Without the standard descriptors: what is printed goes nowhere, and into none of the program's own.
printf '[tocsin]\ntick_ms = 1\n[actions]\nhost.started = print\nhost.ticked = drain\n' >"$file"
status=0
tocsin run "$file" <&- >&- 2>"$folder/err" || status=$?
test $status = 1 || wrong "without a standard output: $status"
complained 'standard output: Bad file descriptor'

printf '[actions]\nspeaker.spoke = drain\n[tocsin]\npath = .\n[plugin speaker]\n' >"$file"
start "$file"
ends 0
exit $failed
