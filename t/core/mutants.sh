# Each step of the protocol of an inbox taken out in turn, in a copy of the library: one of the tests finds it, or this says that none did.
#   sh t/core/mutants.sh [-n SECONDS] [NAME…]
# It takes minutes, so it is run by hand. It needs what the tests need: pkg-config, check, libevent. What no test can find on this processor is
# said to be so at the mutant; t/model finds it.
source=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
place=$(mktemp -d) || exit 2
trap 'rm -rf "$place"' EXIT
trap 'exit 1' INT TERM
seconds=60
test "$1" = -n && seconds=$2 && shift 2
names=" $* "
flags="-std=gnu11 -O2 -g -DTOCSIN_FAULT -I$place/include -I$place/lib -I$place/t"
libs="$(pkg-config --libs check libevent_core) -lpthread -lm"
tests="boxes waking storm comers"
missed=0

mkdir "$place/objects" && cp -R "$source/include" "$source/lib" "$source/t" "$place" || exit 2
cd "$place" || exit 2

# Compiles one file of the library, or all for a header.
compile() {
    case $1 in
    *.h) set -- $(sed -n 's/^[[:space:]]*\(lib\/[a-z]*\/[a-z]*\.c\).*/\1/p' lib/core/Makefile.inc lib/loop/Makefile.inc lib/op/Makefile.inc lib/style/Makefile.inc lib/report/Makefile.inc) ;;
    esac
    for file in "$@"; do
        ${CC:-cc} $flags -c "$file" -o "objects/$(echo "$file" | tr / -).o" || return 1
    done
}

link_tests() {
    for test in $tests; do
        ${CC:-cc} $flags "t/core/$test.c" t/test.c t/record.c objects/*.o $libs -o "$test" || return 1
    done
}

# One that hangs has been found, too.
hunt() {
    for test in $tests; do
        from=$(date +%s)
        timeout "$seconds" "./$test" > "$test.log" 2>&1
        status=$?
        test $status = 0 && continue
        what=$(sed -n 's/.*:[FES]:[a-z]*:\([a-z_]*:[0-9]*\):.*/\1/p' "$test.log" | head -n 1)
        test $status = 124 && what="hangs"
        echo "found    $1: core/$test, ${what:-$status}, after $(($(date +%s) - from)) s"
        return 0
    done
    return 1
}

# NAME FILE WHAT [SAID]: what stands on standard input is a script of sed, for that file alone. SAID: no test can
# find it, since it takes a thread that is held up between two instructions; t/model does.
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

compile all.h && link_tests || exit 2
hunt "(none)" && echo "the tests fail as it is" && exit 1

inbox=lib/core/inbox.c

mutant test_before_publish $inbox "the wake edge is tested before the letter is published" <<'S'
/^void tocsin__inbox_publish/,/^}/{/edge_test/d;s/^    atomic_exchange/    edge_test(inbox);\n&/}
S
mutant publish_without_barrier $inbox "the letter is published by a plain store" <<'S'
/^void tocsin__inbox_publish/,/^}/s/atomic_exchange(\(.*\));/atomic_store_explicit(\1, memory_order_release);/
S
mutant publish_without_test $inbox "the wake edge is not tested" <<'S'
/^void tocsin__inbox_publish/,/^}/{/edge_test/d}
S
mutant test_before_push $inbox "the wake edge is tested before the node is pushed" <<'S'
/^static bool push(/,/^}/{/edge_test/d;s/^    do {/    edge_test(inbox);\n&/}
S
mutant sleeps_without_looking $inbox "the loop sleeps without looking again" <<'S'
/^bool tocsin__inbox_sleeps/,/^}/s/!tocsin__inbox_holds(inbox)/true/
S
mutant sleeps_without_barrier $inbox "the loop says by a plain store that it sleeps" <<'S'
/^bool tocsin__inbox_sleeps/,/^}/s/atomic_exchange(&inbox->edge, TOCSIN__ASLEEP)/atomic_store_explicit(\&inbox->edge, TOCSIN__ASLEEP, memory_order_release)/
S
mutant list_not_looked_at $inbox "the loop sleeps while something is in the list" <<'S'
/^bool tocsin__inbox_holds/,/^}/s/atomic_load(&inbox->list) || //
S
mutant asked_not_looked_at $inbox "the loop sleeps while it is asked to disconnect" <<'S'
/^bool tocsin__inbox_holds/,/^}/s/|| atomic_load(&inbox->asked)//
S
mutant nudge_without_test $inbox "who asks to disconnect does not wake" <<'S'
/^void tocsin__inbox_nudge/,/^}/s/edge_test(inbox)/(void)inbox/
S
mutant claim_without_head $inbox "a claim does not look whether there is room" <<'S'
/^int tocsin__inbox_claim/,/^}/s/taken(inbox, tail) >= TOCSIN_INBOX - spare/false/
S
mutant one_too_many $inbox "the ring takes one more than it has" <<'S'
/^int tocsin__inbox_claim/,/^}/s/>= TOCSIN_INBOX - spare/>= TOCSIN_INBOX + 1/
S
mutant claim_without_swap $inbox "a claim is a load and a store" <<'S'
/^int tocsin__inbox_claim/,/^}/s/if (atomic_compare_exchange_weak_explicit(&inbox->tail, &tail, next, .*))/atomic_store(\&inbox->tail, next); if (true)/
S
mutant generation_ignored $inbox "a claim does not look at the generation" <<'S'
/^static bool gone/,/^}/s/ || (generation.*);/ || (0 \&\& generation);/
S
mutant push_without_swap $inbox "a push is a load and a store" <<'S'
/^static bool push(/,/^}/s/} while (!atomic_compare_exchange_weak(&inbox->list, &newest, node));/} while (atomic_store(\&inbox->list, node), false);/
S
mutant list_not_turned $inbox "the list is run from the newest on" <<'S'
/^static void take(/,/^}/{s/oldest = NULL/oldest = node/;s/for (; node; node = next)/for (node = NULL; node; node = next)/}
S
mutant list_not_sorted $inbox "a node is run when it came, not after what it comes after" <<'S'
/^static void insert(/,/^}/s/inbox->last_after > node->after/false/
S
mutant read_past_who_holds $inbox "the ring is read as far as it goes, whoever holds the loop" <<'S'
/^uint64_t tocsin__inbox_bound/,/^}/s/return inbox->bound/return tocsin__inbox_tail(inbox)/
S
mutant halves_at_once $inbox "the halves change places, and what was waited for counts at once" <<'S'
/^uint64_t tocsin__inbox_bound/,/^}/s/inbox->bound = inbox->turned;/inbox->bound = tail;/
S
mutant held_after_all $inbox "what is held for comes after what has come meanwhile" <<'S'
/^bool tocsin__inbox_push_held/,/^}/s/hold >> 1/NOW/
S
mutant again_after_all $inbox "what is not dealt with yet goes behind what has come meanwhile" <<'S'
/^bool tocsin__inbox_push_next/,/^}/s/inbox->at/NOW/
S
mutant lets_go_silently $inbox "who lets go does not wake the loop that waited for that" <<'S'
/^void tocsin__inbox_let_go/,/^}/s/^    edge_test(inbox);//
S
mutant closes_without_the_held $inbox "the list is shut before those who hold the loop have pushed" <<'S'
/^void tocsin__inbox_close/,/^}/{/while/d;/sched_yield/d}
S
mutant descriptor_too_early $inbox "the descriptor is closed while somebody wakes" <<'S'
/^void tocsin__inbox_quiet/,/^}/{/while/d;/sched_yield/d}
S
mutant counted_too_late $inbox "who wakes is counted when he has won the edge" "unseen" <<'S'
/^static void edge_test/,/^}/{/fetch_add(&inbox->waking/d;/fetch_sub(&inbox->waking/d;s/^        inbox->wake(inbox);/        atomic_fetch_add(\&inbox->waking, 1);\n&\n        atomic_fetch_sub(\&inbox->waking, 1);/}
S
mutant list_stays_open $inbox "the list is not shut when the loop ends" <<'S'
/^void tocsin__inbox_end/,/^}/s/&closed/NULL/
S

mutant after_ignored lib/core/inbox.h "a node is run before what the ring had in front of it" <<'S'
/tocsin__inbox_node(/,/^}/s/ || node->after > inbox->at//
S
mutant head_never_shown lib/core/inbox.h "producers are not shown where the loop reads" <<'S'
/tocsin__inbox_passed(/,/^}/s/^        atomic_store/        if (0) &/
/tocsin__inbox_pass(/,/^}/s/^        atomic_store_explicit(&inbox->head/        if (0) &/
S

receive=lib/core/receive.c
mutant passed_before_read $receive "a cell is given back before its letter has been delivered" <<'S'
/^static bool deliver_next/,/^}/{/^    tocsin__inbox_pass(/d;s/^    if (!deliver(/    tocsin__inbox_pass(\&loop->inbox);\n    tocsin__inbox_passed(\&loop->inbox);\n&/}
S
mutant claimed_not_awaited $receive "the loop ends without those who have claimed a cell" <<'S'
/^void tocsin__receive_last/,/^}/s/tocsin__inbox_tail(&loop->inbox) != loop->inbox.at || //
S
mutant bytes_not_given_back $receive "what is shared is counted for ever" <<'S'
/^static bool deliver_next/,/^}/{/atomic_fetch_sub/s/size)/size * 0)/}
S

cast=lib/core/cast.c
mutant published_before_filled $cast "a letter is published before it is filled in" <<'S'
/^void tocsin__cast_send/,/^}/{/tocsin__inbox_publish/d;s/^        letter_fill/        tocsin__inbox_publish(\&place->loop->inbox, place->at);\n&/}
S
mutant not_given_back $cast "what is refused by one stays reserved in the others" <<'S'
/^static void give_back/,/^}/s/i < count/i < count * 0/
S

box=lib/core/box.c
mutant box_not_counted $box "who finds somebody writing is not counted" <<'S'
/^bool tocsin__box_put/,/^}/s/word & WRITING ? more(word, 1)/word \& WRITING ? word/
S
mutant box_two_write $box "two write at once" <<'S'
/^bool tocsin__box_put/,/^}/{s/word & WRITING ? more(word, 1) : word | WRITING/word | WRITING/;s/if (word & WRITING) {/if (0) {/}
S
mutant box_read_is_written $box "the letter that is being read is written" <<'S'
/^static unsigned idle/,/^}/s/i == newest(word) || i == reading(word)/i == newest(word)/
S
mutant box_done_without_looking $box "the node goes though something has come" <<'S'
/^bool tocsin__box_done/,/^}/s/if (word & FRESH)/if (0)/
S
mutant box_pushed_twice $box "everybody pushes the node" <<'S'
/^bool tocsin__box_put/,/^}/s/return !(word & QUEUED)/return true/
S

mutant not_polled lib/loop/engine.c "a foreign poll loop waits, and nobody has been told to wake it" <<'S'
/^void tocsin__polled_update/,/^}/{/tocsin__inbox_sleeps/d}
S
exit $missed
