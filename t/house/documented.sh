# Every exported function has a comment in front of its declaration. The comment has the lines
# @owner, @return, @emits, @thread, @source and @since.
cd "$srcdir" || exit 2
awk '
BEGIN { count = split("owner return emits thread source since", tags) }
/^\/\*\*/ { comment = ""; inside = 1 }
inside    { comment = comment $0 "\n"; if (/\*\//) inside = 0; next }
/^#define/ { if (/TOCSIN_API/) next }
/^TOCSIN_API/ {
    functions++
    for (i = 1; i <= count; i++) {
        lines = gsub("\n \\* @" tags[i] " +[^ \n]", "&", comment)
        if (lines != 1) {
            print FILENAME ":" FNR ": " $0 ": " lines " lines @" tags[i]
            failed = 1
        }
    }
    if (comment !~ /^\/\*\*\n \* [^@\n]/) {
        print FILENAME ":" FNR ": " $0 ": no sentence says what it does"
        failed = 1
    }
    comment = ""
}
/TOCSIN_API/ && !/^TOCSIN_API/ && !/^#define/ {
    print FILENAME ":" FNR ": TOCSIN_API must begin its line"
    failed = 1
}
END { print functions " functions"; exit failed || !functions }' $core_headers $test_headers \
    $net_headers
