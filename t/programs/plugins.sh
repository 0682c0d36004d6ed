# Plugins and their hosts, as a user would write them.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cp t/programs/.libs/*.so "$dir" || exit 2                 # where nobody else can write, whatever the umask of the build was
export TOCSIN_PLUGIN_PATH="$dir"
failed=0

is() {   # what, wanted
    test "$1" = "$2" || { echo "said: $1"; failed=1; }
}

touch "$dir/scratch"
t/programs/delete "$dir/scratch" nobody || failed=1
test ! -e "$dir/scratch" || { echo "the file is there still"; failed=1; }
is "$(t/programs/delete /etc/there-is-none nobody 2>&1; echo "$?")" "/etc/there-is-none: refused by keep-etc
1"
is "$(TOCSIN_PLUGIN_PATH=/var/empty t/programs/delete "$dir/scratch" nobody; echo "$?")" 2

if test "$with_net" = yes; then
    is "$(t/programs/origin t/programs/logged "$dir/log" | sed 's/:[0-9][0-9]*\//:PORT\//')" "http://127.0.0.1:PORT/: done, 200, 6 bytes"
    is "$(sed 's/:[0-9][0-9]*\//:PORT\//' "$dir/log")" "http://127.0.0.1:PORT/ 200 6"
fi
if test "$with_demos" = yes; then
    rm -f "$dir"/*.so
    cp demos/chat/.libs/*.so "$dir" || exit 2
    is "$(timeout 60 demos/plugins | sed 's/^\([a-z]*\): .*/\1/')" "  count   | loaded for the first time, goes on at 0 words
ann
  count   | 2 words so far
  faulty  | fails
bob
  count   | 6 words so far
  faulty  | fails
ann
  count   | 11 words so far
  faulty  | fails
  host    | faulty is called no more: it answers errors (3 times)
  count   | loaded for the second time, goes on at 11 words
  host    | count 1.0 reloaded: done
bob
  host    | not said: polite objects
ann
  count   | 13 words so far
bob
  count   | 16 words so far
ann
  count   | 19 words so far
bob
  count   | 21 words so far"
fi
exit $failed
