# Includes go down the floors: base <- registry <- delivery <- remote <- os <- loop <- op <- io,
# style, plugin. A real signal handler posts, so the floor os is above remote. The floor report
# includes public headers, the hooks in base, and layouts, since it prints whole names.
# Folders outside libtocsin (net, test, plugins, tools, demos, bench, the tests of the public
# interface) include only public headers and files of their own folder. bench/own_idle.c is an
# exception, since it measures an internal function. Only lib/loop includes libevent, and only
# lib/net includes libcurl. Code that compares the library with them is an exception.
cd "$srcdir" || exit 2
find include lib demos bench t/api t/contract t/programs t/install plugins tools \
    \( -name '*.[ch]' -o -name '*.cc' \) 2>/dev/null | sort | xargs awk '
BEGIN {
    # These includes go up a floor, and must still be removed.
    down["base"] = " base "
    down["registry"] = down["base"] "registry "
    down["delivery"] = down["registry"] "delivery "
    down["remote"] = down["delivery"] "remote "
    down["os"] = down["remote"] "os "
    down["loop"] = down["os"] "loop "
    down["op"] = down["loop"] "op "
    down["io"] = down["op"] "io "
    down["style"] = down["op"] "style "
    down["plugin"] = down["op"] "plugin "
    down["report"] = " base registry report "
    down["net"] = " net "
    down["test"] = " test "
}
function bad(why) { print FILENAME ":" FNR ": " $0 "   (" why ")"; failed = 1 }

FNR == 1 {
    folder = room = FILENAME
    sub("/[^/]*$", "", folder)
    floor = ""
    if (sub("^lib/", "", room)) {
        sub("/.*", "", room)
        floor = room
        room = "lib/" room
    } else {
        sub("/.*", "", room)
    }
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
    ours = index(down["plugin"] "io style report ", " " other " ") && name ~ /\//
    if (substr($0, RSTART, 1) == "<" && !ours)
        next
    if (room == "include") {
        bad("not with <>")
    } else if (floor != "" && name ~ /\//) {
        if ((FILENAME " " name) in up)
            delete up[FILENAME " " name]
        else if (index(down[floor], " " other " ") == 0)
            bad("not down the floors")
    } else if (name ~ /\//) {
        path = folder "/" name
        while (sub(/[^\/]+\/\.\.\//, "", path)) ;
        if (index(path, room "/") != 1)
            bad("outside its own room")
        if (ours && FILENAME !~ /^bench\/own_/)
            bad("only public headers")
    }
}
END {
    for (entry in up) {
        print entry ": not included any longer, so remove this entry of the list"
        failed = 1
    }
    exit failed || NR == 0
}'
