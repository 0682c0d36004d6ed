/* The figures in words, computed from them. What is answered is good until the next call. */
#ifndef STORY_H
#define STORY_H

#include "figures.h"

/* What the job is. */
const char *story_job(const struct options *options);

/* What its figures show: two or three sentences. */
const char *story_findings(const struct figures *figures);

/* The same beneath a picture that shows the least possible time. */
const char *story_caption(const struct figures *figures);

#endif
