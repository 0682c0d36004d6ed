/* A loop is freed while other threads post to it and wake it. Then a later loop uses the same
   memory: lib/base/inbox.c, lib/remote/multicast.c, free_loop in lib/loop/free.c.
   inbox.pml shows that no message is lost while a loop lives. So here the loop wakes up by itself,
   and the ring always has room. A signal handler that sends counts as one more sender, since no
   sender waits for another.

   Properties:
   - A message that was accepted is delivered once, by the loop that it was sent to.
   - No thread writes to a closed descriptor.
   - The freeing of the loop ends.

   Wrong variants, which must fail:
        NO_GENERATION           a claim compares the position only
        NOT_HELD                a latest cell is written without a pin
        HOLDERS_NOT_AWAITED     the loop does not wait for the senders that have pinned the inbox
        CELLS_NOT_AWAITED       the loop does not wait for a cell that is claimed and not published
        ENDS_NOT_AWAITED        the loop does not wait for the ends of its operations
        CLOSE_WITHOUT_WAITING   the loop does not wait for the threads that wake it
        LEFT_ASLEEP             the loop can still be woken when it closes its descriptor
        WAKING_TOO_LATE         a waker is counted after it has changed the edge, not before
        DESCRIPTOR_TOO_EARLY    a waker reads the descriptor before it is counted
        LIST_OPENED_LAST        the next loop opens its tail first, then its list */

#define CELLS 4
#define LIVES 2
mtype = { AWAKE, ASLEEP };

/* The memory of the loop. The word tail has three parts: the position, the bit CLOSED, and the
   generation. */
#define CLOSED 8
#define POSITION(word) ((word) & 7)
#define GENERATION(word) ((word) >> 4)
#define GONE(word, generation) \
    ((word) & CLOSED || (generation != ANY && GENERATION(word) != generation))
#define ANY 0
short tail = CLOSED;
byte turn[CELLS], cell[CELLS];
/* the nodes: one for each message, one for the latest cell */
byte list = 7, next[5];
#define LIST_CLOSED 7
#define BOX 4
/* the messages in the latest cell; while there are any, the cell's node is on the list */
byte box;
byte waking, descriptor;
mtype edge = AWAKE;
byte known;                             /* the generation of the loop that other threads know */
/* the operations that run: one bit for each message that is the end of an operation */
byte running;
bool freeing;

/* Variables that only the model has, with one bit for each message. due: the messages that were
   accepted and not delivered yet. meant_for: the generation that each message was sent to. */
#define BIT(id) (1 << (id))
byte due, meant_for[4], sending = 2;
bool open[LIVES + 1];

/* Wakes the loop if it sleeps, after a publish and after a push: wake_if_asleep. */
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
            /* the write(2) that wakes the loop; the descriptor must be open */
            assert(open[number]);
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

/* Posts into the ring: tocsin__inbox_claim, tocsin__inbox_publish. */
inline post(id) {
    do
    :: word = tail;
        if
        /* the claim returns -ESHUTDOWN */
        :: atomic { GONE(word, meant_for[id]) -> break }
        :: atomic { !GONE(word, meant_for[id]) && STILL_SO -> tail = tail + 1;
            due = due | BIT(id); cell[POSITION(word) % CELLS] = id }
            atomic { turn[POSITION(word) % CELLS] = POSITION(word) + 1; word = 0 }
            wake();
            break
        :: atomic { !GONE(word, meant_for[id]) && !STILL_SO }
        fi
    od;
    word = 0
}

/* Pushes a node onto the list: tocsin__inbox_push. */
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

/* Posts a coalescing signal: tocsin__inbox_pin, tocsin__latest_put, tocsin__inbox_unpin. */
inline coalesce(id) {
#ifdef NOT_HELD
    skip;
#else
    waking++;
#endif
    if
    /* the pin returns -ESHUTDOWN */
    :: GONE(tail, meant_for[id])
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

/* Completes an operation that the loop started; another thread does this. The end of the operation
   is pushed without a generation. */
inline complete(id) {
    if
    :: atomic { known && !freeing -> meant_for[id] = known; running = running | BIT(id) }
        push(id, BIT(id))
    :: atomic { known && freeing }
    fi
}

/* Sends to the loop with the known generation. A completion message is sent to any loop in this
   memory. */
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

/* The second message of a thread is always a post. With EVERY_WAY it can be any kind of message,
   which gives 10 million states. */
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

/* Takes the list and runs its nodes. The list then has the value `left`. inbox.pml checks the order
   of the nodes. */
inline run_list(left) {
    atomic { first = list; list = left };
    do
    :: first == 0 -> break
    :: first == BOX -> atomic { first = next[BOX]; next[BOX] = 0; tell(box); box = 0 }
    :: else -> atomic { tell(BIT(first)); node = first; first = next[first]; next[node] = 0;
        node = 0 }
    od
}

/* Delivers the messages and nodes that are in the inbox: tocsin__receive. */
inline receive() {
    bound = POSITION(tail);
    run_list(0);
    do
    :: at != bound && turn[at % CELLS] == at + 1 -> atomic { tell(BIT(cell[at % CELLS]));
        cell[at % CELLS] = 0; at++ }
    :: at == bound || turn[at % CELLS] != at + 1 -> break
    od;
    bound = 0
}

/* Makes the next loop in this memory: tocsin__loop_make, engine_new. */
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

/* Frees the loop: free_loop */
inline free() {
    freeing = true;
    tail = tail | CLOSED;               /* this step is tocsin__inbox_close */
#ifndef HOLDERS_NOT_AWAITED
    waking == 0;
#endif
    do                                  /* this step is tocsin__receive_last */
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
    do                                  /* this step is free_end_operations */
    :: edge = ASLEEP; edge = AWAKE; receive()
#ifdef ENDS_NOT_AWAITED
    :: true -> break
#else
    :: !running -> break
#endif
    od;
    run_list(LIST_CLOSED);              /* this step is tocsin__receive_end */
#ifndef LEFT_ASLEEP
    edge = AWAKE;                       /* this step is tocsin__inbox_await_wakers */
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
