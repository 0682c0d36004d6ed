# tocsin run --check: good files, and what is wrong in bad ones, with the line.
. "$srcdir/t/tools/host.inc"
file=$folder/file.ini

bad() {   # the line, what is said of it; the file is on the standard input
    cat >"$file"
    exits 1 run --check "$file"
    complained "^$file:$1: .*$2"
    test ! -s "$folder/out" || wrong "of a bad file it prints: $(cat "$folder/out")"
}

printf '\357\273\277; a comment\n[tocsin]\ndrain_ms = 7\npath =\n .:\n /nowhere\n[loop io]\n[plugin needy]\n[plugin speaker]\nloop=io\nword = a;b ; c\n[limits speaker]\npended_bytes = 9\n[actions]\na.*, !a.b: drain\n' >"$file"
exits 0 run --check "$file"
printed "^$file: good, 2 plugins on 2 loops"
test ! -s "$folder/err" || wrong "of a good file it says: $(cat "$folder/err")"
printf '[plugin full-1_x]\nfile = full.so\n[plugin other]\nfile = plain.so\n' >"$file"
exits 1 run --check "$file"
complained ':3: .*/plain.so is the plugin plain: its section is .plugin plain., not .plugin other.$'
complained ':1: full-1_x needs plain: there is no plain.so'
exits 1 run --check "$folder/absent.ini"
complained "^$folder/absent.ini: No such file"

printf 'a = b\n' | bad 1 "'a' stands before"
printf '\n[plugins x]\n' | bad 2 'did you mean .plugin.'
printf '[plugin x\n' | bad 1 'the ] of the section'
printf '[plugin]\n' | bad 1 'whose'
printf '[plugin X]\n' | bad 1 'a name is'
printf '[tocsin x]\n' | bad 1 'takes no name'
printf '[tocsin]\n[tocsin]\n' | bad 2 'stands in line 1 already'
printf '[tocsin]\n[loop a]\n[loop b]\nnonsense\n' | bad 4 'neither'
printf '[tocsin]\ntick_ms = 1\ntick_ms = 2\n' | bad 3 'twice'
printf '[tocsin]\ntik_ms = 1\n' | bad 2 "did you mean 'tick_ms'"
printf '[tocsin]\ndrain_ms = -1\n' | bad 2 'a number'
printf '[tocsin]\n= 1\n' | bad 2 'nothing stands in front'
printf '[tocsin]\n;%0300d\n' 0 | bad 2 'longer than'
printf '[loop main]\n' | bad 1 'already'
printf '[loop a]\nb = c\n' | bad 2 "no setting 'b'"
printf '[actions]\na..b = print\n' | bad 2 'no pattern'
printf '[actions]\na.b = prnt\n' | bad 2 "did you mean 'print'"
printf '[limits program]\nhandler = 1\n' | bad 2 "did you mean 'handlers'"
printf '[limits program]\nfaults = 4294967296\n' | bad 2 'a number'
printf '[limits program]\nstall = 1\n' | bad 2 "did you mean 'stalls'"
printf '[tocsin]\nwatchdog_ms = soon\n' | bad 2 'a number'
printf '[limits nobody]\n' | bad 1 'no .plugin nobody.'
printf '[plugin speaker]\nloop = io\n' | bad 2 'there is no .loop io.'
printf '[plugin speaker]\n' | bad 1 'there is no speaker.so'
printf '[plugin x]\nfiel = plain.so\n' | bad 2 "'fiel' is taken for a setting of the plugin: did you mean 'file'"
complained ':1: plugin x: there is no x.so'
printf '[tocsin]\npath = .\n[loop io]\n[plugin speaker]\nlop = io\nfail = 0.5\npool = 7\n' >"$file"
exits 0 run --check "$file"
test "$(wc -l <"$folder/err")" = 1 || wrong "of one setting it says: $(cat "$folder/err")"
complained ":5: 'lop' is taken for a setting of the plugin: did you mean 'loop'"
for name in mute later roomy twice; do
    printf '\n[plugin %s]\nfile = %s.so\n' $name $name | bad 2 ''
done
exit $failed
