# Tests tocsin run with blocked output. The standard output, the standard error, or both are a full
# pipe, a full socket or a stopped terminal. SIGTERM must end the program after drain_ms. A second
# SIGTERM must end it at once, also after an action has requested the end.
. "$srcdir/t/tools/host.inc"
case $SANITIZE in
*thread*)
    echo "skip: tools/blocked_output: the thread sanitizer calls no signal handler during a write"
    exit 77 ;;
esac
cp plugins/.libs/log.so "$folder" || exit 2
file=$folder/file.ini

config() {   # drain_ms, settings of log, actions
    printf '[tocsin]\npath = .\ntick_ms = 1\ndrain_ms = %s\n[plugin log]\n%s\n[actions]\n%s\n' \
        "$1" "$2" "$3" >"$file"
}
start_at() {   # kind of the blocked file, its descriptors, arguments of tocsin run
    kind=$1; fds=$2; shift 2
    : >"$folder/out"; : >"$folder/err"; rm -f "$folder/log"
    t/tools/run_blocked $kind $fds tools/tocsin/tocsin run "$@" >"$folder/out" 2>"$folder/err" &
    host=$!
}
logged() {
    until grep -q "$1" "$folder/log" 2>/dev/null; do
        kill -0 $host || { wrong "it has ended: $kind $fds"; exit 1; }
        sleep 0.1
    done
}

for kind in pipe socket terminal; do
    for fds in 1 2 12; do
        case $fds in
        1|12) action='host.ticked = print'; log="patterns = host.started\nto = file:$folder/log" ;;
        2) action='host.started = print'; log='patterns = host.ticked' ;;
        esac
        for drain_ms in 100 60000; do
            config $drain_ms "$(printf "$log")" "$action"
            start_at $kind $fds "$file"
            test $fds = 2 && says '^host.started' || logged host.started
            kill -TERM $host
            if test $drain_ms = 60000; then
                # Waits, since the kernel merges two pending signals.
                sleep 0.1
                kill -TERM $host
            fi
            ends 3
        done
    done
done
# An action requests the end while the main loop hangs.
config 100 'patterns = host.draining' 'host.ticked = drain'
start_at pipe 2 "$file"
ends 3
exit $failed
