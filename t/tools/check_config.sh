# Tests tocsin run --check. It must accept good files. It must report each error of a bad file with
# its line.
. "$srcdir/t/tools/host.inc"
file=$folder/file.ini

bad() {   # line, expected message. Standard input: the file
    cat >"$file"
    exits 1 run --check "$file"
    complained "^$file:$1: .*$2"
    test ! -s "$folder/out" || wrong "it prints something for a bad file: $(cat "$folder/out")"
}

{
    printf '\357\273\277; a comment\n[tocsin]\ndrain_ms = 7\npath =\n .:\n /nowhere\n[loop io]\n'
    printf '[plugin needy]\n[plugin speaker]\nloop=io\nword = a;b ; c\n'
    printf '[limits speaker]\npending_bytes = 9\n[actions]\na.*, !a.b: drain\n'
} >"$file"
exits 0 run --check "$file"
printed "^$file: valid, 2 plugins on 2 loops"
test ! -s "$folder/err" || wrong "it prints an error for a good file: $(cat "$folder/err")"
printf '[plugin every-entry_1]\nfile = every_entry.so\n[plugin other]\nfile = plain.so\n' >"$file"
exits 1 run --check "$file"
complained ':3: .*/plain.so is the plugin plain: name its section .plugin plain., not .plugin o.*.$'
complained ':1: plugin every-entry_1 needs plain: cannot find plain.so'
printf '%s\n' '[plugin no_note]' 'file = no_note.so' '[plugin every-entry_1]' \
    'file = every_entry.so' >"$file"
exits 1 run --check "$file"
complained ':1: plugin no_note: '
complained ':3: plugin every-entry_1 needs plain: cannot find plain.so'
exits 1 run --check "$folder/absent.ini"
complained "^$folder/absent.ini: No such file"

printf 'a = b\n' | bad 1 "'a' is in no section"
printf '\n[plugins x]\n' | bad 2 'did you mean .plugin.'
printf '[plugin x\n' | bad 1 'the ] of the section'
printf '[plugin]\n' | bad 1 '.plugin. needs a name: .plugin NAME.'
printf '[plugin X]\n' | bad 1 'a name has'
printf '[tocsin x]\n' | bad 1 'takes no name'
printf '[tocsin]\n[tocsin]\n' | bad 2 'is in line 1 already'
printf '[tocsin]\n[loop a]\n[loop b]\nnonsense\n' | bad 4 'neither'
printf '[tocsin]\ntick_ms = 1\ntick_ms = 2\n' | bad 3 'set twice'
printf '[tocsin]\ntik_ms = 1\n' | bad 2 "did you mean 'tick_ms'"
printf '[tocsin]\ndrain_ms = -1\n' | bad 2 'a number'
printf '[tocsin]\n= 1\n' | bad 2 'has no key'
printf '[tocsin]\npath = %0300d\n' 0 | bad 2 'longer than'
printf '[loop main]\n' | bad 1 'the main loop always exists'
printf '[loop a]\nb = c\n' | bad 2 "no settings: remove 'b'"
printf '[actions]\na..b = print\n' | bad 2 'not a valid pattern'
printf '[actions]\na.b = prnt\n' | bad 2 "did you mean 'print'"
printf '[actions]\nprint = a.b\n' | bad 2 "no action 'a.b': use print, ignore, drain or stop$"
printf '[plugin speaker]\nfile =\n' | bad 2 'file has no value: must be the path of the plugin$'
printf '%s\n' '[plugin unlike]' 'file = unlike.so' |
    bad 1 'host.ticked carries "" in its note, but "u64 count;" where it is declared$'
printf '[limits program]\nhandler = 1\n' | bad 2 "did you mean 'handlers'"
printf '[limits program]\nfaults = 4294967296\n' | bad 2 'a number'
printf '[limits program]\nstall = 1\n' | bad 2 "did you mean 'stalls'"
printf '[tocsin]\nwatchdog_ms = soon\n' | bad 2 'a number'
printf '[limits nobody]\n' | bad 1 'no .plugin nobody.'
printf '[plugin speaker]\nloop = io\n' | bad 2 'there is no section .loop io.'
printf '[plugin speaker]\n' | bad 1 'cannot find speaker.so'
printf '%s\n' '[plugin x]' 'fiel = plain.so' |
    bad 2 "warning: 'fiel' is passed to the plugin as a setting: did you mean 'file'"
complained ':1: plugin x: cannot find x.so'
printf '[tocsin]\npath = .\n[loop io]\n[plugin speaker]\nlop = io\nfail = 0.5\npool = 7\n' >"$file"
exits 0 run --check "$file"
test "$(wc -l <"$folder/err")" = 1 || wrong "not one line for one setting: $(cat "$folder/err")"
complained ":5: warning: 'lop' is passed to the plugin as a setting: did you mean 'loop'"
# A plugin declares its settings. Each wrong setting must be reported with its line. The host's own
# keys are not settings of the plugin.
cp plugins/.libs/*.so "$folder" || exit 2
printf '%s\n' '[tocsin]' 'path = .' '[loop io]' '[plugin metrics]' 'to = x' 'evry_ms = 5' \
    'patterns = a..b' 'lop = io' '[plugin record]' 'file = record.so' 'loop = io' >"$file"
exits 1 run --check "$file"
complained "^$file:6: there is no setting 'evry_ms': did you mean 'every_ms'?$"
complained "^$file:7: patterns: expected a pattern of signals, got 'a..b'$"
complained "^$file:8: there is no setting 'lop': did you mean 'loop'?$"
complained "^$file:9: .plugin record.: the setting 'to' is missing: The file; "
test "$(wc -l <"$folder/err")" = 4 || wrong "not four lines for four settings: $(cat "$folder/err")"
for name in no_note later large_note twice; do
    printf '\n[plugin %s]\nfile = %s.so\n' $name $name | bad 2 ''
done
exit $failed
