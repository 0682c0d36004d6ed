# Exits with 0 if the standard input is one JSON text (RFC 8259), and with 1 otherwise.
function blank() { while (substr(text, at, 1) ~ /^[ \t\r\n]$/) at++ }
function take(pattern) {
    if (!match(substr(text, at), pattern))
        return 0
    at += RLENGTH
    return 1
}
function string() {
    return take("^\"([^\"\\\\\001-\037]|\\\\[\"\\\\/bfnrt]|\\\\u" hex hex hex hex ")*\"")
}
# Reads the members of an array. If named is true, reads the members of an object.
function members(end, named) {
    at++; blank()
    if (take("^" end))
        return 1
    do {
        blank()
        if (named && !(string() && blank_then("^:")))
            return 0
        if (!value())
            return 0
        blank()
    } while (take("^,"))
    return take("^" end)
}
function blank_then(pattern) { blank(); return take(pattern) }
function value() {
    blank()
    if (substr(text, at, 1) == "{")
        return members("[}]", 1)
    if (substr(text, at, 1) == "[")
        return members("[]]", 0)
    return string() || take("^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?") ||
        take("^(true|false|null)")
}
BEGIN { hex = "[0-9a-fA-F]" }
{ text = text $0 "\n" }
END { at = 1; good = value(); blank(); exit !(good && at > length(text)) }
