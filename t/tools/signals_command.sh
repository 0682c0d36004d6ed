# Tests tocsin signals: it lists all signals of the catalogues with their documentation, as a table
# and as JSON, and the signals of a plugin.
. "$srcdir/t/tools/host.inc"

# Returns 0 if the standard input is one JSON text (RFC 8259).
valid() {
    LC_ALL=C awk -f "$srcdir/t/house/json.awk"
}

# Tests of the function that checks JSON.
for text in '[]' '{"a":[1,-0.5e+3,"\u00e9\"",{}],"b":null}' ' "x" '; do
    printf '%s' "$text" | valid || wrong "refused as JSON: $text"
done
for text in '' '[1,]' '[1 2]' '{"a"}' '{"a":1,}' '{a:1}' '01' '"a' '"\x"' '[' ']' '[]]' '"	"' \
    'True' '[1]x'; do
    printf '%s' "$text" | valid && wrong "accepted as JSON: $text"
done

cat >"$folder/odd.c" <<'END'
#include <tocsin/plugin.h>

#define ODD(F) F(string, text) F(u64, count)
TOCSIN_LAYOUT(odd, ODD);

static int nothing(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return 0;
}

TOCSIN_PLUGIN("odd", "1",
    "Declares odd things." TOCSIN_EMITS("odd.one", ODD) TOCSIN_EMITS("odd.asked"));

int tocsin_plugin_init(void)
{
    const struct tocsin_signal_spec one = {
        .name = "odd.one", .doc = "It \"quotes\", \\ and\n\t\x01, and caf\xc3\xa9.",
        .layout = &odd_layout, .kind = TOCSIN_COALESCE, .unhandled = TOCSIN_ABORT,
        .rank = -3, .limit = 7, .limit_bytes = 70 };
    const struct tocsin_signal_spec asked = {
        .name = "odd.asked", .doc = "May it?", .kind = TOCSIN_DIRECT, .unhandled_fn = nothing };
    int signo = tocsin_declare(&one) | tocsin_declare(&asked);

    return signo < 0 ? signo : 0;
}
END
$CC $SANITIZE -std=gnu11 -shared -fPIC -I"$srcdir/include" -o "$folder/odd.so" "$folder/odd.c" ||
    exit 2

signals() { tocsin signals "$@"; }
table=$(signals | tr -s ' \n' ' ') || wrong "the table ended with status $?"
json=$(signals --json) || wrong "--json ended with status $?"
printf '%s\n' "$json" | valid || wrong "not JSON: $json"
loaded=$(signals --json --plugin "$folder/odd.so") || wrong "with a plugin it ended with status $?"
printf '%s\n' "$loaded" | valid || wrong "not JSON: $loaded"

# Finds each SPEC(noun, "name", layout, "documentation") of the catalogues. A SPEC may have several
# lines.
awk '/^[A-Z]+\(/ { text = ""; inside = 1 }
inside { sub(/^ +/, " "); text = text $0 }
inside && /\);$/ { print text; inside = 0 }' \
    "$srcdir/lib/registry/catalogue.c" "$srcdir/lib/net/catalogue.c" |
    sed -n 's/^[A-Z]*([a-z_]*, "\([^"]*\)", .*, "\(.*\)");$/\1|\2/p' >"$folder/catalogue"
count=0
while IFS='|' read -r name doc; do
    count=$((count + 1))
    case $table in
    *" $name queued ignore $doc "* | *" $name coalesce ignore $doc "*) ;;
    *) wrong "the table has no $name: $doc" ;;
    esac
    case $json in
    *"\"name\":\"$name\",\"doc\":\"$doc\",\"owner\":\"program\",\"kind\":\""*) ;;
    *) wrong "--json has no $name: $doc" ;;
    esac
done <"$folder/catalogue"
test "$count" -ge 17 || wrong "$count signals in the catalogues"
listed=$(printf '%s\n' "$json" | grep '"name":.*"rank":' | grep -vc '"name":"os[.]')
test "$listed" = "$count" || wrong "$listed signals, not the $count of the catalogues: $json"
printf '%s\n' "$json" | sed -n 's/^{"name":"\([^"]*\)".*/\1/p' | LC_ALL=C sort -c ||
    wrong "not in alphabetical order"

case $loaded in
*'"name":"odd.one","doc":"It \"quotes\", \\ and\n\t\u0001, and café.","owner":"odd",'\
'"kind":"coalesce","default":"abort","rank":-3,"limit":7,"limit_bytes":70,'\
'"fields":[{"type":"string","name":"text"},{"type":"u64","name":"count"}]'*) ;;
*) wrong "odd.one: $loaded" ;;
esac
case $loaded in
*'"name":"odd.asked","doc":"May it?","owner":"odd","kind":"question","default":"function",'\
'"rank":0,"limit":0,"limit_bytes":0,"fields":[]'*) ;;
*) wrong "odd.asked: $loaded" ;;
esac
case $(signals --plugin "$folder/odd.so" | tr -s ' \n' ' ') in
*" odd.one coalesce abort It \"quotes\""*" string text, u64 count "*) ;;
*) wrong "the table has no odd.one" ;;
esac

for option in --json ''; do
    exits 1 signals $option --plugin "$folder/absent.so"
    grep -q absent.so "$folder/err" && test ! -s "$folder/out" ||
        wrong "of a missing plugin it says: $(cat "$folder/out" "$folder/err")"
    status=0
    signals $option >/dev/full 2>"$folder/err" || status=$?
    test $status = 1 && test -s "$folder/err" || wrong "to /dev/full: $status, $(cat "$folder/err")"
done
exit $failed
