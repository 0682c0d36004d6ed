# Every source file is listed in its folder's Makefile.inc: one that is not is never built, and its test never run.
cd "$srcdir" || exit 2
lists=$(find . -name Makefile.inc -not -path './tocsin-*' -not -path './build*')
failed=0
for file in $(find lib include demos bench t plugins tools -name '*.[ch]' -o -name '*.cc' -o -name '*.sh' 2>/dev/null); do
    name=$(echo "${file%.c}" | sed 's/[.]/[.]/g')
    grep -Eq "(^|[[:space:]])$name([.]c)?([[:space:]]|\$)" $lists || { echo "not registered: $file"; failed=1; }
done
exit $failed
