# The programs echo and proxy serve a client that is not written with tocsin. It sends a megabyte in
# both directions at the same time, through the proxy to the echo, and then ends its side.
python3 -c '' 2>/dev/null || { echo "skip: programs/streams: there is no python3"; exit 77; }
dir=$(mktemp -d) || exit 2
trap 'kill $echo $proxy 2>/dev/null; rm -rf "$dir"' EXIT
t/programs/echo "unix:$dir/echo" &
echo=$!
t/programs/proxy "unix:$dir/proxy" "unix:$dir/echo" &
proxy=$!
cat >"$dir/client.py" <<'END'
import os, socket, sys, threading, time

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

def send(client, data):
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)

for name in ("echo", "proxy"):
    connected(sys.argv[1] + "/" + name).close()
for name in ("echo", "proxy"):
    clients = [connected(sys.argv[1] + "/" + name) for _ in range(4)]
    for client in clients:
        data, came = os.urandom(1 << 20), b""
        sender = threading.Thread(target=send, args=(client, data))
        sender.start()
        while True:
            part = client.recv(65536)
            if not part:
                break
            came += part
        sender.join()
        if came != data:
            sys.exit("%s: %d bytes came back" % (name, len(came)))
        client.close()
END
python3 "$dir/client.py" "$dir"
