# Extracts the causes of errors from the @return lines of the public headers: rows { "function",
# error, "text" }, and { "function", 0, "another" } for "as another". A macro counts as the
# function that it calls: its comment stands above the #define.
function cause(part,    codes, text) {
    gsub(/^[ \t]+|[ \t]+$/, "", part)
    if (match(part, /^((or|also)[ ,]*)?((TOCSIN_|-)E[A-Z0-9]+(, | and | or )?)+( also)?: /)) {
        codes = substr(part, 1, RLENGTH)
        text = substr(part, RLENGTH + 1)
        sub(/\. [A-Z(].*$/, "", text)
        sub(/\.$/, "", text)
        while (match(codes, /(TOCSIN_|-)E[A-Z0-9]+/)) {
            print "    { \"" name "\", " substr(codes, RSTART, RLENGTH) ", \"" text "\" },"
            codes = substr(codes, RSTART + RLENGTH)
        }
    }
    if (match(part, /as tocsin_[a-z_]+/) && substr(part, RSTART + 3, RLENGTH - 3) != name)
        print "    { \"" name "\", 0, \"" substr(part, RSTART + 3, RLENGTH - 3) "\" },"
}
/^\/\*\*/ { inside = 1; answers = "" }
inside && /^ \* @/ { wanted = /^ \* @return/ }
inside && wanted {
    line = $0
    sub(/^ \*( @return)? */, "", line)
    answers = answers " " line
}
/\*\// { inside = wanted = 0 }
/^(TOCSIN_API|#define tocsin_)/ && answers != "" {
    if (match($0, /tocsin_[a-z0-9_]*\)?\(/)) {
        name = substr($0, RSTART, RLENGTH)
        sub(/\)?\($/, "", name)
        sub(/_at$/, "", name)
        gsub(/\\/, "", answers)
        gsub(/"/, "\\\"", answers)
        count = split(answers, parts, ";")
        for (i = 1; i <= count; i++)
            cause(parts[i])
    }
    answers = ""
}
