# TOCSIN_DEBUG=1: what goes wrong is printed, and what is left when a loop is freed, or when the program ends. Nothing without it.
failed=0

run() {   # how it ends; into $said what it prints, into $told what the library says of it, without the folder and the lines of the source
    said=$(timeout 60 t/programs/leaky "$1" 2>t/programs/debug.told) || { echo "leaky $1 ended with status $?"; failed=1; }
    told=$(sed 's/[^ ]*leaky\.c:[0-9][0-9]*/leaky.c:LINE/' t/programs/debug.told)
    rm -f t/programs/debug.told
}

prints() {   # how it ends, what it prints itself; what is told is on the standard input
    wanted=$(cat)
    run "$1"
    test "$said" = "$2" || { echo "leaky $1 said: $said"; failed=1; }
    test "$told" = "$wanted" || { echo "leaky $1, TOCSIN_DEBUG='${TOCSIN_DEBUG-}' told: $told"; failed=1; }
}

wrong="tocsin: a handler of leak.sprung failed: Input/output error, program, leaky.c:LINE
tocsin: what is pended of leak.sprung is full: 2 of 2 entries, 0 of 1048576 bytes
tocsin: a handler of leak.sprung failed: Input/output error, program, leaky.c:LINE
tocsin: a handler of leak.sprung failed: Input/output error, program, leaky.c:LINE"
left="tocsin: left: operation op.done, program
tocsin: left: queue of leak.*, program, leaky.c:LINE
tocsin: left: source, program, leaky.c:LINE
tocsin: left: block of leak.sprung, program, leaky.c:LINE
tocsin: left: 1 pended of leak.sprung, program
tocsin: left: a name that nobody declared: leak.spring, program, leaky.c:LINE
tocsin: connected: on_gone to tocsin.disconnected, 0 calls, program, leaky.c:LINE
tocsin: connected: drip to leak.sprung, 3 calls, program, leaky.c:LINE
tocsin: connected: &action to leak.spring, 0 calls, program, leaky.c:LINE"
LC_ALL=C
export LC_ALL

TOCSIN_DEBUG=1
export TOCSIN_DEBUG
prints exit wet <<END
$wrong
$left
END
prints free wet <<END                       # the block goes, and what it held back is delivered
$wrong
$left
tocsin: a handler of leak.sprung failed: Input/output error, program, leaky.c:LINE
END
prints handler "" <<END
tocsin: connected: on_gone to tocsin.disconnected, 0 calls, program, leaky.c:LINE
tocsin: connected: drip to leak.sprung, 1 calls, program, leaky.c:LINE
END
prints thread "" <<END
tocsin: connected: flow to leak.sprung, 0 calls, program, leaky.c:LINE
END
prints tidy "" <<END
tocsin: connected: on_gone to tocsin.disconnected, 0 calls, program, leaky.c:LINE
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
