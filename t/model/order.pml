/* The order of the messages that one sender sends through a latest cell and through the ring:
   lib/base/inbox.c (pin, push_pinned, unpin, bound, take_list, push_next), and as much of
   lib/registry/latest.c as matters here. A sender that finds another one writing to the cell leaves
   its message to that writer, and may then post to the ring. The loop must not read that post
   before the writer has pushed the cell's node.

   Properties:
   - When the loop reads a message of the ring, it has delivered everything that the same sender had
     put into the cell before.
   - What was sent before a node was pushed is read before the node.

   Wrong variants, which must fail:
        NOBODY_HOLDS           the loop ignores pins: it reads the ring up to its tail
        AFTER_WHEN_PUSHED      the node gets the position at its push, not at the pin
        AGAIN_AFTER_ALL        a cell that is not empty yet goes behind everything in the ring
        LIST_BEFORE_BOUND      the loop takes the list before it computes the bound
        HALVES_AT_ONCE         an epoch's end makes the ring readable up to the current tail
        IN_ORDER_OF_ARRIVAL    the loop does not sort the list */

#define SENDERS 3
#define BIT(id) (1 << (id))

/* The ring. For each message it has the puts that must be delivered before the message. The ring is
   never full, and each message is published in the step that claims it. */
byte tail, need[SENDERS + 1];
byte held[2], half;                     /* held: the pins in each epoch; half: the current epoch */

bool writing, fresh, queued;            /* the state of the cell */
/* inside: the puts whose message is in the cell; told: the puts that were delivered */
byte inside, told;

/* The list, and the part that the loop has taken from the list: the node of the cell, and another
   node. */
bool box_pushed, other_pushed, box_first;
byte box_after, other_after;
bool box_taken, other_taken, other_done;
byte sent;                              /* the number of senders that have finished */

inline push_box(position) {
    atomic { assert(!box_pushed && !box_taken); box_pushed = true; box_after = position;
        box_first = !other_pushed }
}

inline send(id) {
    atomic { mine = half; held[mine]++ }
    after = tail;
    if
    :: atomic { writing -> inside = inside | BIT(id) }
    :: atomic { !writing -> writing = true }
        atomic { pushes = !queued; queued = true; fresh = true; writing = false;
            inside = inside | BIT(id) }
        if
        :: atomic { pushes -> pushes = false;
#ifdef AFTER_WHEN_PUSHED
            after = tail;
#endif
            push_box(after) }
        :: else
        fi
    fi;
    atomic { held[mine]--; mine = 0; after = 0 }
    atomic { need[tail] = BIT(id); tail++ }
}

active [2] proctype Sender() {
    byte mine, after;
    bool pushes;
    send(_pid);
    sent++
}

/* This sender also pushes a node on the list. */
active proctype Third() {
    byte mine, after;
    bool pushes;
    send(SENDERS - 1);
    atomic { sent++; other_after = tail; other_pushed = true; if :: box_pushed ->
        box_first = true :: else -> box_first = false fi }
}

inline bound_ahead() {
    limit = tail;
    atomic {
#ifdef NOBODY_HOLDS
        bound = limit
#else
        if
        :: held[0] + held[1] == 0 -> bound = limit; turned = limit
        :: held[half] && held[1 - half] == 0 ->
#ifdef HALVES_AT_ONCE
            turned = limit;
#endif
            bound = turned;
            turned = limit;
            flips = true
        :: else
        fi
#endif
    }
    atomic { limit = 0; if :: flips -> half = 1 - half; flips = false :: else fi }
}

inline take_list() {
    atomic {
        if
        :: box_pushed && other_taken -> first = false
        :: box_pushed && other_pushed -> first = box_first
        :: box_pushed && !other_pushed && !other_taken -> first = true
        :: other_pushed && box_taken -> first = true
        :: else
        fi;
        if :: box_pushed -> box_taken = true; box_pushed = false :: else fi;
        if :: other_pushed -> other_taken = true; other_pushed = false :: else fi
    }
}

#ifdef IN_ORDER_OF_ARRIVAL
#define BOX_IS_NEXT (!other_taken || first)
#define OTHER_IS_NEXT (!box_taken || !first)
#else
#define BOX_IS_NEXT (!other_taken || box_after <= other_after)
#define OTHER_IS_NEXT (!box_taken || other_after < box_after)
#endif

inline read_box() {
    atomic { box_taken = false; assert(fresh); fresh = false; told = told | inside; inside = 0 }
    atomic {
        again = fresh;
        if
        :: again
        :: else -> queued = false
        fi
    }
    if
    :: again ->
#ifdef AGAIN_AFTER_ALL
        push_box(tail);
#else
        push_box(at);
#endif
        again = false
    :: else
    fi
}

active proctype Loop() {
    byte at, bound, turned, limit;
    bool first = true, again, flips;
    do
    :: sent == SENDERS && at == tail && told == BIT(SENDERS) - 1 && other_done -> break
    :: else ->
#ifdef LIST_BEFORE_BOUND
        take_list();
        bound_ahead();
#else
        bound_ahead();
        take_list();
#endif
        do
        :: box_taken && BOX_IS_NEXT && box_after <= at -> read_box()
        :: other_taken && OTHER_IS_NEXT && other_after <= at -> atomic { other_taken = false;
            other_done = true; assert(told & BIT(2)) }
        :: !(box_taken && BOX_IS_NEXT && box_after <= at) && !(other_taken && OTHER_IS_NEXT &&
            other_after <= at) ->
            if
            :: at < bound -> atomic { assert((need[at] & told) == need[at]);
                assert(!other_done || at >= other_after); at++ }
            :: else -> break
            fi
        od
    od;
    assert(!queued && !fresh && !writing && !box_pushed && !box_taken)
}
