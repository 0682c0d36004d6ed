# Tests tocsin run with the plugin "chaos". Delayed, doubled or failed events must not break the
# host. SIGHUP adds, moves and removes loops and plugins. TOCSIN_CHAOS_SEEDS sets the number of
# seeds.
. "$srcdir/t/tools/host.inc"
cp plugins/.libs/chaos.so "$folder" || exit 2
file=$folder/file.ini

config() {   # settings of chaos. Standard input: the rest of the file
    {
        printf '[tocsin]\npath = .\ndrain_ms = 60000\ntick_ms = 20\n[actions]\n'
        printf 'host.started, host.reloaded, host.draining = print\n[plugin chaos]\n%s\n' "$1"
        cat
    } >"$file"
}
live() {   # settings of chaos: a whole run with them
    config "$1" </dev/null
    start "$file"
    says '^host.started plugins=1 loops=1'
    printf '[loop more]\n[plugin speaker]\nloop = more\n' | config "$1"
    kill -HUP $host
    says '^host.reloaded plugins=2 loops=2 failed=0'
    printf '[loop other]\n[plugin speaker]\nloop = other\nword = hm\n' | config "$1"
    kill -HUP $host
    says '^host.reloaded plugins=2 loops=2 failed=0' 2
    printf '[plugin speaker]\n[plugin needy]\n' | config "$1"
    kill -HUP $host
    says '^host.reloaded plugins=3 loops=1 failed=0'
    kill -TERM $host
    ends 0
    test ! -s "$folder/err" || { wrong "with $1:"; cat "$folder/err"; }
}

live 'fail = 1'
live 'delay = 1
delay_ms = 3600000
patterns = **, !os.sighup'
live 'reorder = 1
delay_ms = 3600000
patterns = **, !os.**'
live 'double = 1'
live 'patterns = **
fail = 1'
live 'patterns = **, !os.sighup
fail = 0.5
double = 0.5'
seed=1
while test $seed -le "${TOCSIN_CHAOS_SEEDS-6}"; do
    live "seed = $seed
fail = 0.3
delay = 0.2
double = 0.2
reorder = 0.2
delay_ms = 1-20"
    seed=$((seed + 1))
done
exit $failed
