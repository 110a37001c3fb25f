/* SPDX-License-Identifier: Apache-2.0 */
/* What Intel has said about holes in the firmware. The table is knowledge of its day: see README.md. */
#ifndef AMT_ADVISORIES_H
#define AMT_ADVISORIES_H

#include <glib.h>

typedef struct {
    const char *id, *summary;
    const char *severity; /* "high" or "medium" */
    const char *fixed;    /* first version of that branch without it */
} AmtAdvisory;

/* Compares part by part, as numbers; what is missing counts as 0. Below, equal or above 0. FALSE: one is no version. */
gboolean amt_version_compare(const char *a, const char *b, gint *order);

/* Advisories that concern firmware `version` ("11.8.50.3425"), in the order of their numbers; of AmtAdvisory, which point to static
 * text. Empty if `version` is none. */
GArray *amt_advisories_for(const char *version);

#endif /* AMT_ADVISORIES_H */
