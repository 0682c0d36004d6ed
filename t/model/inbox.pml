/* The inbox of a loop that lives: lib/core/inbox.c, lib/core/receive.c. Senders claim a cell of the ring, publish it, and wake the loop if it
   sleeps; or they push a node onto the list beside the ring. A real signal handler interrupts a sender anywhere, and sends as well.

   Wanted: what was accepted is told, once, after all that had been sent before it began; a refusal has its reason; there is one wake-up for each
   time that the loop lay down; and the loop does not sleep for ever on something: that is an invalid end state.

   Memory is that of x86: a store may wait in its thread's buffer while the thread loads on. The two stores that matter can wait here.

   Bad: WAKE_BEFORE_PUBLISH    the edge is tested, then the cell is published
        PLAIN_PUBLISH          a store instead of an exchange
        PLAIN_SLEEP            a store instead of an exchange
        NO_ROOM_ASKED          a claim does not look at head
        NO_SECOND_TAIL         a claim does not look at tail again before it is refused
        HEAD_BEFORE_TAIL       an old head and a new tail make a full ring of an empty one
        WAKE_WITHOUT_SWAP      two senders wake for one edge
        NO_SECOND_LOOK         it sleeps without looking once more
        RING_ALONE_LOOKED_AT   it looks at the ring, not at the list
        LIST_BEFORE_BOUND      a turn takes the list first, then decides how far it reads the ring
        AFTER_IGNORED          nodes are run when they are found
        AFTER_TOO_LATE         a node's place is taken when it is in the list already
        NOT_REVERSED           the newest node first */

#define CELLS 3
#define SPARE 1                         /* the last cells are for real signals */
mtype = { AWAKE, ASLEEP };

byte tail, head;                        /* positions; head: as far as the loop has shown it */
byte turn[CELLS], cell[CELLS];
byte list, next[5], after[5];           /* a node for each message */
mtype edge = AWAKE;
byte eventfd;

/* What the model knows: the bit of a message. */
#define BIT(id) (1 << (id))
#define ALL 30
byte settled;                           /* told, or refused */
byte sent, before[5];                   /* claimed or pushed; what had been when this one looked at tail */
bool idle;                              /* the loop lay down, and nobody has woken it */
byte interrupted = 3;                   /* the thread that a handler runs on */

/* Threads, and the store of each that is still on its way to the memory. An exchange and a compare-and-swap wait for it. */
#define LOOP 0
#define FIRST 1
#define SECOND 2
bool late[3];
byte late_turn[3];

active proctype Memory() {
end:
    do
    :: atomic { late[LOOP] -> edge = ASLEEP; idle = true; late[LOOP] = false }
    :: atomic { late[FIRST] -> turn[(late_turn[FIRST] - 1) % CELLS] = late_turn[FIRST]; late[FIRST] = false }
    :: atomic { late[SECOND] -> turn[(late_turn[SECOND] - 1) % CELLS] = late_turn[SECOND]; late[SECOND] = false }
    od
}

inline settle(id) {
    assert(!(settled & BIT(id)));
    settled = settled | BIT(id);
    before[id] = 0
}

inline tell(id) {
    assert(id && !(before[id] & ~settled));
    settle(id)
}

/* Only who changes the edge wakes, once: edge_test. */
inline wake(thread) {
    if
    :: edge == ASLEEP ->
#ifdef WAKE_WITHOUT_SWAP
        atomic { edge = AWAKE; assert(idle); idle = false }
        eventfd++
#else
        if
        :: atomic { !late[thread] && edge == ASLEEP -> edge = AWAKE; assert(idle); idle = false }
            eventfd++
        :: !late[thread] && edge != ASLEEP
        fi
#endif
    :: else
    fi
}

inline publish(thread) {
#ifdef PLAIN_PUBLISH
    atomic { !late[thread] -> late[thread] = true; late_turn[thread] = mine + 1 }
#else
    atomic { !late[thread] -> turn[mine % CELLS] = mine + 1 }
#endif
}

#ifdef NO_ROOM_ASKED
#define TAKEN 0
#else
#define TAKEN ((mine - shown) & 255)    /* an old tail and a new head make a huge number */
#endif
#ifdef NO_SECOND_TAIL
#define REFUSED(room) (TAKEN >= room)
#else
#define REFUSED(room) (TAKEN >= room && tail == mine)
#endif

/* A post into the ring, which has room for so many of this sender's kind: tocsin__inbox_claim, tocsin__inbox_publish. */
inline post(thread, id, room) {
    do
    ::
#ifdef HEAD_BEFORE_TAIL
        atomic { shown = head; was_full = (tail - head >= room) }
#endif
        atomic { mine = tail; before[id] = sent }
#ifndef HEAD_BEFORE_TAIL
        atomic { shown = head; was_full = (tail - head >= room) }
#endif
        if
        :: atomic { REFUSED(room) -> assert(was_full); settle(id); break }                  /* -EAGAIN */
        :: TAKEN >= room && !REFUSED(room)
        :: atomic { TAKEN < room && !late[thread] && tail == mine -> tail++; cell[mine % CELLS] = id; sent = sent | BIT(id); shown = 0 }
#ifdef WAKE_BEFORE_PUBLISH
            wake(thread);
            publish(thread);
#else
            publish(thread);
            wake(thread);
#endif
            break
        :: TAKEN < room && !late[thread] && tail != mine
        fi
    od;
    atomic { mine = 0; shown = 0; was_full = false }
}

/* A push onto the list, which is never refused: tocsin__inbox_push. */
inline push(thread, id) {
    do
    ::
        atomic { mine = list; next[id] = mine }
#ifndef AFTER_TOO_LATE
        atomic { after[id] = tail; before[id] = sent }
#endif
        if
        :: atomic { !late[thread] && list == mine -> list = id; mine = 0; sent = sent | BIT(id) }
#ifdef AFTER_TOO_LATE
            after[id] = tail;
#endif
            wake(thread);
            break
        :: !late[thread] && list != mine
        fi
    od;
    mine = 0
}

inline send(thread, id, room) {
    if
    :: post(thread, id, room)
    :: push(thread, id)
    fi
}

/* The second one of a thread, and that of another thread, are posts; and no handler runs on the loop's thread, where it would be one more sender,
   since nobody waits for the loop. EVERY_WAY is all of it: 21 million states. */
#ifdef EVERY_WAY
#define another(thread, id) send(thread, id, CELLS - SPARE)
#else
#define another(thread, id) post(thread, id, CELLS - SPARE)
#endif

active proctype First() provided (interrupted != FIRST) {
    byte mine, shown;
    bool was_full;
    send(FIRST, 1, CELLS - SPARE);
    another(FIRST, 2)
}

active proctype Second() {
    byte mine, shown;
    bool was_full;
    another(SECOND, 3)
}

/* A real signal: its thread stands still until it returns. */
active proctype Handler() {
    byte mine, shown;
    bool was_full;
    if
    :: interrupted = FIRST
#ifdef EVERY_WAY
    :: interrupted = LOOP
#endif
    fi;
    send(interrupted, 4, CELLS);
    interrupted = 3
}

/* Takes all that is in the list: oldest first, behind what was taken before and still waits. */
inline take_list() {
    d_step {
        !late[LOOP] -> node = list;
        list = 0;
#ifdef NOT_REVERSED
        oldest = node;
#else
        do
        :: node -> newer = next[node]; next[node] = oldest; oldest = node; node = newer
        :: else -> break
        od;
#endif
        node = first;
        do
        :: node && next[node] -> node = next[node]
        :: else -> break
        od;
        if
        :: node -> next[node] = oldest
        :: else -> first = oldest
        fi;
        node = 0; oldest = 0; newer = 0
    }
}

#define PUBLISHED (turn[at % CELLS] == at + 1)
#ifdef AFTER_IGNORED
#define DUE (first != 0)
#else
#define DUE (first != 0 && after[first] <= at)
#endif

/* What is there when a turn begins, the list merged into the ring: tocsin__receive. */
inline receive() {
#ifdef LIST_BEFORE_BOUND
    take_list();
    bound = tail;
#else
    bound = tail;
    take_list();
#endif
    do
    :: atomic { DUE -> tell(first); node = first; first = next[first]; next[node] = 0; after[node] = 0; node = 0; took = true }
    :: !DUE && at != bound && PUBLISHED -> atomic { tell(cell[at % CELLS]); cell[at % CELLS] = 0; at++; took = true }
    :: !DUE && (at == bound || !PUBLISHED) -> break
    od;
    atomic { head = at; bound = 0 }
}

/* Lies down, looks once more, sleeps: tocsin__inbox_sleeps, tocsin__inbox_wakes, pass in lib/loop/engine.c. */
inline sleep() {
#ifdef PLAIN_SLEEP
    atomic { !late[LOOP] -> late[LOOP] = true }
#else
    atomic { !late[LOOP] -> edge = ASLEEP; idle = true }
#endif
#ifndef NO_SECOND_LOOK
    took = PUBLISHED;
#ifndef RING_ALONE_LOOKED_AT
    took = took || list;
#endif
#endif
    if
    :: took
    :: !took && eventfd -> eventfd = 0
    :: !took && settled == ALL && !eventfd -> break
    fi;
    if
    :: edge != AWAKE -> atomic { !late[LOOP] -> edge = AWAKE; idle = false }
    :: edge == AWAKE
    fi
}

active proctype Loop() provided (interrupted != LOOP) {
    byte at, bound, first, node, newer, oldest;
    bool took;
    do
    :: atomic { took = false; eventfd = 0 }     /* a pass of libevent that does not wait */
        receive();
        if
        :: took
        :: else -> sleep()
        fi
    od
}
