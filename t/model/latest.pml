/* The latest cell of a coalescing signal on one loop: lib/registry/latest.c. The loop takes the
   newest message, and the number of messages that it stands for. A real signal handler that writes
   to the same cell may interrupt a writer, or the loop, at any step.

   Properties:
   - The counts add up to the number of messages that were stored.
   - A message that the loop reads is complete: one writer has written both halves of it.
   - No message is older than the one taken before it, and none was stored after the last one taken.
   - The node is on the list at most once.
   - No message stays in a cell whose node is neither on the list nor being run.

   Each change of the word is one step here: a compare-and-swap that is repeated until it succeeds.

   Wrong variants, which must fail:
        TWO_LETTERS            there are two messages: none is reserved for the one being read
        TWO_WRITERS            a second writer does not leave the cell to the first one
        PUSHED_WHEN_STALE      a writer pushes the node although the loop still runs it
        DONE_UNSEEN            the loop ends the node without checking for a newer message
        UNLINKED_TOO_LATE      the loop ends the node, and takes it off its list afterwards
        COUNT_KEPT             messages that were taken are counted again
        COUNT_FORGOTTEN        a second writer does not increment the count */

/* The parts of the word that the writers and the loop change. */
byte count, newest, reading;
bool writing, fresh, queued;
byte first_half[3], second_half[3];     /* the data of each message: its id, in two halves */
/* true if the node is on the inbox's list, or on the list that the loop has taken from the inbox */
bool linked;

/* Variables that only the model has, with one bit for each message. */
#define BIT(id) (1 << (id))
#ifdef EVERY_WAY
#define MESSAGES 4
#else
#define MESSAGES 3
#endif
/* finished: the puts that have returned; before: for each put, the puts in finished when it
   began */
byte finished, before[MESSAGES + 1];
/* told: the sum of the counts that were taken; last: the id of the message taken last */
byte told, last;
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

/* Stores a message, and pushes the node if that is needed: tocsin__latest_put. */
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

/* With EVERY_WAY, one thread stores a second message, which gives 3 million states. */
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

/* A real signal handler. When the handler returns, the interrupted thread continues. */
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

/* The loop runs the node: it takes the message, reads it, and ends the node. One time, the loop has
   no memory to deliver the message, and puts the message back: tocsin__receive_latest,
   tocsin__latest_take, tocsin__latest_put_back, tocsin__latest_done. */
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
        :: atomic { short_of_memory -> short_of_memory = false; count = count + stands_for;
            fresh = true }
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
