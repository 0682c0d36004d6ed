# Only the file mem.c of each library allocates memory. So a test can make each allocation fail.
cd "$srcdir" || exit 2
find lib -name '*.[ch]' ! -path lib/base/mem.c ! -path lib/net/mem.c \
    ! -path lib/test/mem.c | xargs awk '
BEGIN {
    functions = "malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|" \
        "posix_memalign|aligned_alloc"
}
{
    line = $0   # the line without comments and strings
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    sub(/\/\/.*/, "", line)
    while (inside || match(line, /\/\*/)) {
        head = ""
        if (!inside) {
            head = substr(line, 1, RSTART - 1)
            line = substr(line, RSTART + 2)
            inside = 1
        }
        if (!match(line, /\*\//)) { line = head; break }
        line = head " " substr(line, RSTART + 2); inside = 0
    }
    if (inside && line == $0) line = ""
    if (match(line, "(^|[^A-Za-z0-9_.>])(" functions ")[ \t]*\\(")) {
        print FILENAME ":" FNR ": " $0
        failed = 1
    }
    if (match(line, /[^A-Za-z0-9_](malloc|calloc|realloc|free|strdup)[ \t]*[,;)}]/)) {
        print FILENAME ":" FNR ": " $0 "   (by its address)"
        failed = 1
    }
}
END { exit failed || NR == 0 }'
