# A daemon is sent real signals: it reloads, drains, stops; one that handles none is stopped by kill and by Ctrl-C.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/out" "$dir/said" || exit 2
failed=0

says() {   # what its next line is
    read -r line <&3 || line="nothing, for a minute"
    test "$line" = "$1" || { echo "it said: $line; and not: $1"; failed=1; }
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
    wait $cat                                 # or it takes what the next one says
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

# What a shell runs in the background has Ctrl-C ignored: that is no foreign handler (S3).
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
