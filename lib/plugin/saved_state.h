/* The state that one version of a plugin saves for the next one when it is reloaded. */
#ifndef TOCSIN_PLUGIN_SAVED_STATE_H
#define TOCSIN_PLUGIN_SAVED_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__saved_state {
    bool exists;
    uint32_t version;
    void *data;
    size_t size;
};

void tocsin__saved_state_free(struct tocsin__saved_state *state);

#endif
