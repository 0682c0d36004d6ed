/* A loop is freed while others post to it and wake it, and a later loop lives in the same memory: lib/core/inbox.c, cast.c, free_now in
   lib/loop/run.c. inbox.pml says that nothing is lost while a loop lives, so here it wakes up by itself, and the ring has room. A signal handler that
   sends is here one more sender, since nobody waits for another sender.

   Wanted: what was accepted is told, once, by the loop that it was meant for; nobody writes to a descriptor that was closed; the loop ends.

   Bad: NO_GENERATION           a claim compares the position alone
        NOT_HELD                a box is put into without a hold
        HOLDERS_NOT_AWAITED     the loop does not wait for those who hold it
        CELLS_NOT_AWAITED       nor for a cell that is claimed and not published
        ENDS_NOT_AWAITED        nor for the ends of its operations
        CLOSE_WITHOUT_WAITING   nor for those who wake it
        LEFT_ASLEEP             it can still be woken when it closes its descriptor
        WAKING_TOO_LATE         the waker is counted after it has won the edge, not before
        DESCRIPTOR_TOO_EARLY    the waker looks for the descriptor before it is counted
        LIST_OPENED_LAST        the next loop opens its tail, then its list */

#define CELLS 4
#define LIVES 2
mtype = { AWAKE, ASLEEP };

/* The memory of the loop. Tail is one word: position, CLOSED, generation. */
#define CLOSED 8
#define POSITION(word) ((word) & 7)
#define GENERATION(word) ((word) >> 4)
#define GONE(word, generation) ((word) & CLOSED || (generation != ANY && GENERATION(word) != generation))
#define ANY 0
short tail = CLOSED;
byte turn[CELLS], cell[CELLS];
byte list = 7, next[5];                 /* nodes: one for each message, and the box */
#define LIST_CLOSED 7
#define BOX 4
byte box;                               /* the messages that are in it; its node is in the list while there are any */
byte waking, descriptor;
mtype edge = AWAKE;
byte known;                             /* the generation that others know the loop by */
byte running;                           /* operations, by the messages that are their ends */
bool freeing;

/* What the model knows: the bit of a message; which are accepted and not told; of which loop they are. */
#define BIT(id) (1 << (id))
byte due, meant_for[4], sending = 2;
bool open[LIVES + 1];

/* The wake edge, after a publish and after a push: edge_test. */
inline wake() {
    if
    :: edge == ASLEEP ->
#ifdef DESCRIPTOR_TOO_EARLY
        number = descriptor;
#endif
#ifndef WAKING_TOO_LATE
        waking++;
#endif
        if
        :: atomic { edge == ASLEEP -> edge = AWAKE }
#ifdef WAKING_TOO_LATE
            waking++;
#endif
#ifndef DESCRIPTOR_TOO_EARLY
            number = descriptor;
#endif
            assert(open[number]);       /* write(2) */
            number = 0;
#ifdef WAKING_TOO_LATE
            waking--
#endif
        :: else
        fi;
#ifndef WAKING_TOO_LATE
        waking--
#endif
    :: else
    fi
}

#ifdef NO_GENERATION
#define STILL_SO (POSITION(tail) == POSITION(word) && !(tail & CLOSED))
#else
#define STILL_SO (tail == word)
#endif

/* A post into the ring: tocsin__inbox_claim, tocsin__inbox_publish. */
inline post(id) {
    do
    :: word = tail;
        if
        :: atomic { GONE(word, meant_for[id]) -> break }                    /* -ESHUTDOWN */
        :: atomic { !GONE(word, meant_for[id]) && STILL_SO -> tail = tail + 1; due = due | BIT(id); cell[POSITION(word) % CELLS] = id }
            atomic { turn[POSITION(word) % CELLS] = POSITION(word) + 1; word = 0 }
            wake();
            break
        :: atomic { !GONE(word, meant_for[id]) && !STILL_SO }
        fi
    od;
    word = 0
}

/* tocsin__inbox_push. */
inline push(node, bits) {
    do
    :: atomic {
        top = list;
        if
        :: top == LIST_CLOSED -> break
        :: else -> next[node] = top
        fi
        }
        if
        :: atomic { list == top -> list = node; due = due | bits; top = 0 }
            wake();
            break
        :: else
        fi
    od;
    top = 0
}

/* A post of a coalescing signal: tocsin__inbox_hold, tocsin__box_put, tocsin__inbox_let_go. */
inline coalesce(id) {
#ifdef NOT_HELD
    skip;
#else
    waking++;
#endif
    if
    :: GONE(tail, meant_for[id])                                            /* -ESHUTDOWN */
    :: else ->
        if
        :: atomic { box != 0 -> box = box | BIT(id); due = due | BIT(id) }
        :: atomic { box == 0 -> box = BIT(id); due = due | BIT(id) }
            push(BOX, 0)
        fi
    fi;
#ifndef NOT_HELD
    waking--
#endif
}

/* The end of an operation, which the loop started and a thread completes. It does not say which loop it means. */
inline complete(id) {
    if
    :: atomic { known && !freeing -> meant_for[id] = known; running = running | BIT(id) }
        push(id, BIT(id))
    :: atomic { known && freeing }
    fi
}

/* To the loop that is known, or to whichever lives there: a parcel is for the latter. */
inline send(id) {
    if
    :: complete(id)
    :: push(id, BIT(id))
    :: post(id)
    :: coalesce(id)
    :: atomic { known -> meant_for[id] = known }
        if
        :: post(id)
        :: coalesce(id)
        fi
    fi
}

/* The second one of a thread is a post; EVERY_WAY lets it choose as well: 10 million states. */
active proctype Thread() {
    short word;
    byte top, number;
    send(1);
#ifdef EVERY_WAY
    send(2);
#else
    post(2);
#endif
    sending--
}

active proctype Other() {
    short word;
    byte top, number;
    send(3);
    sending--
}

inline tell(bits) {
    assert((bits & due) == bits);
    due = due & ~(bits);
    running = running & ~(bits);
    for (i : 1 .. 3) {
        if
        :: bits & BIT(i) -> assert(meant_for[i] == ANY || meant_for[i] == life); meant_for[i] = ANY
        :: else
        fi
    }
    i = 0
}

/* Takes the list, and leaves this in its place. The order is inbox.pml's. */
inline run_list(left) {
    atomic { first = list; list = left };
    do
    :: first == 0 -> break
    :: first == BOX -> atomic { first = next[BOX]; next[BOX] = 0; tell(box); box = 0 }
    :: else -> atomic { tell(BIT(first)); node = first; first = next[first]; next[node] = 0; node = 0 }
    od
}

/* What is there: tocsin__receive. */
inline receive() {
    bound = POSITION(tail);
    run_list(0);
    do
    :: at != bound && turn[at % CELLS] == at + 1 -> atomic { tell(BIT(cell[at % CELLS])); cell[at % CELLS] = 0; at++ }
    :: at == bound || turn[at % CELLS] != at + 1 -> break
    od;
    bound = 0
}

/* tocsin__loop_make, engine_new. */
inline make() {
    edge = AWAKE;
#ifdef LIST_OPENED_LAST
    tail = POSITION(tail) + (life << 4);
    list = 0;
#else
    list = 0;
    tail = POSITION(tail) + (life << 4);
#endif
    atomic { known = life; freeing = false }
    atomic { descriptor = life; open[life] = true }
}

/* free_now */
inline free() {
    freeing = true;
    tail = tail | CLOSED;               /* tocsin__inbox_close */
#ifndef HOLDERS_NOT_AWAITED
    waking == 0;
#endif
    do                                  /* tocsin__receive_last */
    :: receive();
        if
#ifdef CELLS_NOT_AWAITED
        :: true -> break
#else
        :: POSITION(tail) == at && !list -> break
        :: POSITION(tail) != at || list
#endif
        fi
    od;
    do                                  /* end_all */
    :: edge = ASLEEP; edge = AWAKE; receive()
#ifdef ENDS_NOT_AWAITED
    :: true -> break
#else
    :: !running -> break
#endif
    od;
    run_list(LIST_CLOSED);              /* tocsin__receive_end */
#ifndef LEFT_ASLEEP
    edge = AWAKE;                       /* tocsin__inbox_quiet */
#endif
#ifndef CLOSE_WITHOUT_WAITING
    waking == 0;
#endif
    atomic { open[life] = false; descriptor = 0 }
}

active proctype Loop() {
    byte life = 1, at, bound, first, node, i;
    do
    :: life > LIVES -> break
    :: life <= LIVES ->
        make();
        do
        :: receive()
        :: edge = ASLEEP
        :: edge = AWAKE
        :: free(); break
        od;
        life++
    od;
    sending == 0;
    assert(!due && !box && !waking && !running)
}
