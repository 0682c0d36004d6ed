# Calls go down the floors, as includes do. This test reads the symbols of the objects of libtocsin.
# There are four rules. Each rule has a list of exceptions, with their reasons.
#   1. No object uses a symbol of a higher floor. (A pointer that the higher floor registers is no
#   such symbol.)
#   2. No circle of files in a folder is longer than the list says.
#   3. A function that lib/X/y.h declares is defined in lib/X/y.c.
#   4. A public function is defined in a file that is named after its noun: the name of the file
#   begins with the name of the header or with the first word of the function's name, or its folder
#   has that name.
# The variable OBJECTS names other objects to read, with which this test itself is tested.
others='^lib/\(net\|test\)/'
objects=${OBJECTS-$(find lib -path '*/.libs/libtocsin_la-*.o' | grep -v "$others" | LC_ALL=C sort)}
test -n "$objects" || { echo "no objects of libtocsin"; exit 2; }
{
    ${NM-nm} -A $objects |
        sed 's|^\(lib/[a-z/]*\)/\.libs/libtocsin_la-\([a-z_]*\)\.o:|symbol \1/\2.c |'
    cd "$srcdir" || exit 2
    # Reads the function declarations of headers. Comments, directives, and everything in braces are
    # removed before.
    for header in include/tocsin/*.h \
        $(find lib -name '*.h' | grep -v "$others" | LC_ALL=C sort); do
        sed -e ':join' -e '/\\$/{N;s/\\\n/ /;b join' -e '}' "$header" | sed -e '/^[[:space:]]*#/d' |
            tr '\n' ' ' | sed -e 's|/\*|\x01|g' -e 's|\*/|\x02|g' -e 's/\x01[^\x02]*\x02//g' \
            -e 's/extern "C"//g' -e ':deep' -e 's/{[^{}]*}/;/g' -e 't deep' | tr ';' '\n' |
            sed -n -e '/static inline/d' -e '/typedef/d' -e '/(\*/{/^[^(]*(\*/d' -e '}' \
            -e "s|^[^(]*[ *]\(tocsin_[a-z0-9_]*\)(.*|declares $header \1|p" \
            -e "s|^[^(]*[ *(]\(tocsin_[a-z0-9_]*\))(.*|declares $header \1|p"
    done
} | LC_ALL=C awk '
BEGIN {
    # Rule 2: the longest circle of files in each folder. If a circle has become shorter, its new
    # length must be written here.
    circle["delivery"] = 15     # connecting, masking, flushing and emitting may each deliver
    circle["loop"] = 14         # the turn calls many files, and these call the turn
    circle["plugin"] = 5        # a load may load needed plugins; an unload may end a load
    # Rule 4: FUNCTION FILE. The functions of a handler are in connect.c, and those of a mask in
    # mask_set.c.
    exception["tocsin_on_at lib/delivery/connect.c"]
    exception["tocsin_observe_at lib/delivery/connect.c"]
    exception["tocsin_ignore lib/delivery/pending/mask_set.c"]
    exception["tocsin_sigmask lib/delivery/pending/mask_set.c"]
    exception["tocsin_unignore lib/delivery/pending/mask_set.c"]
    # Both functions wait for all threads, or send to one thread, as a post does. lib/delivery may
    # not do this.
    exception["tocsin_all lib/style/group.c"]
    exception["tocsin_any lib/style/group.c"]
    # lib/report writes JSON.
    exception["tocsin_info_json lib/report/json.c"]
    # An owner has no handlers itself; the loop of a handler counts its faults.
    exception["tocsin_handler_unquarantine lib/delivery/quarantine.c"]
    # A provider refuses a call in the same way as the library itself.
    exception["tocsin_refuse lib/base/refusal.c"]
    # The watchdog, the crash handler and the unload use the same description of the running code.
    exception["tocsin_still_running lib/loop/watchdog/sight.c"]
    down["base"] = " base "
    down["registry"] = down["base"] "registry "
    down["delivery"] = down["registry"] "delivery "
    down["remote"] = down["delivery"] "remote "
    down["os"] = down["remote"] "os "
    down["loop"] = down["os"] "loop "
    down["op"] = down["loop"] "op "
    down["style"] = down["op"] "style "
    down["io"] = down["op"] "io "
    down["plugin"] = down["op"] "style plugin "
    down["report"] = down["style"] "io plugin report "
}
function folder_of(file) { sub("^lib/", "", file); sub("/.*", "", file); return file }
function stem_of(file) { sub(".*/", "", file); sub("[.].*", "", file); return file }
function bad(why) { print why; failed = 1 }
function allowed(entry) { if (entry in exception) { used[entry] = 1; return 1 } return 0 }

$1 == "symbol" && $NF ~ /^tocsin_/ {
    if ($(NF - 1) == "U") { uses[++used_count] = $2 " " $NF }
    else if ($(NF - 1) ~ /^[A-Z]$/) { file_of[$NF] = $2; files[$2] = 1 }
}
$1 == "declares" { declared[++declared_count] = $2 " " $3 }

function check_calls(    i, part, from, to, user, owner) {
    for (i = 1; i <= used_count; i++) {
        split(uses[i], part, " ")
        if (!(part[2] in file_of))
            continue
        user = part[1]; owner = file_of[part[2]]
        from = folder_of(user); to = folder_of(owner)
        if (from == to) {
            if (user != owner) reach[user, owner] = 1
        } else if (index(down[from], " " to " ") == 0 && !allowed(user " " part[2]))
            bad(user ": uses " part[2] " of " owner ", which is no lower floor")
    }
}
function check_circles(    f, g, h, n, name, done, text, most, folder) {
    for (f in files) { name[++n] = f; in_folder[folder_of(f)] = 1 }
    for (g = 1; g <= n; g++) for (f = 1; f <= n; f++) if ((name[f], name[g]) in reach)
        for (h = 1; h <= n; h++) if ((name[g], name[h]) in reach) reach[name[f], name[h]] = 1
    for (f = 1; f <= n; f++) {
        if (done[f]) continue
        text = name[f]; g = 1; folder = folder_of(name[f])
        for (h = f + 1; h <= n; h++)
            if ((name[f], name[h]) in reach && (name[h], name[f]) in reach) {
                done[h] = 1
                text = text " " stem_of(name[h])
                g++
            }
        if (g > most[folder]) most[folder] = g
        if (g > 1 && g > circle[folder] + 0)
            bad("a circle of " g " files, " circle[folder] + 0 " are allowed in lib/" folder \
                ": " text)
    }
    for (folder in in_folder) if (most[folder] > 1 ? most[folder] < circle[folder] : circle[folder])
        bad("the longest circle in lib/" folder " has only " most[folder] \
            " files: lower the number in this test")
}
function check_headers(    i, part, header, file, noun, word, folder) {
    for (i = 1; i <= declared_count; i++) {
        split(declared[i], part, " ")
        header = part[1]
        if (!(part[2] in file_of))
            continue
        file = file_of[part[2]]
        if (header ~ /^lib/) {
            sub("h$", "c", header)
            if (header != file && !allowed(part[1] " " file))
                bad(part[1] ": declares " part[2] ", which is defined in " file)
            continue
        }
        noun = stem_of(header)
        word = part[2]
        sub("^tocsin_", "", word); sub("_.*", "", word)
        folder = folder_of(file)
        if (index(stem_of(file), noun) != 1 && index(stem_of(file), word) != 1 &&
            folder != noun && folder != word &&
            !allowed(part[2] " " file))
            bad(header ": " part[2] " is defined in " file ", no file of " noun " or " word)
    }
}
END {
    check_calls()
    check_circles()
    check_headers()
    for (entry in exception) if (!(entry in used))
        bad(entry ": holds now, so remove this exception from the test")
    if (!used_count || !declared_count) bad("nothing was read")
    exit failed
}'
