# Six programs fetch one page, each in another style. All programs must print the same.
test "$with_net" = yes ||
    { echo "skip: programs/fetch_styles: libtocsin-net is $with_net"; exit 77; }
failed=0

pages() {   # program, number of pages
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
