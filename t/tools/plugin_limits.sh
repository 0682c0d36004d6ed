# Tests tocsin run with limits, quarantine and the watchdog. The plugins fail, block, or exceed
# their limits. Also tested are the actions ignore and stop.
. "$srcdir/t/tools/host.inc"
file=$folder/file.ini
base='[actions]\nloop.*, plugin.*, tocsin.owner.* = print\n[tocsin]\npath = .\ntick_ms = 20\n'

config() {   # the file, as a format of printf
    printf "$base$1" >"$file"
    test -n "$host" && kill -HUP $host || start "$file"
}
stop() {
    kill -TERM $host
    ends 0
}

config '[plugin rogue]\ndoes = want\n[limits rogue]\noperations = 3\n'
says '^tocsin.owner.limited owner="rogue" holding="operations" limit=3'
stop

printf "$base"'[plugin rogue]\n[limits rogue]\nhandlers = 0\n' >"$file"
exits 1 run "$file"
complained 'tocsin_plugin_init returned .*quota'
: >"$folder/out"

config '[plugin rogue]\ndoes = fail\n[limits rogue]\nfaults = 3\n'
says '^plugin.quarantined owner="rogue" pattern="host.ticked".* count=3'
config '[plugin rogue]\ndoes = want\n'
says '^plugin.reloaded status="done" name="rogue"'
config '[plugin rogue]\ndoes = fail\n'
says '^plugin.quarantined owner="rogue".* count=8'
stop

config 'watchdog_ms = 40\n[plugin rogue]\ndoes = block\n[limits rogue]\nstalls = 2\n'
says '^loop.blocked .*signal="host.ticked".*owner="rogue"'
says '^plugin.quarantined owner="rogue".* count=2'
stop

config 'watchdog_ms = 40\n[plugin rogue]\ndoes = begin slowly\n'
says '^loop.blocked .*signal="plugin.loaded".*owner="rogue"'
stop

config 'watchdog_ms = 40\n[loop side]\n[plugin rogue]\nloop = side\ndoes = block\n'
says '^plugin.quarantined owner="rogue".* count=4'
stop

printf '[tocsin]\ntick_ms = 20\n[actions]\nhost.ticked, host.draining = print\n' >"$file"
start "$file"
says '^host.ticked'
printf '%s\n' '[tocsin]' 'tick_ms = 20' '[actions]' 'host.ticked = ignore' \
    'host.reloaded, host.draining = print' >"$file"
kill -HUP $host
says '^host.reloaded .*failed=0'
ticks=$(grep -c '^host.ticked' "$folder/out")
sleep 0.2
test "$(grep -c '^host.ticked' "$folder/out")" = "$ticks" || wrong "an ignored signal is printed"
printf '[tocsin]\ntick_ms = 20\n[actions]\nhost.ticked = stop\nhost.draining = print\n' >"$file"
kill -HUP $host
ends 3
! grep -q '^host.draining' "$folder/out" || wrong "it drained, although it was stopped"
exit $failed
