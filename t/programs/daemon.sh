# A daemon gets real signals. It must reload, drain and stop. kill and Ctrl-C must end a daemon
# without handlers.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/out" "$dir/said" || exit 2
failed=0

says() {   # the expected next line
    read -r line <&3 || line="nothing, for a minute"
    test "$line" = "$1" || { echo "it printed: $line, not: $1"; failed=1; }
}

start() {   # the command
    "$@" >"$dir/out" &
    daemon=$!
    timeout 60 cat "$dir/out" >"$dir/said" &
    cat=$!
    exec 3<"$dir/said"
    says running
}

ends() {
    says "ended: done"
    test $failed = 0 || kill -KILL $daemon
    wait $daemon || { echo "it ended with status $?"; failed=1; }
    wait $cat   # waits, since this cat would otherwise read the output of the next daemon
    exec 3<&-
}

start t/programs/daemon
kill -HUP $daemon
says "reloading, asked by pid $$"
kill -HUP $daemon
says "reloading, asked by pid $$"
kill -TERM $daemon
says "os.sigterm: draining"
ends

# A shell starts background programs with Ctrl-C ignored. That must not count as a handler of
# another library (contract line S3).
start t/programs/daemon busy
kill -INT $daemon
says "os.sigint: draining"
kill -TERM $daemon
ends

start t/programs/daemon plain
kill -TERM $daemon
ends

if env --default-signal=INT true 2>/dev/null; then
    start env --default-signal=INT t/programs/daemon plain
    kill -INT $daemon
    ends
    start env --default-signal=INT t/programs/daemon busy
    kill -TERM $daemon
    says "os.sigterm: draining"
    kill -INT $daemon
    ends
else
    echo "skip: programs/daemon: Ctrl-C: env has no --default-signal"
fi
exit $failed
