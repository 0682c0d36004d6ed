# HACKING.md, README.md and the manual pages name files and folders of this tree, and each of them
# exists. A name has a slash and an ending (lib/op/op.c, <tocsin/base.h>), or stands in backquotes,
# such as `lib/op/`.
cd "$srcdir" || exit 2
failed=0
count=0
named() {
    sed 's,https*://[^ )]*,,g' "$@" |
        grep -oE '[A-Za-z0-9_][A-Za-z0-9_/-]*/[A-Za-z0-9_.-]*\.(awk|c|cc|h|hpp|inc|md|pml|sh|1|7)\b'
    sed -n 's/`[^`]*`/\n&\n/gp' "$@" | sed -n 's,^`\([A-Za-z0-9_][A-Za-z0-9_/-]*/\)`$,\1,p'
}
for file in HACKING.md README.md man/*.[17]; do
    for name in $(named "$file" | LC_ALL=C sort -u); do
        case $name in t/FOLDER/* | build/* | event2/* | sys/* | share/* | tmp/*) continue ;; esac
        count=$((count + 1))
        test -e "$name" || test -e "include/$name" || test -e "lib/$name" ||
            { echo "$file names $name, which does not exist"; failed=1; }
    done
done
echo "$count names"
test "$count" -gt 20 || { echo "too few were found"; failed=1; }
exit $failed
