/* Makes sentences about the figures. A returned text is valid until the next call. */
#ifndef STORY_H
#define STORY_H

#include "figures.h"

/* Describes the job. */
const char *story_job(const struct options *options);

/* Describes the figures in two or three sentences. */
const char *story_findings(const struct figures *figures);

/* Describes the figures for a picture that also shows the least possible time. */
const char *story_caption(const struct figures *figures);

#endif
