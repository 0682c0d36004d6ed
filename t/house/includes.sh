# Includes go down the floors: core <- loop <- op <- style, plugin; report knows the hooks in core alone. What stands on the public headers (net, plugins, tools,
# demos, bench, the tests of the public face) includes those and what is in its own room. libevent is lib/loop's business
# alone, libcurl lib/net's; only what compares the library with them may have them too.
cd "$srcdir" || exit 2
find include lib demos bench t/api t/contract t/programs t/install plugins tools \
    \( -name '*.[ch]' -o -name '*.cc' \) 2>/dev/null | sort | xargs awk '
BEGIN {
    down["core"] = " core "
    down["loop"] = " core loop "
    down["op"] = " core loop op "
    down["style"] = " core loop op style "
    down["plugin"] = " core loop op plugin "
    down["report"] = " core report "
    down["net"] = " net "
}
function bad(why) { print FILENAME ":" FNR ": " $0 "   (" why ")"; failed = 1 }

FNR == 1 {
    folder = room = FILENAME
    sub("/[^/]*$", "", folder)
    floor = ""
    if (sub("^lib/", "", room)) { sub("/.*", "", room); floor = room; room = "lib/" room } else sub("/.*", "", room)
}
/^[ \t]*#[ \t]*include/ {
    match($0, /[<"][^>"]*[>"]/)
    name = substr($0, RSTART + 1, RLENGTH - 2)
    peers = room == "bench" || room == "demos"
    if (name ~ /^event2\// && floor != "loop" && !peers)
        bad("libevent outside lib/loop")
    if (name ~ /^curl\// && floor != "net" && !peers && room != "t")
        bad("libcurl outside lib/net")
    if (name ~ /^tocsin\/http/ && floor != "" && floor != "net")
        bad("libtocsin does not know libtocsin-net")
    other = name
    sub("/.*", "", other)
    ours = index(" core loop op style plugin report ", " " other " ") && name ~ /\//
    if (substr($0, RSTART, 1) == "<" && !ours)
        next
    if (room == "include") {
        bad("not with <>")
    } else if (floor != "" && name ~ /\//) {
        if (index(down[floor], " " other " ") == 0)
            bad("not down the floors")
    } else if (name ~ /\//) {
        path = folder "/" name
        while (sub(/[^\/]+\/\.\.\//, "", path)) ;
        if (index(path, room "/") != 1)
            bad("outside its own room")
        if (ours)
            bad("only public headers")
    }
}
END { exit failed || NR == 0 }'
