# Tests the tests of the inbox: this script makes mutants of the library. Each mutant is a copy of
# the library in which one step of a protocol is removed. One of the tests must fail with each
# mutant. Otherwise the script prints that the mutant was missed.
#   sh t/base/inbox_mutants.sh [-n SECONDS] [NAME…]
# The script takes minutes, so it is run by hand. It needs what the tests need: pkg-config, check,
# libevent. A mutant that no test can find on this processor has a remark. The models in t/model
# find such a mutant.
source=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
place=$(mktemp -d) || exit 2
trap 'rm -rf "$place"' EXIT
trap 'exit 1' INT TERM
seconds=60
test "$1" = -n && seconds=$2 && shift 2
names=" $* "
flags="-std=gnu11 -O2 -g -DTOCSIN_FAULT -I$place/include -I$place/lib -I$place/t"
flags="$flags -I$place/generated -include config.h"
floors="base registry delivery remote os loop op style plugin report"
libs="$(pkg-config --libs check libevent_core) -lpthread -lm"
tests="base/inbox_latest remote/wake_senders remote/fuzz_senders remote/fuzz_loop_lifetimes"
missed=0

mkdir "$place/objects" && cp -R "$source/include" "$source/lib" "$source/t" "$place" || exit 2
cd "$place" || exit 2

# The files of the library that every test must link.
sources() {
    for floor in $floors; do find "lib/$floor" -name '*.c'; done
}

# Argument: FILE. Compiles one file of the library. If FILE is a header, compiles all files.
compile() {
    case $1 in
    *.h) set -- $(sources) ;;
    esac
    for file in "$@"; do
        ${CC:-cc} $flags -c "$file" -o "objects/$(echo "$file" | tr / -).o" || return 1
    done
}

program() { echo "./$(echo "$1" | tr / -)"; }

link_tests() {
    for test in $tests; do
        ${CC:-cc} $flags "t/$test.c" t/test.c t/record.c objects/*.o $libs -o "$(program "$test")" ||
            return 1
    done
}

# Argument: NAME. Runs the tests until one of them fails. A test that hangs has found the mutant,
# too.
hunt() {
    for test in $tests; do
        from=$(date +%s)
        timeout "$seconds" "$(program "$test")" > log 2>&1
        status=$?
        test $status = 0 && continue
        what=$(sed -n 's/.*:[FES]:[a-z]*:\([a-z_]*:[0-9]*\):.*/\1/p' log | head -n 1)
        test $status = 124 && what="hangs"
        echo "found    $1: $test, ${what:-$status}, after $(($(date +%s) - from)) s"
        return 0
    done
    return 1
}

# Arguments: NAME FILE WHAT [REMARK]. The standard input is a script of sed, which changes only
# FILE. A REMARK means that no test can find this mutant, since a thread would have to stop between
# two instructions. The models in t/model find it.
mutant() {
    sed_script=$(cat)
    case $names in "  " | *" $1 "*) ;; *) return ;; esac
    cp "$2" kept
    sed -i "$sed_script" "$2"
    if cmp -s kept "$2"; then
        echo "MISFIT   $1: it changes nothing in $2"
        missed=1
    elif ! compile "$2" 2> errors || ! link_tests 2>> errors; then
        echo "MISFIT   $1: it does not compile"
        sed 's/^/         /' errors | head -n 5
        missed=1
    elif ! hunt "$1"; then
        echo "${4:-MISSED}   $1: $3"
        test -n "$4" || missed=1
    fi
    cp kept "$2"
    compile "$2"
}

mkdir -p generated/report && cat > generated/config.h <<'C' || exit 2
#define VERSION "mutant"
#define TOCSIN_PLUGINDIR "/none"
C
LC_ALL=C awk -f lib/report/causes.awk include/tocsin.h \
    include/tocsin/*.h > generated/report/causes.inc || exit 2
compile all.h && link_tests || exit 2
hunt "(none)" && echo "the tests fail without a mutant" && exit 1

inbox=lib/base/inbox.c

mutant test_before_publish $inbox "the wake edge is tested before the message is published" <<'S'
/^void tocsin__inbox_publish/,/^}/{/wake_if_asleep/d;s/^    atomic_exchange/    wake_if_asleep(inbox);\n&/}
S
mutant publish_without_barrier $inbox "the message is published by a plain store" <<'S'
/^void tocsin__inbox_publish/,/^}/s/atomic_exchange(\(.*\));/atomic_store_explicit(\1, memory_order_release);/
S
mutant publish_without_test $inbox "the wake edge is not tested" <<'S'
/^void tocsin__inbox_publish/,/^}/{/wake_if_asleep/d}
S
mutant test_before_push $inbox "the wake edge is tested before the node is pushed" <<'S'
/^static bool inbox_push(/,/^}/{/wake_if_asleep/d;s/^    do {/    wake_if_asleep(inbox);\n&/}
S
mutant sleeps_without_looking $inbox "the loop sleeps without checking again" <<'S'
/^bool tocsin__inbox_sleeps/,/^}/s/!tocsin__inbox_is_nonempty(inbox)/true/
S
mutant sleeps_without_barrier $inbox "the loop announces its sleep by a plain store" <<'S'
/^bool tocsin__inbox_sleeps/,/^}/s/atomic_exchange(&inbox->edge, TOCSIN__ASLEEP)/atomic_store_explicit(\&inbox->edge, TOCSIN__ASLEEP, memory_order_release)/
S
mutant list_not_looked_at $inbox "the loop sleeps while something is in the list" <<'S'
/^bool tocsin__inbox_is_nonempty/,/^}/s/atomic_load(&inbox->list) || //
S
mutant asked_not_looked_at $inbox "the loop sleeps while a disconnect is requested" <<'S'
/^bool tocsin__inbox_is_nonempty/,/^}/s/|| atomic_load(&inbox->requests)//
S
mutant nudge_without_test $inbox "a disconnect request does not wake" <<'S'
/^void tocsin__inbox_wake/,/^}/s/wake_if_asleep(inbox)/(void)inbox/
S
mutant claim_without_head $inbox "a claim does not check for room" <<'S'
/^int tocsin__inbox_claim/,/^}/s/cells_taken(inbox, tail) >= TOCSIN_INBOX - spare/false/
S
mutant one_too_many $inbox "the ring takes one entry more than it has" <<'S'
/^int tocsin__inbox_claim/,/^}/s/>= TOCSIN_INBOX - spare/>= TOCSIN_INBOX + 1/
S
mutant claim_without_swap $inbox "a claim is a load and a store" <<'S'
/^int tocsin__inbox_claim/,/^}/{/if (atomic_compare_exchange_weak/{N;s/if (.*))$/atomic_store(\&inbox->tail, next); if (true)/}}
S
mutant generation_ignored $inbox "a claim does not compare the generation" <<'S'
/^static bool gone/,/^}/s/generation != TOCSIN__ANY &&/false \&\& &/
S
mutant push_without_swap $inbox "a push is a load and a store" <<'S'
/^static bool inbox_push(/,/^}/s/} while (!atomic_compare_exchange_weak(&inbox->list, &newest, node));/} while (atomic_store(\&inbox->list, node), false);/
S
mutant list_not_turned $inbox "the list runs from the newest on" <<'S'
/^static void take(/,/^}/{s/oldest = NULL/oldest = node/;s/for (; node; node = next)/for (node = NULL; node; node = next)/}
S
mutant list_not_sorted $inbox "a node runs in the order of its arrival, not at its position" <<'S'
/^static void insert(/,/^}/s/inbox->last_after > node->after/false/
S
mutant read_past_who_holds $inbox "the ring is read to its end, in spite of pins" <<'S'
/^uint64_t tocsin__inbox_bound/,/^}/s/return inbox->bound/return tocsin__inbox_tail(inbox)/
S
mutant halves_at_once $inbox "the epochs swap, and the pins of the older one count at once" <<'S'
/^uint64_t tocsin__inbox_bound/,/^}/s/inbox->bound = inbox->turned;/inbox->bound = tail;/
S
mutant held_after_all $inbox "a pinned node comes after newer messages" <<'S'
/^bool tocsin__inbox_push_pinned/,/^}/s/hold >> 1/NOW/
S
mutant again_after_all $inbox "a node that is not finished goes behind newer messages" <<'S'
/^bool tocsin__inbox_push_next/,/^}/s/inbox->at/NOW/
S
mutant lets_go_silently $inbox "an unpin does not wake the loop that waits for it" <<'S'
/^void tocsin__inbox_unpin/,/^}/s/^    wake_if_asleep(inbox);//
S
mutant closes_without_the_held $inbox "the list is closed before pinning threads have pushed" <<'S'
/^void tocsin__inbox_close/,/^}/{/while/d;/sched_yield/d}
S
mutant descriptor_too_early $inbox "the descriptor is closed while a thread wakes the loop" <<'S'
/^void tocsin__inbox_quiet/,/^}/{/while/d;/sched_yield/d}
S
mutant counted_too_late $inbox "a waking thread is counted after it has won the edge" "unseen" <<'S'
/^static void wake_if_asleep/,/^}/{/fetch_add(&inbox->waking/d;/fetch_sub(&inbox->waking/d;s/^        inbox->wake(inbox);/        atomic_fetch_add(\&inbox->waking, 1);\n&\n        atomic_fetch_sub(\&inbox->waking, 1);/}
S
mutant list_stays_open $inbox "the list is not closed when the loop ends" <<'S'
/^void tocsin__inbox_end/,/^}/s/&closed/NULL/
S

mutant after_ignored lib/base/inbox.h "a node runs before older messages of the ring" <<'S'
/tocsin__inbox_take_node(/,/^}/s/ || node->after > inbox->at//
S
mutant head_never_shown lib/base/inbox.h "senders do not see the position that the loop reads" <<'S'
/tocsin__inbox_publish_head(/,/^}/s/^        atomic_store/        if (0) &/
/tocsin__inbox_pass(/,/^}/s/^        atomic_store_explicit(&inbox->head/        if (0) &/
S

receive=lib/remote/receive.c
mutant passed_before_read $receive "a cell is returned before its message has been delivered" <<'S'
/^static bool receive_next/,/^}/{/^    tocsin__inbox_pass(/d;s/^    done = tocsin__message_deliver(/    tocsin__inbox_pass(\&loop->inbox);\n    tocsin__inbox_publish_head(\&loop->inbox);\n&/}
S
mutant claimed_not_awaited $receive "the loop ends without waiting for claimed cells" <<'S'
/^void tocsin__receive_last/,/^}/s/tocsin__inbox_tail(&loop->inbox) != loop->inbox.at || //
S
mutant bytes_not_given_back $receive "the bytes of shared messages stay counted" <<'S'
/^static bool receive_next/,/^}/{/atomic_fetch_sub/s/size)/size * 0)/}
S

cast=lib/remote/multicast.c
mutant published_before_filled $cast "a message is published before it is filled in" <<'S'
/^void tocsin__multicast_send/,/^}/{/tocsin__inbox_publish/d;s/^        place_fill_message/        tocsin__inbox_publish(\&place->loop->inbox, place->at);\n&/}
S
mutant not_given_back $cast "entries that one loop refuses stay reserved on the others" <<'S'
/^static void places_give_back/,/^}/s/i < count/i < count * 0/
S

box=lib/registry/latest.c
mutant box_not_counted $box "a sender that finds a writer is not counted" <<'S'
/^bool tocsin__latest_put/,/^}/s/word & WRITING ? count_add(word, 1)/word \& WRITING ? word/
S
mutant box_two_write $box "two write at once" <<'S'
/^bool tocsin__latest_put/,/^}/{s/word & WRITING ? count_add(word, 1) : word | WRITING/word | WRITING/;s/if (word & WRITING) {/if (0) {/}
S
mutant box_read_is_written $box "the message that is being read is written" <<'S'
/^static unsigned idle_index/,/^}/s/i == newest_index(word) || i == reading_index(word)/i == newest_index(word)/
S
mutant box_done_without_looking $box "the node is released although a message has arrived" <<'S'
/^bool tocsin__latest_done/,/^}/s/if (word & FRESH)/if (0)/
S
mutant box_pushed_twice $box "every sender pushes the node" <<'S'
/^bool tocsin__latest_put/,/^}/s/return !(word & QUEUED)/return true/
S

mutant not_polled lib/loop/polled.c "a poll loop of the program waits, and the inbox is not told to wake it" <<'S'
/^void tocsin__polled_refresh/,/^}/{/tocsin__inbox_sleeps/d}
S
exit $missed
