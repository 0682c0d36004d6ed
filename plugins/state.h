/* Reads the state that the previous version of a plugin saved for the next one (P4,
 * <tocsin/plugin.h>). */
#ifndef PLUGINS_STATE_H
#define PLUGINS_STATE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/plugin.h>

/* Stores the state and returns true if the state has this format version and at least `least`
 * bytes. Returns false if there is no state. If the state has another format, the function reports
 * this and returns false. */
static inline bool state_take(const char *plugin, uint32_t version, size_t least,
                              struct tocsin_bytes *ret_state)
{
    int err = tocsin_state_restore(version, ret_state);

    if (err == 0 && ret_state->size >= least)
        return true;
    if (err != -ENOENT)
        fprintf(stderr,
                "tocsin: plugin %s: the previous version left its state in another format: "
                "starting without it\n",
                plugin);
    return false;
}

#endif
