/* Blocks a signal while the configuration changes. Emissions of the signal are delivered after
   the change, and none is lost. */
#include <stdio.h>
#include <tocsin.h>

struct config {
    int workers;
};
static struct config live = { 1 };
static int changed;

static int config_swap(const struct config *fresh)
{
    struct tocsin_block hold;
    int err = tocsin_block("config.*", &hold);

    if (err < 0)
        return err;
    /* This code may take its time, emit or wait. No handler sees a half-changed configuration. */
    live = *fresh;
    printf("emitted meanwhile: %s\n",
           tocsin_emit(changed, NULL) == TOCSIN_PENDED ? "pended" : "delivered");
    return tocsin_unblock(hold); /* emissions that were blocked are delivered before this returns */
}

static int on_changed(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    printf("%s: %d workers\n", info->name, live.workers);
    return TOCSIN_NEXT;
}

int main(void)
{
    changed = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "config.changed", .doc = "The configuration is another one." });
    return tocsin_on("config.changed", on_changed, NULL) < 0 || tocsin_emit(changed, NULL) < 0 ||
           config_swap(&(struct config){ 8 }) < 0 || tocsin_loop_free() != 0;
}
