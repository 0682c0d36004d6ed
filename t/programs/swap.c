/* Blocks a signal while the configuration changes. Emissions of the signal are delivered after the
   change, and no emission is lost. */
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
    /* This code may run for a long time, may emit, and may wait. No handler sees a configuration
       that is only partly changed. */
    live = *fresh;
    printf("emitted meanwhile: %s\n",
           tocsin_emit(changed, NULL) == TOCSIN_PENDED ? "pended" : "delivered");
    /* before it returns, tocsin_unblock() delivers the emissions that were blocked */
    return tocsin_unblock(hold);
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
