/* Wait for any of a set; then the same in a foreign poll loop. */
#include <poll.h>
#include <stdio.h>
#include <tocsin.h>

int main(void)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;
    int err, left = 3;

    tocsin_timer(0, NULL, NULL);                                /* makes the loop */
    if (tocsin_queue_open("timer.*, config.changed", NULL, &queue) == -ENOENT)
        puts("config.changed: nobody declared it");
    if (tocsin_queue_open("timer.*", NULL, &queue) < 0)
        return 1;

    /* any of the set, five seconds */
    err = tocsin_queue_wait(queue, 5000, &info);
    if (err == 0)
        printf("%s\n", info->name), tocsin_info_unref(info);
    else
        printf("%s\n", tocsin_strerror(err));

    /* the same in somebody else's loop: the descriptor stands for all that tocsin has to do, timers too */
    tocsin_every(1, NULL, NULL);
    struct pollfd fds[] = { { .fd = -1, .events = POLLIN }, { .fd = tocsin_queue_fd(queue), .events = POLLIN } };
    while (left > 0 && poll(fds, 2, -1) > 0 && !fds[0].revents)
        while (left > 0 && tocsin_queue_wait(queue, 0, &info) == 0)
            printf("%s\n", info->name), tocsin_info_unref(info), left--;
    return tocsin_queue_close(queue) | (tocsin_free() != 1);    /* the repeating timer */
}
