# Tests tocsin run with libtocsin-net, which a plugin loads. The library belongs to no plugin. So
# its signals and its operations must stay when that plugin is unloaded. A plugin that consumes its
# signals may be loaded first.
. "$srcdir/t/tools/host.inc"
test "$with_net" = yes ||
    { echo "skip: tools/net_library_owner: libtocsin-net is $with_net"; exit 77; }
cp t/programs/.libs/accesslog.so t/programs/.libs/fetcher.so t/programs/.libs/fetcher2.so \
    "$folder" || exit 2
LD_LIBRARY_PATH=.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; export LD_LIBRARY_PATH
t/programs/origin sh -c 'echo $URL >'"$folder/url"'; exec sleep 600' &
origin=$!
trap 'kill $origin; test -z "$host" || kill -KILL $host 2>/dev/null; rm -rf "$folder"' EXIT
until test -s "$folder/url"; do sleep 0.1; done
url=$(cat "$folder/url")
file=$folder/file.ini

fetchers() {   # names of the plugins that fetch
    printf '%s\n' '[tocsin]' 'path = .' 'drain_ms = 60000' '[actions]' \
        'host.**, plugin.** = print' '[plugin accesslog]' 'file = accesslog.so'
    for name do printf '[plugin %s]\nurl = %s\n' "$name" "$url$name"; done
}

fetchers fetcher fetcher2 >"$file"
start "$file"
says '^host.started plugins=3 loops=1'
says 'fetcher 200 6$' 3
says 'fetcher2 200 6$' 3
fetchers fetcher2 >"$file"
kill -HUP $host
says '^plugin.unloaded status="done" name="fetcher" mapped=false'
says 'fetcher2 200 6$' $(($(grep -c 'fetcher2 200 6$' "$folder/err") + 5))
fetchers >"$file"
kill -HUP $host
says '^plugin.unloaded status="done" name="fetcher2" mapped=false'
fetchers fetcher >"$file"
kill -HUP $host
says 'fetcher 200 6$' $(($(grep -c 'fetcher 200 6$' "$folder/err") + 3))
kill -TERM $host
ends 0
exit $failed
