# No folder of lib, tools or plugins has more than 20 .c files. No .c or .h file has more than 500
# lines.
cd "$srcdir" || exit 2
find lib tools plugins -name '*.[ch]' | LC_ALL=C sort | xargs awk '
FNR == 1 {
    folder = FILENAME
    sub("/[^/]*$", "", folder)
    if (FILENAME ~ /c$/) files[folder]++
}
{ lines[FILENAME] = FNR }
END {
    for (name in files)
        if (files[name] > 20) { print name ": " files[name] " .c files"; failed = 1 }
    for (name in lines)
        if (lines[name] > 500) { print name ": " lines[name] " lines"; failed = 1 }
    exit failed || !NR
}'
