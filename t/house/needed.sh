# libtocsin needs only libevent_core and libc. In a sanitizer build it also needs the runtime of the
# sanitizer.
needed() {
    LC_ALL=C ${OBJDUMP-objdump} -p "$1" | awk '$1 == "NEEDED" { print $2 }' |
        grep -Ev '^lib([atl]san|ubsan)\.|^ld-linux' |
        sed 's/\.so.*//' | sort | tr '\n' ' '
}
failed=0
found=$(needed .libs/libtocsin.so)
case $found in
"libc libevent_core-2.1 " | "libc libevent_core ") ;;
*) echo "libtocsin needs: $found"; failed=1 ;;
esac
if test "$with_net" = yes; then
    found=$(needed .libs/libtocsin-net.so)
    case $found in
    "libc libcurl libidn2 libtocsin " | "libc libcurl libtocsin ") ;;
    *) echo "libtocsin-net needs: $found"; failed=1 ;;
    esac
else
    echo "skip: house/needed: libtocsin-net is $with_net"
fi
exit $failed
