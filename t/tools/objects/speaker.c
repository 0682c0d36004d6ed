/* A plugin that prints a line when its init runs, with its settings and its loop, and a line
   when its fini runs. */
#include <stdio.h>

#include <tocsin/plugin.h>

#define SPEAKER_SPOKE(F) F(string, word) F(bool, main)
TOCSIN_LAYOUT(speaker_spoke, SPEAKER_SPOKE);

#ifndef SPEAKER
#define SPEAKER "1.0"
#endif

TOCSIN_PLUGIN("speaker", SPEAKER,
              "Says what it does." TOCSIN_LICENCE("MIT")
                  TOCSIN_EMITS("speaker.spoke", SPEAKER_SPOKE));

int tocsin_plugin_init(void)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "speaker.spoke", .doc = "It said \"a word\".", .layout = &speaker_spoke_layout });

    printf("speaker %s: %s\n", SPEAKER, tocsin_setting("word", "nothing"));
    if (signo < 0)
        return signo;
    return tocsin_emit(signo,
                       TOCSIN_PAYLOAD(speaker_spoke, .word = tocsin_setting("word", "nothing"),
                                      .main = tocsin_loop_current().id == tocsin_loop_main().id));
}

void tocsin_plugin_fini(void)
{
    printf("speaker %s ends\n", SPEAKER);
}
