/* All styles, in the order of the table. */
#ifndef STYLE_H
#define STYLE_H

/* How a style waits for a fetch. */
enum style_kind { STYLE_BLOCKS, STYLE_THREADS, STYLE_LOOPS };

struct style {
    const char *name;
    enum style_kind kind;
    int (*run)(void);
    int lines; /* the number of lines of code in its file, which the build counts */
};

enum { STYLES = 7 };
extern const struct style styles[STYLES];

#endif
