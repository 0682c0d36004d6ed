/* Writes sentences about the figures. A returned text is valid until the next call. */
#ifndef STORY_H
#define STORY_H

#include "figures.h"

/* Returns sentences that describe the job. */
const char *story_job(const struct options *options);

/* Returns two or three sentences that describe the figures. */
const char *story_findings(const struct figures *figures);

/* Returns sentences for a picture that also shows the least possible time. */
const char *story_caption(const struct figures *figures);

#endif
