/* demos/styles: the same job in seven styles. What a newcomer reads is ../job.h and the seven files beside it, named after the styles;
   the stage they stand on is here. */
#include <locale.h>

#include "options.h"
#include "perform.h"
#include "probe.h"
#include "stage.h"

int main(int argc, char **argv)
{
    struct options options;

    setlocale(LC_CTYPE, "");
    options_read(argc, argv, &options);
    if (options.perform)
        return perform_here(&options);
    if (options.probe)
        return probe(&options);
    return stage_run(&options, argv);
}
