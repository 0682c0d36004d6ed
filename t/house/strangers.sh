# The stranger's test, which is run by hand: sh t/house/strangers.sh SEED [TOCSIN]
# The script prints 60 comments of the tree, 30 messages of the program tocsin and the library, and
# 30 sentences of the manual. The seed chooses them. A reader who does not look at the code rates
# each of them: understood at the first reading, at the second reading, or not at all.
case $1 in '' | *[!0-9]*) echo "usage: sh t/house/strangers.sh SEED" >&2; exit 2 ;; esac
cd "${srcdir:-$(dirname "$0")/../..}" || exit 2
seed=$1

draw() {   # title, count: chooses among the records of the standard input, one a line
    echo "== $1 =="
    awk -v seed="$seed" -v count="$2" '
    BEGIN { srand(seed) }
    { record[NR] = $0 }
    END {
        for (i = 1; i <= count && i <= NR; i++) {
            j = i + int(rand() * (NR - i + 1))
            chosen = record[j]; record[j] = record[i]
            at = chosen; sub(/\t.*/, "", at); sub(/^[^\t]*\t/, "", chosen)
            gsub(/\001/, "\n      ", chosen)
            printf "%2d. [%s]\n      %s\n\n", i, at, chosen
        }
    }'
}

# Prints the comments with at least four words, each with its file and line.
comments() {
    find include lib plugins tools demos bench t -name '*.[ch]' | LC_ALL=C sort | xargs awk '
    function finish() {
        if (split(text, words, /[ \001]+/) >= 4 && text !~ /^ *clang-format/)
            print at "\t" text
        text = ""
    }
    # Returns the position behind the first "/*" that is not in a string; 0: there is none.
    function opening(line,   i, c, quote) {
        for (i = 1; i <= length(line); i++) {
            c = substr(line, i, 1)
            if (quote && c == "\\") i++
            else if (quote && c == quote) quote = ""
            else if (!quote && (c == "\"" || c == "\047")) quote = c
            else if (!quote && substr(line, i, 2) == "/*") return i + 2
        }
        return 0
    }
    FNR == 1 { inside = 0 }
    {
        line = $0
        if (!inside) {
            if (!(start = opening(line))) next
            at = FILENAME ":" FNR
            line = substr(line, start)
            inside = 1; tags = 0
            sub(/^\*/, "", line)
        } else
            sub(/^[ \t]*\*( |$)/, "", line)
        ended = match(line, /\*\//)
        if (ended) line = substr(line, 1, RSTART - 1)
        sub(/^[ \t]+/, "", line); sub(/[ \t]+$/, "", line)
        if (line ~ /^@/) tags = 1
        if (!tags) text = text (text == "" || line == "" ? "" : "\001") line
        if (ended) { inside = 0; finish() }
    }'
}

# Prints the texts that the program and the library print. These are strings of at least three
# words, in calls that print or refuse. The parts of a string are joined.
messages() {
    for file in $(find lib tools plugins -name '*.c' | LC_ALL=C sort); do
        awk -v file="$file" '
        { text = text $0 "\n" }
        END {
            gsub(/"[ \t]*\n[ \t]*"/, "", text)
            count = split(text, lines, "\n")
            for (i = 1; i <= count; i++) {
                if (lines[i] ~ /because|reason|refus|say|warn|print|fail|complain/ ||
                    lines[i] ~ /text_add|line\(|doubt|quit/)
                    near = 3
                if (near-- > 0 && match(lines[i], /"[^"]*[A-Za-z]+[^"]* [^"]*[a-z]+[^"]*"/)) {
                    said = substr(lines[i], RSTART + 1, RLENGTH - 2)
                    if (split(said, words, " ") >= 4 && said !~ /^[,?:]/) print file "\t" said
                }
            }
        }' "$file"
    done
}

# Prints the sentences of the manual, without the macros of mdoc.
sentences() {
    for page in man/*.[17]; do
        MANWIDTH=100000 man -l "$page" 2>/dev/null | col -bx | sed "s,^ *,,; s,  *, ,g" |
            awk -v page="$page" '{
                count = split($0, parts, /[.] +/)
                for (i = 1; i <= count; i++)
                    if (split(parts[i], words, " ") >= 5) print page "\t" parts[i]
            }'
    done
}

comments | draw "60 comments" 60
messages | draw "30 messages" 30
sentences | draw "30 sentences of the manual" 30
