# Tests extreme numbers in every field of a file and in the settings of the plugins. Each number is
# accepted or refused. Then the program must start and end, and a sanitizer must find no error. A
# sanitizer build tries fewer numbers for each key: other ones for the next key, so that each number
# is tried. The thread sanitizer can find little, since most code runs on one thread.
. "$srcdir/t/tools/host.inc"
cp plugins/.libs/*.so "$folder" || exit 2
file=$folder/file.ini
numbers='-9223372036854775809 -9223372036854775808 -2147483649 -1 -0 0 1 2147483647 2147483648
    4294967295 4294967296 999999999 1000000000 9223372036854775807 9223372036854775808
    18446744073709551615 18446744073709551616 99999999999999999999999999999999999999
    1e308 1e309 -1e309 1e-320 0x7fffffffffffffff nan inf 00000000000000000000001 +1'

case $SANITIZE in *thread*) step=8 ;; *) step=1 ;; esac
turn=0

tries() {   # description; the file is written already
    status=0
    tocsin run "$file" >"$folder/out" 2>"$folder/err" || status=$?
    case $status in 0 | 1) ;; *) wrong "$1: status $status: $(cat "$folder/err")" ;; esac
    ! grep -q 'runtime error\|Sanitizer' "$folder/err" || wrong "$1: $(cat "$folder/err")"
}

try() {   # head of a section, key, further lines
    for number in $numbers; do
        turn=$((turn + 1))
        test $((turn % step)) = 0 || continue
        { printf '[plugin chaos]\nfile = chaos.so\ndelay = 1\nlimit = 0\n[actions]\n'
            printf 'host.started = drain\n%s\n%s = %s\n%b' "$1" "$2" "$number" "$3"; } |
            awk -v head="$1" '
            head == "[plugin chaos]" && NR < 5 { next } { print }' >"$file"
        tries "$2 = $number"
    done
}

for key in drain_ms tick_ms watchdog_ms; do try '[tocsin]' $key ''; done
for key in handlers pending_bytes faults stalls; do try '[limits program]' $key ''; done
try '[plugin metrics]' every_ms "file = metrics.so\nto = $folder/page\n"
: >"$folder/none"
printf 'tocsin recording 1, little-endian\n' >"$folder/recording"
try '[plugin replay]' speed "file = replay.so\nfrom = $folder/recording\n"
for key in delay reorder double fail; do try '[plugin chaos]' $key "file = chaos.so\n"; done
for key in delay_ms seed limit; do try '[plugin chaos]' $key "file = chaos.so\nfail = 0.5\n"; done
for range in 1-99999999999999999999 99999999999999999999-1 1-2147483647 2147483647-2147483647 \
    1-2147483648 0-0 1--1; do
    printf '%s\n' '[plugin chaos]' 'file = chaos.so' 'delay = 1' "delay_ms = $range" \
        '[actions]' 'host.started = drain' >"$file"
    tries "delay_ms = $range"
done
exit $failed
