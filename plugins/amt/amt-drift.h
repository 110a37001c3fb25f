/* SPDX-License-Identifier: Apache-2.0 */
/* amt-drift.h - which accounts there should be: from parameters, or from a file. */
#ifndef AMT_DRIFT_H
#define AMT_DRIFT_H

#include "amt-account.h"

/* How accounts are wanted, of AmtAccount (no handles), each name once. From aa{sv} with "name" s, "realms" as, "access" s,
 * "enabled" b; or from text with a line for each: NAME REALM[,REALM...] [access=local|network|any] [enabled=yes|no], where
 * what is behind # and empty lines mean nothing. NULL with BAD_PARAM. */
GPtrArray *amt_wanted_of_values(GVariant *accounts, GError **error);
GPtrArray *amt_wanted_of_text(const char *text, GError **error);

#endif /* AMT_DRIFT_H */
