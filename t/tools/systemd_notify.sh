# Tests the messages that tocsin run sends to systemd, at a socket with a path and at a socket with
# an abstract name.
. "$srcdir/t/tools/host.inc"
hear=
tells() {   # message, count: waits until the message was sent this many times
    tries=0
    until test "$(grep -c "^$1" "$folder/heard")" -ge $2; do
        tries=$((tries + 1))
        test $tries -lt 600 || { echo "it never sent: $1"; cat "$folder/heard"; exit 1; }
        sleep 0.1
    done
}

for socket in "$folder/socket" "@tocsin-test-$$"; do
    # Empties the file here: the background process may do so after the next command reads it.
    : >"$folder/heard"
    t/tools/notify_socket "$socket" >"$folder/heard" &
    hear=$!
    tries=0
    until grep -q listening "$folder/heard"; do
        tries=$((tries + 1))
        test $tries -lt 600 && kill -0 $hear || exit 2
        sleep 0.1
    done
    NOTIFY_SOCKET=$socket; export NOTIFY_SOCKET
    start
    tells READY=1 1
    kill -HUP $host
    says '^host.reloaded'
    tells READY=1 2
    kill -TERM $host
    ends 0
    wait $hear || wrong "notify_socket ended with status $?"
    sed -i 's/MONOTONIC_USEC=[0-9][0-9]*$/MONOTONIC_USEC=n/' "$folder/heard"
    test "$(cat "$folder/heard")" = "listening
READY=1|STATUS=0 plugins on 1 loop
RELOADING=1|MONOTONIC_USEC=n
READY=1|STATUS=0 plugins on 1 loop
STOPPING=1|STATUS=os.sigterm" || { wrong "at $socket it sent:"; cat "$folder/heard"; }
done
NOTIFY_SOCKET=nonsense
start
says '^host.started'
complained NOTIFY_SOCKET
kill -TERM $host
ends 0
exit $failed
