# Tests tocsin run --check: undefined and shared symbols, plugins that give a signal different
# layouts, undeclared names, and the commands of the manual for C and C++.
. "$srcdir/t/tools/host.inc"
file=$folder/file.ini

# Arguments: the compiler, the suffix of the source, the name of the plugin, options. The source is
# the standard input.
built() {
    compiler=$1 source=$folder/$3.$2 plugin=$folder/$3.so
    shift 3
    cat >"$source.new" && mv "$source.new" "$source"
    $compiler $SANITIZE -I"$srcdir/include" "$@" -shared -fPIC -o "$plugin" \
        "$source" -L.libs -ltocsin || exit 1
}

check() {   # expected status, lines of the file
    wanted=$1; shift
    printf '%s\n' "$@" >"$file"
    exits "$wanted" run --check "$file"
}

# Refused: the linker would bind the plugin's functions to those of the host.
built "$CC" c clash <<'END'
#include <tocsin/plugin.h>
TOCSIN_PLUGIN("clash", "1.0", "Has a helper with a name of libinih's and one of libc's.");
int ini_parse_string(const char *text);
int ini_parse_string(const char *text) { return *text; }
int optind = 7;
int tocsin_plugin_init(void) { return ini_parse_string("") + optind; }
END
check 1 '[plugin clash]' 'file = clash.so'
complained ':1: plugin clash: .*ini_parse_string by that of .*libinih'
complained 'optind by that of .*libc.*-fvisibility=hidden'
built "$CC" c clash -fvisibility=hidden <"$folder/clash.c"
check 0 '[plugin clash]' 'file = clash.so'
test ! -s "$folder/err" || wrong "it prints an error for a good plugin: $(cat "$folder/err")"

# A warning: the plugin has an undefined symbol.
built "$CC" c lonely <<'END'
#include <tocsin/plugin.h>
TOCSIN_PLUGIN("lonely", "1.0", "Calls what is not there.");
int nobody_has_it(void);
int tocsin_plugin_init(void) { return nobody_has_it(); }
END
check 1 '[plugin lonely]' 'file = lonely.so'
complained ':1: plugin lonely: .*undefined symbol: nobody_has_it'
cp t/plugin/objects/symbols_keys.so "$folder"
check 0 '[plugin symbols]' 'file = symbols_keys.so'
complained ':1: warning: plugin symbols: .*pthread_key_create'

# An error: the file lists two plugins with different layouts of a signal.
for one in one two; do
    built "$CC" c $one -D$one <<'END'
#include <tocsin/plugin.h>
#define SAID(F) F(u64, number)
#define HEARD(F) F(string, text)
#ifdef one
TOCSIN_PLUGIN("one", "1.0", "Says a number." TOCSIN_EMITS("one.said", SAID));
#else
TOCSIN_PLUGIN("two", "1.0", "Hears a text." TOCSIN_CONSUMES("one.said", HEARD));
#endif
int tocsin_plugin_init(void) { return 0; }
END
done
check 1 '[plugin one]' 'file = one.so' '[plugin two]' 'file = two.so'
complained ':3: plugin two gives one.said the payload "string text;", but'
complained 'but plugin one gives it "u64 number;"'
check 0 '[plugin one]' 'file = one.so' '[plugin speaker]' 'file = speaker.so'

# Names in [actions] that nothing declares: they cause an error or a warning.
check 1 '[plugin one]' 'file = one.so' '[actions]' 'one.siad = print'
complained ":4: nothing declares 'one.siad': did you mean 'one.said'"
check 1 '[actions]' 'host.*, host.tiked = print'
complained ":2: nothing declares 'host.tiked': did you mean 'host.ticked'"
check 0 '[plugin one]' 'file = one.so' '[actions]' \
    'one.said, host.ticked, timer.expired, os.sigusr1, !host.started, nobody.** = print'
test ! -s "$folder/err" || wrong "it prints an error for declared names: $(cat "$folder/err")"

# A plugin in C++ is compiled with and without the options of the manual.
if test "$with_cxx" = yes; then
    for version in 1 2; do
        built "$CXX" cc unique -std=c++17 -DV=$version <<'END'
#include <tocsin/plugin.h>
TOCSIN_PLUGIN("unique", "1.0", "Has an inline variable.");
struct Table { int version = V; char rows[V == 1 ? 16 : 65536]; };
inline Table table;
int tocsin_plugin_init(void)
{
    table.rows[sizeof table.rows - 1] = 1;
    return table.version == V ? 0 : -1;
}
END
        cp "$folder/unique.so" "$folder/unique$version.so"
        built "$CXX" cc unique -std=c++17 -fvisibility=hidden $(echo |
            $CXX -fno-gnu-unique -x c++ -E - >/dev/null 2>&1 &&
            echo -fno-gnu-unique) -DV=$version <"$folder/unique.cc"
        cp "$folder/unique.so" "$folder/single$version.so"
    done
    check 0 '[plugin unique]' 'file = unique1.so'
    if readelf -W --dyn-syms "$folder/unique1.so" 2>/dev/null | grep -q UNIQUE; then
        complained ':1: warning: plugin unique: .*not reloaded: .*-fno-gnu-unique'
    else
        echo "skip: tools/check_symbols: unique symbols: this compiler makes none"
    fi
    check 0 '[plugin unique]' 'file = single1.so'
    test ! -s "$folder/err" ||
        wrong "it prints an error for a plugin that is built as in the manual: $(cat "$folder/err")"
    cp "$folder/single1.so" "$folder/unique.so"
    check 0 '[plugin unique]' 'file = unique.so' '[actions]' 'plugin.reloaded, host.started = print'
    start "$file"
    says '^host.started plugins=1'
    cp "$folder/single2.so" "$folder/next.so" && mv "$folder/next.so" "$folder/unique.so"
    kill -HUP $host
    says 'plugin.reloaded status="done"'
    kill -TERM $host
    ends 0
else
    echo "skip: tools/check_symbols: plugins in C++: no C++ compiler"
fi
exit $failed
