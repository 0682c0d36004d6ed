# TOCSIN_DEBUG=1 prints the cause of a mistake. The cause is the most similar name, both layouts,
# the signo, the kind of the id, the full inbox, or the operation that still runs and the place that
# started it.
out=$(mktemp ./debug_causes.XXXXXX) || exit 2
trap 'rm -f "$out" "$out".wanted' EXIT
TOCSIN_DEBUG=1 timeout 60 t/programs/debug_causes 2>&1 |
    sed 's/[^ (]*debug_causes\.c:[0-9]*/FILE/g; s/[^ ]*debug_causes+0x[0-9a-f]*/CODE/g; s/ at 0x[0-9a-f]*/ at CODE/; s/(thread [0-9]*/(thread N/g; s/\(id \)0x[0-9a-f]*/\1ID/g; s/here, [^ ]*,/here, FOLDER,/; s/numbers are 1 to [0-9]*/numbers are 1 to N/; s/[0-9][0-9]* of [0-9]* bytes/N bytes/g; s/[0-9][0-9]* bytes/N bytes/g' >"$out"
cat >"$out".wanted <<'END'
tocsin: tocsin_on: -ENOENT: nobody declared 'chat.siad'; did you mean 'chat.said'?, at FILE
tocsin: tocsin_connect: -ENOENT: nobody declared 'chat.sayed'; did you mean 'chat.said'?, at FILE
tocsin: tocsin_on: -ENOENT: nobody declared 'nothing.that.is.alike', and no declared name is similar, at FILE
tocsin: tocsin_find: -ENOENT: nobody declared 'caht.said'; did you mean 'chat.said'?, at CODE
tocsin: tocsin_declare: -EEXIST: 'chat.said' is declared with the layout "string name;u64 user;" already, not with "u64 user;", at CODE
tocsin: tocsin_declare: -EEXIST: 'chat.may' is declared already, with another kind, default action, rank, limit or flag, at CODE
tocsin: tocsin_on: -EINVAL: 'timer..ticked' is malformed: a name has segments of A-Z a-z 0-9 _ - and single dots between them, at FILE
tocsin: tocsin_on: -EINVAL: 'timer.tick*' is malformed: * matches one whole segment, ** one or more segments at the end, at FILE
tocsin: tocsin_on: -EINVAL: '!chat.said' matches nothing: write a pattern in front of the one that '!' excludes, at FILE
tocsin: tocsin_on: -EINVAL: the pattern is NULL, at FILE
tocsin: tocsin_on: -EINVAL: the handler's function is NULL, at FILE
tocsin: tocsin_connect: -EINVAL: the action's priority is 40000: it is from -32768 to 32767, at FILE
tocsin: tocsin_block: -ENOENT: nobody declared 'chat.siad'; did you mean 'chat.said'?, at FILE
tocsin: tocsin_block: -EINVAL: ret_block is NULL, at FILE
tocsin: tocsin_ignore: -ENOENT: nobody declared 'chat.siad'; did you mean 'chat.said'?, at CODE
tocsin: tocsin_ignore: -EINVAL: '!chat.said' matches nothing: write a pattern in front of the one that '!' excludes, at CODE
tocsin: tocsin_ignore: -EINVAL: 'chat.may' is a question, which is asked at once: it cannot be blocked, ignored or queued, at CODE
tocsin: tocsin_queue_open: -EINVAL: 'chat.may' is a question, which is asked at once: it cannot be blocked, ignored or queued, at FILE
tocsin: tocsin_pending_count: -EINVAL: 'a..b' is malformed: a name has segments of A-Z a-z 0-9 _ - and single dots between them, at CODE
tocsin: tocsin_match: -EINVAL: the name 'chat..said' is malformed, at CODE
tocsin: tocsin_timer: -EINVAL: the notify's function is NULL, at CODE
tocsin: tocsin_on: -ENOENT: nobody declared 'os.SIGHUP'; did you mean 'os.sighup'?, at FILE
tocsin: tocsin_on: -ENOENT: nobody declared 'os.sighub'; did you mean 'os.sighup'?, at FILE
tocsin: tocsin_on: -ENOENT: nobody declared 'sigterm'; did you mean 'os.sigterm'?, at FILE
tocsin: tocsin_on: -EINVAL: 'os.sigkill' cannot be handled: the kernel does not allow it, or it is a fault that cannot wait, at FILE
tocsin: tocsin_on: -EBUSY: the program has a handler for 'os.sigusr1' that is not tocsin's: TOCSIN_REPLACE takes its place, at FILE
tocsin: tocsin_declare: -EINVAL: spec is NULL, at CODE
tocsin: tocsin_declare: -EINVAL: the signal has no name, at CODE
tocsin: tocsin_declare: -EINVAL: 'chat said' is malformed: a name has segments of A-Z a-z 0-9 _ - and single dots between them, N bytes at most, at CODE
tocsin: tocsin_declare: -EINVAL: the flags of 'chat.flag' are 0x8: the only flag is TOCSIN_ASYNC, at CODE
tocsin: tocsin_declare: -EINVAL: the layout of 'chat.odd' is malformed, or its size is not that of its fields: make it with TOCSIN_LAYOUT, at CODE
tocsin: tocsin_declare: -EINVAL: 'chat.async' is TOCSIN_ASYNC: its layout "string name;u64 user;" is too large, or has text, bytes, a descriptor, an object or a pointer, at CODE
tocsin: tocsin_plugin_load: -ENOENT: cannot find nothing.so in /nothing/here, FOLDER, at CODE
tocsin: tocsin_plugin_load: -ENOEXEC: /etc/passwd: not an ELF file, at CODE
tocsin: tocsin_plugin_unload: -ENOENT: nothing: no plugin of this name is loaded, at CODE
tocsin: tocsin_plugin_reload: -ENOENT: nothing: no plugin of this name is loaded, at CODE
tocsin: tocsin_emit: -EPROTO: 'chat.said' is declared with the layout "string name;u64 user;", the payload has "u64 user;", at CODE
tocsin: tocsin_post: -EPROTO: 'chat.said' is declared with the layout "string name;u64 user;", the payload has "u64 user;", at CODE
tocsin: tocsin_emit: -EPROTO: 'chat.said' is declared with the layout "string name;u64 user;", the payload has "none", at CODE
tocsin: tocsin_emit: -EINVAL: 'chat.may' is a question: call tocsin_ask, at CODE
tocsin: tocsin_emit: -EINVAL: no signal has the number 4000: valid numbers are 1 to N, at CODE
tocsin: tocsin_post: -EINVAL: -12 is an error (Cannot allocate memory), not a signo: the declaration of the signal failed, at CODE
tocsin: tocsin_ask: -EINVAL: 'chat.said' is not a question: emit or post it, at CODE
tocsin: tocsin_disconnect: -ENOENT: the id ID is stale: its handler has ended, at CODE
tocsin: tocsin_timer: -EINVAL: delay_ms is negative or over 10^12, at CODE
tocsin: tocsin_cancel: -EINVAL: the id carries the error of the call that should have made it: Invalid argument, at CODE
tocsin: tocsin_cancel: -ENOENT: the id is zero: it was never set, or has been cleared, at CODE
tocsin: tocsin_cancel: -ENOENT: the id ID is of another kind: handler, not operation or source, at CODE
tocsin: tocsin_cancel: -ENOENT: the id ID is stale: its operation or source has ended, at CODE
tocsin: tocsin_cancel: -EXDEV: it belongs to loop 2 (thread N), and this thread has another one, at CODE
tocsin: tocsin_post_to: -EAGAIN: the inbox of loop 2 (thread N) is full: its thread runs no turns, or too few, at CODE
tocsin: tocsin_cancel: -ENOENT: the id ID is stale: its operation or source has ended, at CODE
tocsin: the pending list of chat.said is full: 2 of 2 entries, N bytes
tocsin: tocsin_emit: -EAGAIN: 2 of 2 emissions of 'chat.said', N bytes, are pending on this loop: it is blocked, at CODE
tocsin: a queue of timer.expired is full: 1 of 1 entries, N bytes
tocsin: tocsin_timer: -EAGAIN: the queue opened at FILE has no room for 'timer.expired': it holds 1 of 1 entries, N bytes, at CODE
tocsin: tocsin_run: -EDEADLK: a handler of 'chat.run' is on the stack (FILE), at CODE
tocsin: drain timed out, still running: operation timer.expired, program, started at CODE
tocsin: drain timed out, still running: operation op.done, program, started at CODE
tocsin: drain timed out, still running: operation timer.expired, program, started at CODE
END
grep -v ': connected: \|: left: ' "$out" | diff "$out".wanted -
