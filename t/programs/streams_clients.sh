# Programs with streams serve clients that are not written with tocsin: Python always, nc and socat
# where they are installed.
#   echo-fiber  many clients at the same time; clients that leave without a word, or send a reset;
#               SIGTERM ends the program while clients are connected
#   chat        names, lines to all, a line in pieces, a client that leaves, a client that does not
#               read is 1 MiB behind and is dropped, and a line that is too long ends its client
#   scan        finds the ports that listen, and no port that does not
python3 -c '' 2>/dev/null ||
    { echo "skip: programs/streams_clients: there is no python3"; exit 77; }
dir=$(mktemp -d) || exit 2
trap 'kill $echo $chat 2>/dev/null; rm -rf "$dir"' EXIT
t/programs/echo-fiber "unix:$dir/echo" &
echo=$!
t/programs/chat "unix:$dir/chat" &
chat=$!
cat >"$dir/clients.py" <<'PYTHON'
import os, socket, struct, subprocess, sys, time

def connected(path):
    for _ in range(600):  # the program may not listen yet
        try:
            client = socket.socket(socket.AF_UNIX)
            client.connect(path)
            return client
        except OSError:
            client.close()
            time.sleep(0.1)
    sys.exit(path + ": nobody listens")

def same(what, got, wanted):
    if got != wanted:
        sys.exit("%s: %r instead of %r" % (what, got, wanted))

def to_end(client):
    came = b""
    while True:
        part = client.recv(65536)
        if not part:
            return came
        came += part

def lines(client, count):
    came = b""
    while came.count(b"\n") < count:
        part = client.recv(1)
        if not part:
            sys.exit("chat: the end after %r" % came)
        came += part
    return came

def try_echo(path):
    for round in range(3):
        clients = [connected(path) for _ in range(40)]
        for i, client in enumerate(clients):
            client.sendall(b"%d " % i * 3000)
        for i, client in enumerate(clients):
            if i % 4 == 0:
                client.close()  # with unread data: a reset
        for i, client in reversed(list(enumerate(clients))):
            if i % 4:
                client.shutdown(socket.SHUT_WR)
                same("echo-fiber", to_end(client), b"%d " % i * 3000)
                client.close()

def member(path, name):
    client = connected(path)
    same("chat", lines(client, 1), b"your name?\n")
    client.sendall(name + b"\n")
    return client

def try_chat(path):
    anna, bert = member(path, b"anna"), member(path, b"bert")
    bert.sendall(b"hel")
    time.sleep(0.05)
    bert.sendall(b"lo\nagain\n")
    same("chat", lines(bert, 2), b"bert: hello\nbert: again\n")
    same("chat", lines(anna, 2), b"bert: hello\nbert: again\n")
    carl = member(path, b"carl")
    anna.sendall(b"hi\n")  # carl's name may still be on its way
    same("chat", lines(carl, 1), b"anna: hi\n")
    bert.close()
    same("chat", lines(carl, 1), b"bert: left\n")
    same("chat", lines(anna, 2), b"anna: hi\nbert: left\n")
    carl.sendall(b"x" * 600)
    same("chat", to_end(carl), b"")
    same("chat", lines(anna, 1), b"carl: left\n")
    deaf = member(path, b"deaf")
    deaf.sendall(b"here\n")
    same("chat", lines(anna, 1), b"deaf: here\n")
    said = b"y" * 500 + b"\n"
    for count in range(20000):
        anna.sendall(said)
        line = lines_all(anna)
        if b"deaf: left\n" in line:
            break
    else:
        sys.exit("chat: a client that does not read is kept")
    if count * len(said) < 1 << 20:
        sys.exit("chat: a client that does not read was dropped too early")

def lines_all(client):
    """Reads until the own line has come back."""
    came = b""
    while not came.endswith(b"y\n") and b"left\n" not in came:
        came += client.recv(65536)
    return came

def try_scan(program):
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))  # does not listen
    ports = [one.getsockname()[1] for one in listening]
    closed = bound.getsockname()[1]
    for port, is_open in [(port, True) for port in ports] + [(closed, False)]:
        first, last = max(port - 150, 1), min(port + 150, 65535)
        for tries in range(20):  # a machine under load may need more than half a second
            found = subprocess.run([program, "127.0.0.1", "%d-%d" % (first, last)], check=True,
                                   stdout=subprocess.PIPE).stdout.split()
            if (b"%d" % port in found) == is_open:
                break
        else:
            sys.exit("scan: %d is %s" % (port, "missing" if is_open else "found"))
        if any(not first <= int(one) <= last for one in found):
            sys.exit("scan: found %r" % found)

try_echo(sys.argv[1] + "/echo")
try_chat(sys.argv[1] + "/chat")
try_scan("t/programs/scan")
PYTHON
python3 "$dir/clients.py" "$dir" || exit 1

# A client of another author, if there is one.
if command -v socat >/dev/null; then
    said=$(printf 'one\ntwo\n' | socat -t 60 - "UNIX-CONNECT:$dir/echo")
    test "$said" = "$(printf 'one\ntwo')" || { echo "socat: $said"; exit 1; }
fi
if command -v nc >/dev/null && nc -h 2>&1 | grep -q -e '-U'; then
    said=$(printf 'one\ntwo\n' | nc -N -U "$dir/echo")
    test "$said" = "$(printf 'one\ntwo')" || { echo "nc: $said"; exit 1; }
fi

# The programs end on SIGTERM, also while a client is connected.
python3 - "$dir" $echo $chat <<'PYTHON' || exit 1
import os, signal, socket, sys
clients = []
for name in "echo", "chat":
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1] + "/" + name)
    client.sendall(b"name\n")
    client.recv(1)
    clients.append(client)
for pid in sys.argv[2:]:
    os.kill(int(pid), signal.SIGTERM)
PYTHON
wait $echo
status=$?
wait $chat
status=$status,$?
echo=
chat=
test $status = 0,0 || { echo "the programs ended with $status on SIGTERM"; exit 1; }
