/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * profile-file.h - credential profiles as a file that travels, each login sealed under a passphrase.
 *
 *     {"format": "postern-profiles-1", "salt": "32 hex digits", "cost": 15, "logins":
 *       [{"profile": "lab", "type": "amt.digest", "default": true, "sealed": "base64"}]}
 *
 * The key is scrypt (r 8, p 1, N two to the power of "cost") of the passphrase; what is sealed is as in the store. The
 * file is foreign bytes: at most 1 MiB and 1,000 logins.
 */
#include "profile.h"

/* Write all profiles to `path` (mode 0600), which must not be there. */
gboolean profile_file_write(Store *store,
                            const Vault *vault,
                            Registry *registry,
                            const Secret *passphrase,
                            const char *path,
                            guint *count,
                            GError **error);

/* Take all logins of `text` in, in the caller's transaction; CONFLICT when one is there already. `what` names the file. */
gboolean profile_file_read(Store *store,
                           const Vault *vault,
                           Registry *registry,
                           const Secret *passphrase,
                           const char *text,
                           gsize length,
                           const char *what,
                           guint *count,
                           GError **error);
