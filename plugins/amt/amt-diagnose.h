/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of amt.diagnose share. */
#ifndef AMT_DIAGNOSE_H
#define AMT_DIAGNOSE_H

#include "amt.h"

#include <postern-check.h>

/* amt-certificate.c: what `peer` (PosternHttpSvc.peer()) says of the certificate, for the machine that is called `name`
 * (NULL: not known). `trusted`: roots or a pin are configured, so that a wrong name breaks the chain. */
void amt_check_certificate(
    PosternChecks *checks, GVariant *peer, const char *name, gboolean trusted, gint64 now);

#endif /* AMT_DIAGNOSE_H */
