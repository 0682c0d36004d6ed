# Tests plugins and their hosts that are written as a user would write them.
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
# Makes a folder that no other user can write to, whatever the umask of the build was.
cp t/programs/.libs/*.so "$dir" || exit 2
export TOCSIN_PLUGIN_PATH="$dir"
failed=0

is() {   # text, expected text
    test "$1" = "$2" || { echo "said: $1"; failed=1; }
}

touch "$dir/scratch"
t/programs/delete "$dir/scratch" nobody || failed=1
test ! -e "$dir/scratch" || { echo "the file is there still"; failed=1; }
is "$(t/programs/delete /etc/there-is-none nobody 2>&1; echo "$?")" \
    "/etc/there-is-none: refused by keep-etc
1"
is "$(TOCSIN_PLUGIN_PATH=/var/empty t/programs/delete "$dir/scratch" nobody; echo "$?")" 2

# The plugin chaos and a program that was not changed. The scenes are a time-out and a race. The
# same seed must cause the same actions.
cp plugins/.libs/chaos.so "$dir" || exit 2
chaos() { timeout 60 t/programs/chaos "$@" 2>&1 || echo "status $?"; }
is "$(chaos deadline)" done
is "$(chaos deadline patterns=work.done delay=1 delay_ms=60000)" "timed out"
is "$(chaos deadline patterns=work.done fail=1 error=EIO)" "Input/output error"
is "$(chaos search)" sea
is "$(chaos search patterns=work.done delay=1 delay_ms=100 limit=1)" s
chances="points=receive,post delay=.2 delay_ms=10-90 reorder=.1 double=.1 fail=.1"
is "$(chaos messages)" \
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 and 0 refused"
is "$(chaos messages $chances seed=1)" \
    "3 4 6 7 8 9 10 12 13 15 16 17 18 19 20 21 24 3 12 19 14 2 5 22 1 and 2 refused"
is "$(chaos messages $chances seed=1)" \
    "3 4 6 7 8 9 10 12 13 15 16 17 18 19 20 21 24 3 12 19 14 2 5 22 1 and 2 refused"
is "$(chaos messages $chances seed=2)" \
    "1 2 3 4 5 6 7 8 9 10 15 16 17 21 22 24 1 21 19 20 18 and 5 refused"
is "$(chaos messages double=1 points=receive limit=2)" \
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 1 2 and 0 refused"
is "$(chaos messages fail=1 points=post limit=23)" "24 and 23 refused"
is "$(chaos messages delay=2)" "chaos: delay: expected a number from 0 to 1, got '2'
status 1"

# A recording is cut off or changed at each byte. Recordings are replayed faster, in steps, and
# without room for the emissions. A recording is truncated while it is read.
cp plugins/.libs/record.so plugins/.libs/replay.so "$dir" || exit 2
is "$(timeout 120 t/programs/recording "$dir/recording" 2>&1)" "cuts: 0 bad, 6 whole, the last has 4
flips: 0 bad
speed: 3 after 60 ms, 4 at the end
numbers: 0 bad of 1408
steps: 0 1 4, 4 at the end
room: 0 4 1
room: 0 4 1
short: 1"

if test "$with_net" = yes; then
    is "$(t/programs/origin t/programs/logged "$dir/log" | sed 's/:[0-9][0-9]*\//:PORT\//')" \
        "http://127.0.0.1:PORT/: done, 200, 6 bytes"
    is "$(sed 's/:[0-9][0-9]*\//:PORT\//' "$dir/log")" "http://127.0.0.1:PORT/ 200 6"
fi
if test "$with_demos" = yes; then
    rm -f "$dir"/*.so
    cp demos/plugins/.libs/*.so "$dir" || exit 2
    is "$(timeout 60 demos/plugins/plugins | sed 's/^\([a-z]*\): .*/\1/')" \
        "  count   | loaded for the first time, starts at 0 words
ann
  count   | 2 words so far
  faulty  | fails
bob
  count   | 6 words so far
  faulty  | fails
ann
  count   | 11 words so far
  faulty  | fails
  host    | faulty is no longer called: it answers errors (3 times)
  count   | loaded for the second time, starts at 11 words
  host    | count 1.0 reloaded: done
bob
  host    | not said: polite refuses it
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
