# <tocsin.h>, with everything that it includes, declares at most 75 functions. These are the
# functions that a normal program needs. Headers for hosts, plugins, providers, tools and tests are
# not included.
cd "$srcdir" || exit 2
seen=' '
functions=0

read_header() {   # path below include
    case $seen in *" $1 "*) return ;; esac
    seen="$seen$1 "
    functions=$((functions + $(grep -c '^TOCSIN_API' "include/$1")))
    for included in $(sed -n 's,^#include <\(tocsin/[a-z_]*\.h\)>.*,\1,p' "include/$1"); do
        read_header "$included"
    done
}

read_header tocsin.h
echo "$functions functions, in$seen"
failed=0
test "$functions" -gt 50 || { echo "too few were found"; failed=1; }
test "$functions" -le 75 ||
    { echo "more than 75: move some into a header that programs include themselves"; failed=1; }
for header in crash host inject inspect leak_check owner plugin posix provider text watchdog; do
    case $seen in
    *" tocsin/$header.h "*) echo "tocsin.h includes tocsin/$header.h"; failed=1 ;;
    esac
done
exit $failed
