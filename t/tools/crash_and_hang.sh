# Tests tocsin run with a plugin that crashes or hangs. A crash must print one line with the signal,
# the plugin, the running code and the address. After that the signal must have its usual effect. A
# hang must be reported while it lasts, also on the main loop. SIGTERM must end the program when
# drain_ms is over, and the program must print what was still running.
. "$srcdir/t/tools/host.inc"
file=$folder/file.ini
ulimit -c 0

run_so() {   # when, what, on which loop
    printf '%s\n' '[tocsin]' 'path = .' 'tick_ms = 1' "drain_ms = ${drain_ms-100}" \
        'watchdog_ms = 20' '[actions]' 'host.started = print' '[loop io]' >"$file"
    printf '[plugin fatal]\nwhen = %s\ndoes = %s\nloop = %s\n' "$1" "$2" "$3" >>"$file"
    start "$file"
}
crashes() {   # when, what, on which loop, expected signal, expected description
    run_so "$1" "$2" "$3"
    status=0
    wait $host || status=$?
    host=
    # A sanitizer also prints a report, and ends the program with its own status.
    test -n "$SANITIZE" || test "$status,SIG$(kill -l $status)" = "$((status | 128)),$4" ||
        wrong "$*: it ended with status $status"
    test "$(grep -c "^tocsin: crash: $4" "$folder/err")" = 1 ||
        { wrong "$*: it did not print that once"; cat "$folder/err"; }
    complained "^tocsin: crash: $4.*: $5"
}
hangs() {   # when, what, on which loop, expected description
    run_so "$1" "$2" "$3"
    says "^tocsin: loop $3 has been blocked for [0-9]* ms: $4"
    kill -TERM $host
    ends 3
    complained "^tocsin: drain timed out: exiting before .*: still running: .*loop $3: $4"
}

# ThreadSanitizer delays a signal handler until the thread makes a blocking call.
case $SANITIZE in *thread*) deferred=true ;; *) deferred=false ;; esac
handler='handler on_tick (fatal.c:[0-9]*) of plugin fatal for host.ticked'
for loop in main io; do
    for what in 'segv SIGSEGV' 'bus SIGBUS' 'fpe SIGFPE' 'ill SIGILL' 'abort SIGABRT' \
        'storm SIGSEGV'; do
        crashes handler ${what% *} $loop ${what#* } "loop $loop: $handler; code at 0x"
    done
    crashes init segv $loop SIGSEGV \
        "loop $loop: init of plugin fatal; code at 0x[0-9a-f]* (plugin fatal+0x"
    crashes fiber segv $loop SIGSEGV "loop $loop: a fiber of plugin fatal"
    crashes call segv $loop SIGSEGV "loop $loop: a task of plugin fatal"
    crashes notify segv $loop SIGSEGV "loop $loop: the notify of plugin fatal for timer.expired"
    hangs handler hang $loop "$handler"
    hangs handler deaf $loop "$handler"
    $deferred || hangs handler lock $loop "$handler"
    hangs init hang $loop 'init of plugin fatal'
    hangs fiber hang $loop 'a fiber of plugin fatal'
    hangs notify hang $loop 'the notify of plugin fatal for timer.expired'
done
crashes task segv main SIGSEGV 'a task of plugin fatal; code at 0x'
crashes handler thread main SIGSEGV 'a thread without a loop; code at 0x[0-9a-f]* (plugin fatal+0x'
$deferred || hangs handler spin main "$handler"
FATAL_CONSTRUCTOR=hang; export FATAL_CONSTRUCTOR
hangs init none io 'constructors of plugin fatal'
unset FATAL_CONSTRUCTOR

# A stack overflows on a loop, on a fiber and in a task. A sanitizer uses stacks of its own.
if test -z "$SANITIZE"; then
    for loop in main io; do
        crashes handler overflow $loop SIGSEGV "loop $loop: $handler"
        crashes fiber overflow $loop SIGSEGV "loop $loop: a fiber of plugin fatal"
    done
    crashes task overflow main SIGSEGV 'a task of plugin fatal'
fi

# The work of a plugin does not end when it is cancelled. The fini may begin late on a loaded
# machine.
drain_ms=3000
run_so fini hang io
says '^host.started'
kill -TERM $host
ends 3
complained 'still running: loop io: fini of plugin fatal'
drain_ms=100
run_so task hang main
says '^host.started'
kill -TERM $host
ends 3
complained '^tocsin: cannot unload plugin fatal: still running: 1 task$'
complained '^tocsin: drain timed out: .*: still running: plugin fatal: 1 task$'

# The new file does not list a loop whose thread hangs. The reload must report this loop and end,
# and the program must continue.
run_so handler hang io
says '^tocsin: loop io has been blocked for'
printf '%s\n' '[tocsin]' 'path = .' 'tick_ms = 20' 'drain_ms = 100' '[actions]' \
    'host.reloaded, host.ticked = print' >"$file"
for times in 1 2; do
    kill -HUP $host
    says '^host.reloaded plugins=1 loops=2 failed=2 ' $times
    says "^tocsin: cannot end loop io: still running: loop io: $handler" $times
done
printf '[loop io]\n' >>"$file"
kill -HUP $host
says '^tocsin: cannot end loop io: still running' 3
says '^host.reloaded' 3
ticks=$(grep -c '^host.ticked' "$folder/out")
says '^host.ticked' $((ticks + 2))
kill -TERM $host
ends 3
complained "exiting before everything is drained: still running: loop io: $handler"
exit $failed
