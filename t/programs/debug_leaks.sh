# TOCSIN_DEBUG=1 prints errors. It also prints which objects are left when a loop is freed, when a
# thread ends without freeing its loop, and when the program ends. Without TOCSIN_DEBUG nothing is
# printed.
failed=0

# Argument: how the program ends. The variable $said gets the output of the program. $told gets the
# messages of the library, without folders and line numbers.
run() {
    said=$(timeout 60 t/programs/debug_leaks "$1" 2>t/programs/debug.told) ||
        { echo "debug_leaks $1 ended with status $?"; failed=1; }
    told=$(sed 's/[^ ]*debug_leaks\.c:[0-9][0-9]*/debug_leaks.c:LINE/
        s/ [^ ]*debug_leaks+0x[0-9a-f]*/ debug_leaks/
        s/thread [0-9][0-9]*/thread NUMBER/' t/programs/debug.told)
    rm -f t/programs/debug.told
}

prints() {   # how it ends, expected output. Standard input: expected messages
    wanted=$(cat)
    run "$1"
    test "$said" = "$2" || { echo "debug_leaks $1 printed: $said"; failed=1; }
    test "$told" = "$wanted" ||
        { echo "debug_leaks $1, TOCSIN_DEBUG='${TOCSIN_DEBUG-}' printed: $told"; failed=1; }
}


wrong="tocsin: a handler of leak.sprung failed: Input/output error, program, debug_leaks.c:LINE
tocsin: the pending list of leak.sprung is full: 2 of 2 entries, 0 of 1048576 bytes
tocsin: tocsin_emit: -EAGAIN: 2 of 2 emissions of 'leak.sprung', 0 bytes, are pending on this loop:\
 it is blocked, at debug_leaks
tocsin: a handler of leak.sprung failed: Input/output error, program, debug_leaks.c:LINE
tocsin: a handler of leak.sprung failed: Input/output error, program, debug_leaks.c:LINE"
left="tocsin: left: operation op.done, program, debug_leaks
tocsin: left: queue of leak.*, program, debug_leaks.c:LINE
tocsin: left: source, program, debug_leaks.c:LINE
tocsin: left: block of leak.sprung, program, debug_leaks.c:LINE
tocsin: left: 1 pending emission of leak.sprung, program
tocsin: left: a name that nobody declared: leak.spring, program, debug_leaks.c:LINE
tocsin: connected: on_gone to tocsin.disconnected, 0 calls, program, debug_leaks.c:LINE
tocsin: connected: drip to leak.sprung, 3 calls, program, debug_leaks.c:LINE
tocsin: connected: handler to leak.spring, 0 calls, program, debug_leaks.c:LINE"
LC_ALL=C
export LC_ALL

TOCSIN_DEBUG=1
export TOCSIN_DEBUG
prints exit wet <<END
$wrong
$left
END
prints free wet <<END   # the block ends, and its pending emission is delivered
$wrong
$left
tocsin: a handler of leak.sprung failed: Input/output error, program, debug_leaks.c:LINE
END
prints handler "" <<END
tocsin: connected: on_gone to tocsin.disconnected, 0 calls, program, debug_leaks.c:LINE
tocsin: connected: drip to leak.sprung, 1 calls, program, debug_leaks.c:LINE
END
prints thread "" <<END
tocsin: connected: flow to leak.sprung, 0 calls, program, debug_leaks.c:LINE
END
prints left "" <<END   # the thread ends without freeing its loop
tocsin: thread NUMBER (beside) ends without tocsin_loop_free: its loop 1, the main loop, is closed
tocsin: left: operation timer.expired, program, debug_leaks
tocsin: connected: flow to leak.sprung, 0 calls, program, debug_leaks.c:LINE
END
prints tidy "" <<END
tocsin: connected: on_gone to tocsin.disconnected, 0 calls, program, debug_leaks.c:LINE
END
for wish in 0 "" 11 yes; do
    TOCSIN_DEBUG=$wish
    for how in exit free; do
        prints $how wet </dev/null
    done
    prints handler "" </dev/null
done
unset TOCSIN_DEBUG
for how in exit free; do
    prints $how wet </dev/null
done
prints thread "" </dev/null
exit $failed
