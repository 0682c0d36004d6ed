# No line of sources, scripts and build files has more than 100 columns. The bytes that continue a
# UTF-8 character do not count.
cd "$srcdir" || exit 2
find include lib plugins tools demos bench t .ci/run quickstart autogen.sh configure.ac \
    Makefile.am -type f \( -name '*.[ch]' -o -name '*.cc' -o -name '*.hpp' -o -name '*.sh' \
    -o -name '*.inc' ! -name causes.inc -o -name '*.awk' -o -name '*.pml' -o -name '*.ac' \
    -o -name '*.am' -o -name run -o -name quickstart \) |
    LC_ALL=C sort | LC_ALL=C xargs awk '
BEGIN {
    # These files have long lines that must stay as they are.
    except["t/base/inbox_mutants.sh"]       # it contains scripts of sed
    except["t/programs/debug_causes.sh"]   # each line is an expected message
}
{ text = $0; gsub(/[\200-\277]/, "", text) }
length(text) > 100 && !(FILENAME in except) {
    print FILENAME ":" FNR ": " length(text) " columns"
    failed = 1
}
END { exit failed || !NR }'
