/* The box of a coalescing signal on a loop: lib/core/box.c. Of the letters that were put in the newest is taken, with how many it stands for.
   A writer may be interrupted anywhere by a real signal handler that writes into the same box; so may the loop.

   Wanted: the counts add up to what was put in; a letter is read as one writer wrote it; no letter is older than the one before it, and none was put
   in after the last that is taken; the node is in the list once at most; and nothing waits in a box whose node is not on its way.

   Each change of the word is one step here: a compare-and-swap that is tried until it succeeds.

   Bad: TWO_LETTERS            none is kept for the one that is being read
        TWO_WRITERS            the second one does not leave it to the first
        PUSHED_WHEN_STALE      the node is pushed though the loop still has it
        DONE_UNSEEN            the loop lets the node go without looking whether there is something new
        UNLINKED_TOO_LATE      the loop lets the node go, and takes it off its list afterwards
        COUNT_KEPT             what was taken is counted again
        COUNT_FORGOTTEN        who finds a writer does not count */

/* The word. */
byte count, newest, reading;
bool writing, fresh, queued;
byte first_half[3], second_half[3];     /* of each letter: which message it is */
bool linked;                            /* the node: on the inbox's list, or on the one that the loop has taken */

/* What the model knows: the bit of a message. */
#define BIT(id) (1 << (id))
#ifdef EVERY_WAY
#define MESSAGES 4
#else
#define MESSAGES 3
#endif
byte finished, before[MESSAGES + 1];    /* which puts have returned; which had when this one began */
byte told, last;                        /* how many the letters taken stood for; the last one */
byte interrupted;
#define THREAD 1
#define LOOP 2

inline push() {
    atomic { assert(!linked); linked = true }
}

#ifdef TWO_LETTERS
#define IN_USE (at == newest)
#else
#define IN_USE (at == newest || at == reading)
#endif

#ifdef TWO_WRITERS
#define LEFT_TO_ANOTHER false
#else
#define LEFT_TO_ANOTHER writing
#endif

/* tocsin__box_put, and the push of the node where that is wanted. */
inline put(id) {
    before[id] = finished;
    if
    :: atomic { LEFT_TO_ANOTHER ->
#ifndef COUNT_FORGOTTEN
        count++;
#endif
        finished = finished | BIT(id)
        }
    :: atomic { !LEFT_TO_ANOTHER ->
        writing = true;
        do
        :: IN_USE -> at++
        :: !IN_USE -> break
        od
        }
        first_half[at] = id;
        second_half[at] = id;
        atomic {
#ifdef PUSHED_WHEN_STALE
            mine = !fresh;
#else
            mine = !queued;
#endif
            newest = at; writing = false; fresh = true; queued = true; count++;
            at = 0
        }
        if
        :: mine -> mine = false; push()
        :: else
        fi;
        finished = finished | BIT(id)
    fi
}

/* EVERY_WAY: a thread puts in a second one as well; 3 million states. */
active proctype Thread() provided (interrupted != THREAD) {
    byte at;
    bool mine;
    put(1);
#ifdef EVERY_WAY
    put(4)
#endif
}

active proctype Other() {
    byte at;
    bool mine;
    put(2)
}

/* A real signal: its thread stands still until it returns. */
active proctype Handler() {
    byte at;
    bool mine;
    if
    :: interrupted = THREAD
    :: interrupted = LOOP
    fi;
    put(3);
    interrupted = 0
}

/* The loop finds the node on its list: takes the letter, reads it, lets the node go. Once it has no memory for that, and puts the letter back:
   tocsin__receive_box, tocsin__box_take, tocsin__box_back, tocsin__box_done. */
active proctype Loop() provided (interrupted != LOOP) {
    byte stands_for, id;
    bool short_of_memory = true, again;
    do
    :: linked ->
#ifndef UNLINKED_TOO_LATE
        linked = false;
#endif
        atomic {
            assert(fresh);
            fresh = false;
            reading = newest;
            stands_for = count;
#ifndef COUNT_KEPT
            count = 0
#endif
        }
        id = first_half[reading];
        assert(second_half[reading] == id);
        if
        :: atomic {
            assert(id != last && !(before[last] & BIT(id)));
            told = told + stands_for;
            last = id
            }
        :: atomic { short_of_memory -> short_of_memory = false; count = count + stands_for; fresh = true }
        fi;
        atomic {
            stands_for = 0; id = 0;
#ifdef DONE_UNSEEN
            again = false;
#else
            again = fresh;
#endif
            if
            :: again
            :: else -> queued = false
            fi
        }
#ifdef UNLINKED_TOO_LATE
        linked = false;
#endif
        if
        :: again -> again = false; push()
        :: else
        fi
    :: told == MESSAGES && finished == (2 << MESSAGES) - 2 && !linked -> break
    od;
    assert(!fresh && !queued && !writing && !count);
    for (id : 1 .. MESSAGES) { assert(!(before[id] & BIT(last))) }
}
