# The program names replies to a client that is not written with tocsin: to questions over IPv4 and
# IPv6, from several sockets at a time, between datagrams that are no questions. If dig is
# installed, dig asks, too.
python3 -c '' 2>/dev/null || { echo "skip: programs/datagrams: there is no python3"; exit 77; }
dir=$(mktemp -d) || exit 2
trap 'kill $names 2>/dev/null; rm -rf "$dir"' EXIT
port=$(python3 -c '
import socket
free = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
free.bind(("::", 0))
print(free.getsockname()[1])')
t/programs/names "udp:*:$port" &
names=$!
cat >"$dir/client.py" <<'END'
import socket, struct, sys, time

port = int(sys.argv[1])

def question(number, name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">6H", number, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"

def asked(client, to, number, name):
    for _ in range(120):  # the program may not have begun yet, and UDP may lose datagrams
        data = question(number, name)
        try:
            client.sendto(data, to)
            reply = client.recv(600)
        except OSError:
            time.sleep(0.1)
            continue
        if reply[:2] != data[:2]:
            continue  # the reply to an earlier try
        if reply[12:len(data)] != data[12:] or reply[-4:] != bytes([192, 0, 2, 1]):
            sys.exit("the reply to %s is wrong" % name)
        return
    sys.exit("no reply to %s" % name)

peers = [(socket.AF_INET, ("127.0.0.1", port))]
try:
    socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(("::1", 0))
    peers.append((socket.AF_INET6, ("::1", port)))
except OSError:
    print("skip: programs/datagrams: no IPv6")
for family, to in peers:
    clients = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(8)]
    for client in clients:
        client.settimeout(1)
    for number in range(50):
        clients[number % 8].sendto(b"", to)
        clients[number % 8].sendto(b"\xff" * (number * 20), to)
        asked(clients[number % 8], to, number, "host%d.example.org" % number)
END
python3 "$dir/client.py" "$port" || exit 1
if command -v dig >/dev/null; then
    reply=$(dig +short +tries=10 +time=2 @127.0.0.1 -p "$port" www.example.org A)
    test "$reply" = 192.0.2.1 || { echo "dig: '$reply'"; exit 1; }
else
    echo "skip: programs/datagrams: there is no dig"
fi
kill -0 $names
