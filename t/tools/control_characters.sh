# No output may contain control characters, whatever names, notes, documentation, payloads and
# reasons contain.
. "$srcdir/t/tools/host.inc"
cp plugins/.libs/*.so "$folder" || exit 2
file=$folder/file.ini
csi=$(printf '\302\23331m') override=$(printf '\342\200\256') raw=$(printf '\233\377') \
    escape=$(printf '\033[2J')
hostile=$csi$override$raw$escape

# Checks the output. Allowed are printable ASCII, tab, newline, and multibyte characters that do not
# control a terminal.
acts='\x00-\x08\x0b-\x1f\x7f'
characters='\xc2[\x80-\x9f]|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]'
characters=$characters'|\xef\xbb\xbf|\xd8\x9c'
clean() {   # files
    for out; do
        ! LC_ALL=C grep -qP "[$acts]" "$out" ||
            { wrong "$out has control characters:"; od -c "$out" | head -20; }
        ! LC_ALL=C grep -qP "$characters" "$out" ||
            { wrong "$out has characters that control a terminal:"; od -c "$out" | head -20; }
        ! command -v iconv >/dev/null || iconv -f UTF-8 -t UTF-8 "$out" >/dev/null 2>&1 ||
            wrong "$out is not UTF-8"
        test -s "$out" || wrong "$out is empty"
    done
}
ran() {   # checks the output and the errors of the last command
    cat "$folder/out" "$folder/err" >"$folder/both"
    clean "$folder/both"
}
LC_ALL=C grep -qP x /dev/null 2>/dev/null
test $? = 1 || { echo 'skip: tools/control_characters: no grep -P'; exit 77; }

# The command line has control characters, and so do the names of files.
tocsin "$hostile" >"$folder/out" 2>"$folder/err"; ran
for command in run signals plugins; do
    tocsin $command "--$hostile" >"$folder/out" 2>"$folder/err"; ran
    tocsin $command "$hostile" "$hostile" >"$folder/out" 2>"$folder/err"; ran
done
tocsin signals --plugin "$hostile" >"$folder/out" 2>"$folder/err"; ran
tocsin run --check "$folder/$hostile.ini" >"$folder/out" 2>"$folder/err"; ran
printf '[tocsin]\n' >"$folder/$hostile.ini"
exits 0 run --check "$folder/$hostile.ini"; ran

# A file has control characters in its keys, values and sections.
for line in "[$hostile]" "[plugin $hostile]" "$hostile = 1" "drain_ms = $hostile" "[tocsin]
$hostile = 1" "[tocsin]
drain_ms = $csi" "[tocsin]
$csi = 1" "[$csi]" "[plugin $csi]" "[actions]
$csi = print" "[actions]
a.b = $override" "[limits program]
$override = 1" "[plugin x]
file = $csi.so" "[plugin x]
loop = $override" "$csi"; do
    printf '%s\n' "$line" >"$file"
    exits 1 run --check "$file"; ran
done

# A plugin has control characters in its note, its documentation, the reason of a failed init, and
# its output.
for json in '' --json; do
    exits 0 plugins $json "$folder/hostile.so"; ran
    exits 0 signals $json --plugin "$folder/hostile.so" hostile.said; ran
    cp "$folder/hostile.so" "$folder/$csi.so"
    tocsin plugins $json "$folder/$csi.so" "$folder/$hostile" >"$folder/out" 2>"$folder/err"; ran
done
printf '[plugin hostile]\nfile = hostile.so\nrefuse = yes\n' >"$file"
exits 1 run "$file"; ran
complained 'because .033.2J.302.233'
mkdir "$folder/logs$csi"
cat >"$file" <<INI
[tocsin]
path = .
tick_ms = 10
[plugin hostile]
[plugin log]
to = file:$folder/text.log
patterns = hostile.**
[plugin record]
to = $folder/logs$csi/recording
[actions]
** = print
INI
start "$file"
says '^hostile.said text="' 3
kill -TERM $host
ends 0
ran
text='.302.23331m.342.200.256.342.201.246.342.200.250.357.273.277.377.300.257.355.240.200 ä'
printed '^hostile.said text="'"$text"'" escape=".033.0;x.007.177.015.012"$'
clean "$folder/text.log"
sed -i 's/text.log/json.log\nformat = json/' "$file"
start "$file"
says '^hostile.said text="' 3
kill -TERM $host
ends 0
ran
clean "$folder/json.log"
while read -r line; do
    printf '%s\n' "$line" | LC_ALL=C awk -f "$srcdir/t/house/json.awk" ||
        { wrong "not JSON: $line"; break; }
done <"$folder/json.log"
exit $failed
