/* The order of what one sender sends, by a box and by the ring: lib/core/inbox.c (hold, push_held, let_go, bound, take_list, push_next), box.c as far as it matters. Who
   finds that somebody else writes into the box leaves him his letter and goes on to the ring; nothing may be read there before that writer has told the loop of the box.

   Wanted: when a letter of the ring is read, what its sender had put into the box before has been told; and what was sent before a node is read before the node.

   Bad: NOBODY_HOLDS           the loop reads as far as the ring goes
        AFTER_WHEN_PUSHED      the box comes after what the ring has when it is pushed
        AGAIN_AFTER_ALL        the box, not empty yet, goes behind what the ring has
        LIST_BEFORE_BOUND      the list is taken first
        HALVES_AT_ONCE         the halves change places, and what was waited for counts at once
        IN_ORDER_OF_ARRIVAL    the list is not sorted */

#define SENDERS 3
#define BIT(id) (1 << (id))

byte tail, need[SENDERS + 1];           /* the ring: what is to be told before each letter; it is larger than what is sent, and each is published as it is claimed */
byte held[2], half;                     /* who holds it */

bool writing, fresh, queued;            /* the box */
byte inside, told;                      /* which puts are in it, and which have been told */

/* The list, and what the loop has taken of it: the node of the box, and another one. */
bool box_pushed, other_pushed, box_first;
byte box_after, other_after;
bool box_taken, other_taken, other_done;
byte sent;                              /* senders who are done */

inline push_box(position) {
    atomic { assert(!box_pushed && !box_taken); box_pushed = true; box_after = position; box_first = !other_pushed }
}

inline send(id) {
    atomic { mine = half; held[mine]++ }
    after = tail;
    if
    :: atomic { writing -> inside = inside | BIT(id) }
    :: atomic { !writing -> writing = true }
        atomic { pushes = !queued; queued = true; fresh = true; writing = false; inside = inside | BIT(id) }
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

/* It sends by the ring and by the list, besides. */
active proctype Third() {
    byte mine, after;
    bool pushes;
    send(SENDERS - 1);
    atomic { sent++; other_after = tail; other_pushed = true; if :: box_pushed -> box_first = true :: else -> box_first = false fi }
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
        :: other_taken && OTHER_IS_NEXT && other_after <= at -> atomic { other_taken = false; other_done = true; assert(told & BIT(2)) }
        :: !(box_taken && BOX_IS_NEXT && box_after <= at) && !(other_taken && OTHER_IS_NEXT && other_after <= at) ->
            if
            :: at < bound -> atomic { assert((need[at] & told) == need[at]); assert(!other_done || at >= other_after); at++ }
            :: else -> break
            fi
        od
    od;
    assert(!queued && !fresh && !writing && !box_pushed && !box_taken)
}
