# One page in six styles: each program says the same of it.
test "$with_net" = yes || { echo "skip: programs/pages: libtocsin-net is $with_net"; exit 77; }
failed=0

pages() {   # program, how many pages it shows
    said=$(timeout 60 t/programs/origin "t/programs/$1" | sed 's/:[0-9][0-9]*\//:PORT\//')
    wanted="http://127.0.0.1:PORT/: done, 200, 6 bytes"
    test "$1" != future || wanted="http://127.0.0.1:PORT/: done, 0, 6 bytes
$wanted"
    test "$said" = "$wanted" || { echo "$1 said: $said"; failed=1; }
}

for style in sync callback future queue registry fiber; do
    pages "$style"
done
exit $failed
