# Tests demos/proxy. A server and its clients in Python check that all data arrives. Output to a
# file is a line for each connection; on a terminal it is a picture that fits into 80 columns and
# 24 rows, and the terminal is as before afterwards. SIGINT and SIGTERM end it with a summary. An
# upstream that does not listen, or is malformed, closes the clients; a port that is taken is an
# error.
test "$with_demos" = yes ||
    { echo "skip: programs/demo_proxy: the demonstrations are $with_demos"; exit 77; }
python3 -c '' 2>/dev/null || { echo "skip: programs/demo_proxy: there is no python3"; exit 77; }
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cat >"$dir/test.py" <<'PYTHON'
import fcntl, os, pty, re, select, signal, socket, struct, subprocess, sys, termios, threading, time

program, folder = sys.argv[1:]
running, more = [], b"m" * 100000

def fail(why):
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    sys.exit(why)

def same(what, got, wanted):
    if got != wanted:
        fail("%s: %r instead of %r" % (what, got, wanted))

def serve(client):
    """Sends everything back, and then 100 kB. A client that begins with "wait" is not read."""
    with client:
        if client.recv(4, socket.MSG_PEEK) == b"wait":
            leave.wait()
            return
        while True:
            data = client.recv(65536)
            client.sendall(data or more)
            if not data:
                return

def accept_all(server):
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

def connected(port):
    for _ in range(600):
        try:
            client = socket.create_connection(("127.0.0.1", port))
            client.settimeout(60)
            return client
        except OSError:
            time.sleep(0.1)
    fail("the proxy does not listen")

def to_end(client):
    came = b""
    try:
        while True:
            data = client.recv(65536)
            if not data:
                return came
            came += data
    except ConnectionError:
        return came

def exchange(port, data):
    with connected(port) as client:
        sender = threading.Thread(target=lambda: (client.sendall(data),
                                                  client.shutdown(socket.SHUT_WR)))
        sender.start()
        came = to_end(client)
        sender.join()
        same("bytes through the proxy", (len(came), came == data + more),
             (len(data) + len(more), True))

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]

def arguments(port, upstream):
    return [program, "tcp:127.0.0.1:%d" % port, upstream]

server = socket.create_server(("127.0.0.1", 0))
upstream = "tcp:127.0.0.1:%d" % server.getsockname()[1]
leave = threading.Event()
threading.Thread(target=accept_all, args=(server,), daemon=True).start()

def to_a_file(number):
    port = free_port()
    with open(folder + "/said", "w+b") as said:
        proxy = subprocess.Popen(arguments(port, upstream), stdout=said, stderr=subprocess.STDOUT)
        running.append(proxy.pid)
        for size in 1000, 300000, 5:
            exchange(port, os.urandom(size))
        proxy.send_signal(number)
        same("status", proxy.wait(), 0)
        running.remove(proxy.pid)
        said.seek(0)
        lines = said.read().decode().splitlines()
    same("lines", len(lines), 4)
    for line, (up, down) in zip(lines, [("1.0 kB", "101 kB"), ("300 kB", "400 kB"),
                                        ("5 B", "100 kB")]):
        if not re.fullmatch(r"127\.0\.0\.1:\d+: up %s, down %s, done" % (up, down), line):
            fail("the line of a connection: " + line)
    if not re.fullmatch(r"3 connections, 0 failed, \d+ stalls, up 301 kB, down 601 kB", lines[3]):
        fail("the summary: " + lines[3])

def read_terminal(terminal, condition):
    said = b""
    end = time.monotonic() + 60
    while not condition(said):
        if time.monotonic() > end:
            fail("the terminal shows %r" % said[-2000:])
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                said += os.read(terminal, 65536)
            except OSError:  # the end of a terminal
                return said
    return said

def frames(said):
    return [re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", frame).split("\r\n")
            for frame in said.decode(errors="replace").split("\033[H")[1:]]

def fill(client):
    """Sends until the kernel accepts no more for now."""
    try:
        while True:
            client.send(b"x" * 65536)
    except BlockingIOError:
        return True

def on_a_terminal(number):
    port = free_port()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(program, arguments(port, upstream))
    running.append(pid)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    exchange(port, os.urandom(200000))
    slow = connected(port)
    slow.setblocking(False)
    slow.send(b"wait")
    # The buffers of the kernel grow, so the client sends until it is stalled.
    said = read_terminal(terminal, lambda said: fill(slow) and b"!127" in said and
                         re.search(rb" [1-9][0-9]* stalls", said))
    others = [connected(port) for _ in range(30)]  # more than there are rows
    said += read_terminal(terminal, lambda said: b" 31 live, 32 in all" in said
                          and said.count(b"\033[H") > 3)
    for frame in frames(said)[:-1]:
        if len(frame) > 24 or max(map(len, frame)) > 80:
            fail("a picture has %d rows and %d columns" % (len(frame), max(map(len, frame))))
    os.kill(pid, number)
    rest = read_terminal(terminal, lambda said: False)
    same("status", os.waitpid(pid, 0)[1], 0)
    running.remove(pid)
    leave.set()
    for one in [slow] + others:
        one.close()
    if not said.startswith(b"\033[?1049h\033[?25l"):
        fail("the terminal begins with %r" % said[:40])
    if not re.search(rb"\033\[\?25h\033\[\?1049l32 connections, 0 failed, \d+ stalls, "
                     rb"up \S+ MB, down 300 kB\r\n$", rest):
        fail("the terminal ends with %r" % rest[-200:])

def upstream_fails(address, line):
    port = free_port()
    proxy = subprocess.Popen(arguments(port, address), stdout=subprocess.PIPE)
    running.append(proxy.pid)
    with connected(port) as client:
        same("a client without upstream", to_end(client), b"")
    same("the line of its end", re.sub(rb"^\S+ ", b"", proxy.stdout.readline()), line)
    proxy.terminate()
    same("the summary", proxy.stdout.read().split(b",")[0], b"1 connections")
    same("status", proxy.wait(), 0)
    running.remove(proxy.pid)

to_a_file(signal.SIGTERM)
to_a_file(signal.SIGINT)
on_a_terminal(signal.SIGINT)
upstream_fails("tcp:127.0.0.1:%d" % free_port(),
               b"up 0 B, down 0 B, connection refused\n")
upstream_fails("nowhere", b"up 0 B, down 0 B, done\n")
taken = subprocess.run(arguments(server.getsockname()[1], upstream), stderr=subprocess.PIPE,
                       stdout=subprocess.PIPE)
same("a port that is taken", (taken.returncode, taken.stdout), (1, b""))
if b"ddress already in use" not in taken.stderr:
    fail("a port that is taken: %r" % taken.stderr)
PYTHON
python3 "$dir/test.py" demos/proxy/proxy "$dir"
