# Tests demos/loops. Everything that was sent must be delivered, merged or refused. The program
# counts this, and the test counts it again. Output to a file must be plain. After Ctrl-C, all
# counts must be right.
test "$with_demos" = yes ||
    { echo "skip: programs/demo_loops: the demonstrations are $with_demos"; exit 77; }
failed=0
wrong() { echo "$1"; failed=1; }

# Checks that the two tables on the standard input are complete, add up and agree:
#     SIGNAL SENT = DELIVERED + MERGED + REFUSED
#     LOOP ACCEPTED = DELIVERED + MERGED ...
adds_up() {
    awk '
    { gsub(",", "") }
    $3 != "=" || $5 != "+" { next }
    $1 ~ /[.]/ {
        signals = signals " " $1
        if ($7 != "+" || $2 != $4 + $6 + $8) bad = 1
        accepted += $2 - $8
    }
    $1 !~ /[.]/ {
        loops = loops " " $1
        if ($2 != $4 + $6) bad = 1
        accepted -= $2
    }
    END {
        whole = loops == " main east west slow" &&
            signals == " news.told bell.rung ball.passed copy.grown chore.given alarm.fired"
        exit bad || !whole || accepted != 0
    }'
}

# Tests of the function that checks the tables.
table() {
    cat <<END
signal            sent     delivered       merged      refused
news.told        1,012 =       1,000 +          0 +         12
bell.rung           20 =          20 +          0 +          0
ball.passed         10 =           9 +          0 +          1
copy.grown      10,000 =         400 +      9,600 +          0
chore.given      5,005 =       5,000 +          0 +          5
alarm.fired          8 =           8 +          0 +          0

loop          accepted     delivered       merged   longest lag    busy
main            10,257 =         657 +      9,600        3.7 ms     1 %
east               265 =         265 +          0        1.7 ms     1 %
west               265 =         265 +          0        477 us     0 %
slow             5,250 =       5,250 +          0        100 ms    61 %
END
}
table | adds_up || wrong "refused, and it adds up"
for change in 's/1,012 =/1,013 =/' 's/ 9,600 + / 9,601 + /' 's/5,250 =/5,249 =/' 's/^east .*//' \
    's/^bell.*//' 's/20 = /20 != /' 's/.*//'; do
    table | sed "$change" | adds_up && wrong "taken for what adds up: $change"
done

folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
escape=$(printf '\033')

ends_well() {   # description, status; the output is in $folder/out
    test "$2" = 0 || wrong "$1: it ended with status $2"
    adds_up <"$folder/out" || wrong "$1: it does not add up: $(cat "$folder/out" "$folder/err")"
    grep -q '^All adds up: ' "$folder/out" || wrong "$1: it does not say that it adds up"
    test ! -s "$folder/err" || wrong "$1: $(cat "$folder/err")"
}

# The output goes to a file: it has some pictures, and no terminal sequences.
status=0
timeout 60 demos/loops/loops --seconds 1 >"$folder/out" 2>"$folder/err" || status=$?
ends_well plain $status
grep -q '^ball.passed  *[1-9]' "$folder/out" || wrong "nobody passed the ball: $(cat "$folder/out")"
test "$(grep -c '^Four loops' "$folder/out")" -ge 1 ||
    wrong "there is no picture: $(cat "$folder/out")"
grep -q "$escape" "$folder/out" && wrong "it sends a file what is for terminals"

# The output goes to a terminal: the cursor is hidden, and is shown again at the end.
if command -v script >/dev/null; then
    TERM=xterm timeout 60 script -qec "demos/loops/loops --seconds 1" /dev/null </dev/null \
        >"$folder/terminal" 2>&1 || wrong "on a terminal: status $?"
    cursor=$(tr "$escape" '\n' <"$folder/terminal" | sed -n 's/^\[?25\([hl]\).*/\1/p' | tr -d '\n')
    test "$cursor" = lh || wrong "on a terminal the cursor went: $cursor"
    NO_COLOR=1 TERM=xterm timeout 60 script -qec "demos/loops/loops --seconds 1" /dev/null \
        </dev/null >"$folder/terminal" 2>&1 || wrong "without colours: status $?"
    grep -q "$escape\\[[0-9;]*m" "$folder/terminal" && wrong "with NO_COLOR it is coloured"
fi

# The program is interrupted as soon as it catches SIGINT.
catches() {   # process, bit of the signal
    caught=$(sed -n 's/^SigCgt:[[:space:]]*.*\(.\)$/\1/p' "/proc/$1/status" 2>/dev/null)
    case $caught in [2367abef]) return 0 ;; esac
    return 1
}
demos/loops/loops --seconds 600 >"$folder/out" 2>"$folder/err" &
pid=$!
for i in $(seq 600); do
    catches $pid && break
    sleep 0.1
done
kill -INT $pid
status=0
wait $pid || status=$?
ends_well interrupted $status

ends() {   # expected status, arguments
    wanted=$1; shift
    status=0
    timeout 60 demos/loops/loops "$@" >"$folder/out" 2>"$folder/err" || status=$?
    test $status = $wanted || wrong "loops $*: $status"
}
ends 0 --help
grep -q '^Usage: loops' "$folder/out" && test ! -s "$folder/err" ||
    wrong "--help says: $(cat "$folder/out" "$folder/err")"
for arguments in --what '--seconds 0' '--seconds 1x' '--seconds' 'seven'; do
    ends 2 $arguments
    grep -q '^Usage: loops' "$folder/err" && test ! -s "$folder/out" ||
        wrong "$arguments says: $(cat "$folder/out" "$folder/err")"
done
status=0
timeout 60 demos/loops/loops --seconds 1 >/dev/full 2>"$folder/err" || status=$?
test $status = 1 && test -s "$folder/err" || wrong "to /dev/full: $status, $(cat "$folder/err")"
exit $failed
