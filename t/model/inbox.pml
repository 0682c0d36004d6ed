/* The inbox of a living loop: lib/base/inbox.c, lib/remote/receive.c. A sender claims a cell of the
   ring, publishes it, and wakes the loop if it sleeps; or it pushes a node on the list beside the
   ring. A real signal handler can interrupt a sender at any step, and sends, too.

   Properties:
   - A message that was accepted is delivered once, after all messages that had been accepted before
     its sending began.
   - A message is refused only if the ring was full.
   - The loop is woken at most once each time that it announces to sleep.
   - The loop does not sleep for ever while there is a message: that is an invalid end state.

   The memory model is that of x86: a store may stay in its thread's buffer while the thread already
   executes later loads. Only the two stores that matter are buffered here.

   Wrong variants, which must fail:
        WAKE_BEFORE_PUBLISH    the sender tests the edge, then publishes the cell
        PLAIN_PUBLISH          the cell is published by a store instead of an exchange
        PLAIN_SLEEP            the edge is set by a store instead of an exchange
        NO_ROOM_ASKED          a claim does not compare with head
        NO_SECOND_TAIL         a claim does not read tail again before it is refused
        HEAD_BEFORE_TAIL       an old head and a new tail make an empty ring look full
        WAKE_WITHOUT_SWAP      two senders wake the loop for one edge
        NO_SECOND_LOOK         the loop sleeps without looking a second time
        RING_ALONE_LOOKED_AT   the second look checks the ring only, not the list
        LIST_BEFORE_BOUND      a turn takes the list before it decides how far it reads the ring
        AFTER_IGNORED          nodes run as soon as they are found
        AFTER_TOO_LATE         a node's position is read when the node is already on the list
        NOT_REVERSED           the newest node runs first */

#define CELLS 3
/* the last cells of the ring are reserved for real signals */
#define SPARE 1
mtype = { AWAKE, ASLEEP };

/* positions in the ring; head is the position that the loop has published */
byte tail, head;
byte turn[CELLS], cell[CELLS];
byte list, next[5], after[5];           /* one node for each message */
mtype edge = AWAKE;
byte eventfd;

/* Variables that only the model has, with one bit for each message. */
#define BIT(id) (1 << (id))
#define ALL 30
byte settled;                           /* the messages that were delivered or refused */
/* sent: the messages that were claimed or pushed; before: those in sent when a sender read tail */
byte sent, before[5];
/* true if the loop has announced to sleep, and was not woken since then */
bool idle;
byte interrupted = 3;                   /* the thread that the handler interrupts */

/* The threads. For each thread, the model knows whether a store is still in its buffer. An exchange
   or a compare-and-swap waits until the buffer is empty. */
#define LOOP 0
#define FIRST 1
#define SECOND 2
bool late[3];
byte late_turn[3];

active proctype Memory() {
end:
    do
    :: atomic { late[LOOP] -> edge = ASLEEP; idle = true; late[LOOP] = false }
    :: atomic { late[FIRST] -> turn[(late_turn[FIRST] - 1) % CELLS] = late_turn[FIRST];
        late[FIRST] = false }
    :: atomic { late[SECOND] -> turn[(late_turn[SECOND] - 1) % CELLS] = late_turn[SECOND];
        late[SECOND] = false }
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

/* Wakes the loop. Only the sender that changes the edge does so: wake_if_asleep. */
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
#define TAKEN ((mine - shown) & 255)    /* the difference is huge if tail is old and head is new */
#endif
#ifdef NO_SECOND_TAIL
#define REFUSED(room) (TAKEN >= room)
#else
#define REFUSED(room) (TAKEN >= room && tail == mine)
#endif

/* Posts into the ring: tocsin__inbox_claim, tocsin__inbox_publish. The parameter room is the number
   of cells that this kind of sender may fill. */
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
        /* the claim returns -EAGAIN */
        :: atomic { REFUSED(room) -> assert(was_full); settle(id); break }
        :: TAKEN >= room && !REFUSED(room)
        :: atomic { TAKEN < room && !late[thread] && tail == mine -> tail++;
            cell[mine % CELLS] = id; sent = sent | BIT(id); shown = 0 }
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

/* Pushes a node onto the list: tocsin__inbox_push. A push is never refused. */
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

/* The second message of a thread, and the message of the second thread, are always posts. No
   handler interrupts the loop's thread: such a handler would be only one more sender, since no
   sender waits for the loop. With EVERY_WAY these limits do not hold, which gives 21 million
   states. */
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

/* A real signal handler. When the handler returns, the interrupted thread continues. */
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

/* Takes all nodes of the list, the oldest first, and appends them to the nodes that still wait. */
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

/* Runs the messages and nodes that are in the inbox when a turn begins. Ring and list are merged:
   tocsin__receive. */
inline receive() {
#ifdef LIST_BEFORE_BOUND
    take_list();
    bound = tail;
#else
    bound = tail;
    take_list();
#endif
    do
    :: atomic { DUE -> tell(first); node = first; first = next[first]; next[node] = 0;
        after[node] = 0; node = 0; took = true }
    :: !DUE && at != bound && PUBLISHED -> atomic { tell(cell[at % CELLS]); cell[at % CELLS] = 0;
        at++; took = true }
    :: !DUE && (at == bound || !PUBLISHED) -> break
    od;
    atomic { head = at; bound = 0 }
}

/* The loop announces to sleep, looks a second time, and sleeps: tocsin__inbox_try_sleep,
   tocsin__inbox_set_awake, turn_pass in lib/loop/turn.c. */
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
    /* a pass of libevent that does not wait for events */
    :: atomic { took = false; eventfd = 0 }
        receive();
        if
        :: took
        :: else -> sleep()
        fi
    od
}
