# Tests the syntax of the file: byte order marks, line ends, comments, blanks, continued lines.
# Ambiguous lines must be refused.
. "$srcdir/t/tools/host.inc"
file=$folder/file.ini

good() {   # description. Standard input: the file
    cat >"$file"
    tocsin run --check "$file" >"$folder/out" 2>"$folder/err" ||
        wrong "$1 is refused: $(cat "$folder/err")"
    test ! -s "$folder/err" || wrong "$1: $(cat "$folder/err")"
}

bad() {   # line, expected message. Standard input: the file
    cat >"$file"
    exits 1 run --check "$file"
    grep -q -- "^$file:$1: .*$2" "$folder/err" ||
        wrong "line $1: not '$2', but $(cat "$folder/err")"
}

value() {   # the value that is read for watchdog_ms, not a number
    cat >"$file"
    exits 1 run --check "$file"
    grep -qxF -- "$file:2: watchdog_ms = $1: must be a number from 0 to 1000000000" "$folder/err" ||
        wrong "not '$1', but $(cat "$folder/err")"
}

# The beginning of a file.
mark=$(printf '\357\273\277')
printf '%s[tocsin]\ndrain_ms = 7\n' "$mark" | good 'a section behind a byte order mark'
printf '%s\n[tocsin]\n' "$mark" | good 'an empty line behind it'
printf '%s; a comment\n[tocsin]\n' "$mark" | good 'a comment behind it'
printf '%s' "$mark" | good 'it alone'
printf '' | good 'an empty file'
printf '%s%s[tocsin]\n' "$mark" "$mark" | bad 1 'neither'
printf '%sdrain_ms = 7\n' "$mark" | bad 1 "'drain_ms' is in no section"
printf '[tocsin]\n%sdrain_ms = 7\n' "$mark" | bad 2 "there is no setting '.357.273.277drain_ms'"
for encoding in UTF-16LE UTF-16BE UTF-32LE UTF-32BE; do
    case $encoding in
    UTF-16LE) bytes='\377\376[\0t\0]\0\n\0' ;;
    UTF-16BE) bytes='\376\377\0[\0t\0]\0\n' ;;
    UTF-32LE) bytes='\377\376\0\0[\0\0\0' ;;
    UTF-32BE) bytes='\0\0\376\377\0\0\0[' ;;
    esac
    printf "$bytes" >"$file"
    exits 1 run --check "$file"
    complained "^$file: the file is ${encoding%?E}: save it as UTF-8"
done
printf '[\0t\0]\0\n\0' | bad 1 'a NUL byte: if the file is UTF-16'
printf '[tocsin]\n\ndrain_ms = 7\0\n' | bad 3 'a NUL byte'
printf '[tocsin]\n\0' | bad 2 'a NUL byte'

# Line ends.
printf '[tocsin]\r\ndrain_ms = 7\r\ntick_ms=1\r\n' | good 'CR and newline'
printf '[tocsin]\r\npath = a:\r\n b\r\n\r\n; c\r\n' | good 'the same, going on'
printf '[tocsin]\ndrain_ms = 7' | good 'no newline at the end'
printf '[tocsin]' | good 'a section without a newline at the end'
printf '[tocsin]\r\ndrain_ms = 7\r' | good 'CR at the end'
printf '[tocsin]\rdrain_ms = 7\r' | bad 1 'the line has a control character'
printf '[tocsin]\ndrain_ms = 7\v8\n' | bad 2 'the line has a control character'
printf '[tocsin]\n\fdrain_ms = 7\n' | bad 2 'the line has a control character: .014drain_ms'
printf '[tocsin]\ndrain_ms\t=\t7\t\n' | good 'tabs'

# Comments.
printf '; [x\n# [x\n\t ; a = b\n  # c\n[tocsin] ; [d]\n[loop io]# e\n' |
    bad 6 'only a comment may follow the ]'
printf '[tocsin] ; [d]\n[loop io] # e\ndrain_ms = 7\n' | bad 3 "no settings: remove 'drain_ms'"
printf '[tocsin]\ndrain_ms = 7 ; s\ntick_ms = 8 # s\nwatchdog_ms = 9\t#s\n' |
    good 'comments behind values'
printf '%s\n' '[tocsin]' 'path = a ; the first' '  b # the second' |
    good 'comments behind a value that goes on'
printf '[tocsin]\n;%0999d\ndrain_ms = 7 ;%0999d\n' 0 0 | good 'long comments'
printf '[tocsin]\nwatchdog_ms = a;b#c ; d # e\n' | value 'a;b#c'
printf '[tocsin]\nwatchdog_ms = a # b ; c\n' | value 'a'
printf '[tocsin]\ndrain_ms ; = 7\n' | bad 2 'neither'
printf '[tocsin] drain_ms = 7\n' | bad 1 'only a comment may follow the ] of a section'
printf '[tocsin]]\n' | bad 1 'only a comment may follow the ]'

# Sections.
printf '[ tocsin ]\n[\tloop   io ]\n[loop\tother]\n[limits  program]\n' | good 'blanks in sections'
printf '[loop io]\n[ loop  io ]\n' | bad 2 '.loop  io. is in line 1 already'
printf '[]\n' | bad 1 'there is no section'
printf '[ ]\n' | bad 1 'there is no section'
printf '[loop i o]\n' | bad 1 'a name has 1 to 63'
printf '[loop\302\240io]\n' | bad 1 'there is no section .loop'
printf '[loop io ; x]\n' | bad 1 'the ] of the section is missing'
printf ' [tocsin]\n' | bad 1 'a .section. must begin in the first column'
printf '[loop %064d]\n' 0 | bad 1 'a name has 1 to 63'
printf '[loop %0300d]\n' 0 | bad 1 'longer than'
printf '[Tocsin]\n' | bad 1 'did you mean .tocsin.'

# Continued lines, and lines that only look like them.
printf '[tocsin]\nwatchdog_ms = a\n b\n\tc\n\n; d\n  e:f\n' | value 'a b c e:f'
printf '[tocsin]\n  drain_ms = 7\n  tick_ms = 8\n' | good 'a section that is indented as a whole'
printf '[tocsin]\n\tdrain_ms = 7\n\tpath = a\n\t\tb\n\ttick_ms = 8\n' |
    good 'the same, with a value that goes on'
printf '[tocsin]\n    drain_ms = 7\n  tick_ms = 8\n' | good 'less and less indented'
printf '%s\n' '[tocsin]' 'drain_ms = 7' '  tick_ms = 8' |
    bad 3 "the line continues 'drain_ms', since it is indented: to make it a key, indent it like"
printf '[tocsin]\ndrain_ms = 7\n tick_ms=8\n' | bad 3 "the line continues 'drain_ms'"
printf '[tocsin]\ndrain_ms = 7\n tick_ms: 8\n' | bad 3 "the line continues 'drain_ms'"
printf '[tocsin]\ndrain_ms = 7\n\n\ttick_ms =\n' | bad 4 "the line continues 'drain_ms'"
printf '[actions]\na.b = print\n c.*, !c.d = drain\n' | bad 3 "the line continues 'a.b'"
printf '[actions]\na.b = print\n drain\n' | bad 3 "the line continues 'a.b'"
printf '[tocsin]\n drain_ms\n' | bad 2 'neither'
printf '[tocsin]\npath =\n .:\n /nowhere:x\n a/b=c\n =d\n' | good 'lines that look like no key'
printf '[loop a]\n[tocsin]\n x\n y\n' | bad 3 'neither'
printf '[tocsin]\n x\n y\n' | bad 3 'neither'
printf '[nothing]\na\n b = c\n[tocsin]\nx\n' | bad 5 'neither'

# Keys: repeated, long, empty.
printf '%s\n' '[loop a]' '[tocsin]' 'tick_ms = 1' 'drain_ms = 1' 'tick_ms: 2' |
    bad 5 "'tick_ms' is set twice"
printf '[plugin a]\n[plugin b]\n[plugin a]\n' | bad 3 'is in line 1 already'
printf '[tocsin]\npath = %0191d\n' 0 | good 'a line as long as can be'
printf '[tocsin]\npath = %0192d\n' 0 | bad 2 'longer than 198 bytes'
printf '[tocsin]\npath = a\n %0197d\n' 0 | good 'as long as can be, going on'
printf '[tocsin]\npath = a\n %0198d\n' 0 | bad 3 'longer than 197 bytes'
printf '[tocsin]\n=\n' | bad 2 'has no key'
printf '[tocsin]\n%0100d = 1\n' 0 | bad 2 'there is no setting'
printf '[tocsin]\ndrain_ms == 7\n' | bad 2 'drain_ms = = 7: must be a number'

# The largest size of a file.
{ printf '[tocsin]\n'; head -c $((1048576 - 9)) /dev/zero | tr '\0' '\n'; } | good 'one of 1 MiB'
{ printf '[tocsin]\n'; head -c $((1048576 - 8)) /dev/zero | tr '\0' '\n'; } >"$file"
exits 1 run --check "$file"
complained 'the file is larger than 1 MiB'
printf '%s\n' '[tocsin]' | { tocsin run --check /dev/stdin >"$folder/out" 2>&1 ||
    wrong "a pipe is refused: $(cat "$folder/out")"; }
exits 1 run --check "$folder"
complained 'Is a directory'

# Many patterns are ignored with one call; a refused one is named.
printf '%s\n' '[actions]' 'host.ticked = ignore' 'host.tocked = ignore' 'a.* = ignore' \
    'host.started = drain' >"$file"
exits 1 run "$file"
complained "^tocsin: $file:3: host.tocked = ignore: nothing declares this signal: check its name"
exit $failed
