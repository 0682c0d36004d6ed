# Tests tocsin signals and tocsin plugins, with output as a table and as JSON.
. "$srcdir/t/tools/host.inc"
valid() { LC_ALL=C awk -f "$srcdir/t/house/json.awk" <"$folder/out" ||
    { wrong "not JSON:"; cat "$folder/out"; }; }

exits 0 signals
printed '^timer.ticked  *coalesce  ignore    A period'
exits 0 signals --json
valid
exits 0 signals --plugin "$folder/speaker.so" 'speaker.*' --json
valid
printed '"name":"speaker.spoke","doc":"It said ."a word.".","owner":"speaker","kind":"queued"'
printed '"fields":.{"type":"string","name":"word"},{"type":"bool","name":"main"}'
exits 0 signals 'speaker.*' --plugin "$folder/speaker.so"
printed 'string word, bool main'
exits 1 signals 'speaker.*'
exits 1 signals --plugin "$folder/failing.so"
complained 'tocsin_plugin_init returned'
exits 1 signals --plugin "$folder/absent.so"
complained absent.so

TOCSIN_PLUGIN_PATH=$folder; export TOCSIN_PLUGIN_PATH
exits 0 plugins speaker needy
printed '^speaker  1.0  *loads     Says what it does'
printed 'needs speaker'
exits 1 plugins "$folder/no_note.so" absent
printed '^no_note.so .*refused   not a tocsin plugin'
printed '^absent .*refused   cannot find absent.so'
exits 1 plugins
printed "^$folder:"
exits 1 plugins --json
valid
printed '"name":"needy","version":"1",.*"needs":."speaker".,"loads":true,"reason":null'
printed '"name":null,.*no_note.so.*"loads":false,"reason":"not a tocsin plugin'
for plugin in metrics log; do cp plugins/.libs/$plugin.so "$folder/$plugin.so"; done
exits 0 plugins --json metrics
valid
to='{"name":"to","type":"string","default":null,"required":true,"about":"[^"]*"}'
printed "\"reason\":null,\"settings\":.$to,{\"name\":\"every_ms\",\"type\":\"u64 1..1000000000\","
printed '"type":"u64 1..1000000000","default":"10000","required":false,'
exits 0 plugins --json speaker
printed '"settings":null}'
exits 0 plugins metrics
printed 'to (string, required): The file to write; each page replaces the last$'
printed 'every_ms (u64 1..1000000000, default 10000): How often'
rm "$folder/metrics.so" "$folder/log.so"
mkdir "$folder/later" && cp "$folder/speaker_later.so" "$folder/later/speaker.so" || exit 2
TOCSIN_PLUGIN_PATH=$folder/later:$folder
exits 0 plugins speaker
printed '^speaker  2.0'
exits 1 plugins
printed "is found first"
exit $failed
