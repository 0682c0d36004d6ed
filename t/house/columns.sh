# No line of sources, scripts and build files has more than 100 columns. A byte that continues a
# UTF-8 character does not count.
cd "$srcdir" || exit 2
find include lib plugins tools demos bench t .ci/run quickstart autogen.sh configure.ac \
    Makefile.am -type f \( -name '*.[ch]' -o -name '*.cc' -o -name '*.hpp' -o -name '*.sh' \
    -o -name '*.inc' ! -name causes.inc -o -name '*.awk' -o -name '*.pml' -o -name '*.ac' \
    -o -name '*.am' -o -name run -o -name quickstart \) |
    LC_ALL=C sort | LC_ALL=C xargs awk '
BEGIN {
    # Files with long lines that must stay as they are.
    except["t/base/inbox_mutants.sh"]       # scripts of sed
    except["t/programs/debug_causes.sh"]   # expected messages, one a line
}
{ text = $0; gsub(/[\200-\277]/, "", text) }
length(text) > 100 && !(FILENAME in except) {
    print FILENAME ":" FNR ": " length(text) " columns"
    failed = 1
}
END { exit failed || !NR }'
