# Tests the command line of the program tocsin: help, version, suggestions, exit status.
. "$srcdir/t/tools/host.inc"
for command in '' run signals plugins; do
    exits 0 $command --help
    printed "^Usage: tocsin ${command:-COMMAND}"
    exits 0 $command --version
    printed '^tocsin [0-9]'
    exits 2 $command --hepl
    complained "did you mean '--help'"
    test ! -s "$folder/out" || wrong "it prints to the standard output after an error"
done
exits 2
complained 'run, signals or plugins'
exits 2 rnu; complained "did you mean 'run'"
exits 2 plugin; complained "did you mean 'plugins'"
exits 2 something; complained 'the commands are run, signals and plugins'
exits 2 run --chek; complained "did you mean '--check'"
exits 2 run one two; complained "'two'"
exits 2 signals one two; complained "'two'"
exits 2 signals --plugin; complained '--plugin needs a value'
exits 2 signals a..b; complained 'not a valid pattern'
exits 2 plugins --jsn; complained "did you mean '--json'"
for command in --help --version signals 'signals --json' 'run --default'; do
    status=0
    tocsin $command >/dev/full 2>"$folder/err" || status=$?
    test $status = 1 && test -s "$folder/err" || wrong "tocsin $command to /dev/full: $status"
done
exits 0 run --default
cp "$folder/out" "$folder/default.ini"
exits 0 run --check "$folder/default.ini"
printed 'valid, 0 plugins on 1 loop$'
exits 0 run "$folder/default.ini" --check
printed 'valid, '
exit $failed
