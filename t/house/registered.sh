# Every source file is listed in the Makefile.inc of its folder. Otherwise it would not be
# built, and its test not run.
cd "$srcdir" || exit 2
lists=$(find . -name Makefile.inc -not -path './tocsin-*' -not -path './build*')
find lib include demos bench t plugins tools \
    -name '*.[ch]' -o -name '*.cc' -o -name '*.sh' 2>/dev/null | LC_ALL=C sort | LC_ALL=C awk '
function bare(name) { sub(/\.c$/, "", name); return name }
FILENAME != "-" { for (i = 1; i <= NF; i++) listed[bare($i)]; next }
!(bare($0) in listed) { print "not registered: " $0; failed = 1 }
END { exit failed || !NR }' $lists -
