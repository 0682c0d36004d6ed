# The cost of reading a file must be linear. callgrind counts the instructions for a file, and for a
# file that is four times as large. This is done for every kind of long file, with --check and with
# run.
. "$srcdir/t/tools/host.inc"
test -z "$SANITIZE" ||
    { echo 'skip: tools/config_cost: valgrind counts no sanitized program'; exit 77; }
valgrind --tool=callgrind --callgrind-out-file=/dev/null true >/dev/null 2>&1 ||
    { echo 'skip: tools/config_cost: no callgrind'; exit 77; }
cp plugins/.libs/log.so "$folder" || exit 2
file=$folder/file.ini
export TOCSIN_PLUGIN_PATH="$folder"

lines() {   # number of bytes; an expression of awk for a line, in which i counts the lines
    awk -v most="$1" \
        "BEGIN { for (; size < most; size += length(line) + 1) { line = $2; i++; print line } }"
}

write() {   # shape, bytes
    case $1 in
    loops) lines $2 '"[loop a" i "]"' ;;
    plugins) lines $2 '"[plugin a" i "]"' ;;
    heads) lines $2 '"[tocsin]"' ;;
    limits) printf '[limits program]\n'; lines $2 '"[limits a" i "]"' ;;
    keys | keys_run) printf '[plugin plain]\nfile = plain.so\n'; lines $2 '"k" i " = v"' ;;
    long | long_run) printf '[plugin plain]\nfile = plain.so\nk = v\n'; lines $2 '" x"' ;;
    path | path_run) printf '[tocsin]\npath = v\n'; lines $2 '" :x"' ;;
    patterns | patterns_run) printf '[plugin log]\npatterns = z.*\n'; lines $2 '" , a" i ".*"' ;;
    actions | actions_run) printf '[actions]\n'; lines $2 '"a" i " = print"' ;;
    ignored_run) printf '[actions]\n'; lines $2 '"a" i ".* = ignore"' ;;
    wrong) printf '[tocsin]\n'; lines $2 '"k" i " = v"' ;;
    twice) printf '[tocsin]\n'; lines $2 '"path = v"' ;;
    nonsense) printf '[tocsin]\n'; lines $2 '"xx"' ;;
    blank) lines $2 '""' ;;
    comment) printf ';'; lines $2 '"xxxxxxxxxx"' | tr -d '\n' ;;
    line) printf '[tocsin]\npath = '; lines $2 '"xxxxxxxxxx"' | tr -d '\n' ;;
    esac
}

counted() {   # shape: prints the number of instructions
    case $1 in
    *_run)
        printf '%s\n' '' '[actions]' | { grep -q '^.actions' "$file" && cat >/dev/null ||
            cat; } >"$folder/more"
        printf 'host.started = drain\n' | cat "$folder/more" - >>"$file"
        check= ;;
    *) check=--check ;;
    esac
    timeout 300 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" run $check \
        "$file" 2>"$folder/count" >/dev/null
    sed -n 's/^==[0-9]*== Collected : \([0-9]*\).*/\1/p' "$folder/count"
}

: >"$file"
none=$(counted nothing)
test "$none" -gt 0 || { wrong "nothing was counted: $(cat "$folder/count")"; exit 1; }
for shape in loops plugins heads limits keys long path patterns actions wrong twice nonsense blank \
    comment line \
    keys_run long_run path_run patterns_run actions_run ignored_run; do
    write $shape 12288 >"$file"
    small=$(counted $shape)
    write $shape 49152 >"$file"
    large=$(counted $shape)
    test "${small:-0}" -gt 0 && test "${large:-0}" -gt 0 ||
        { wrong "$shape: nothing was counted"; continue; }
    echo "$shape: $(((small - none) / 12)) instructions a KiB of 12, $(((large - none) / 48)) of 48"
    test $((large - none)) -lt $((5 * (small - none) + 5000000)) ||
        wrong "$shape: four times the file costs more than five times as much"
done
exit $failed
