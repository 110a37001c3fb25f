/* SPDX-License-Identifier: Apache-2.0 */
/* Digest challenges: each line is one WWW-Authenticate value, answered when it can be. */
#include "config.h"

#include "digest.h"
#include "fuzz.h"

#include <string.h>

/* One header line, whatever the challenge held: a stranger must not write further lines into our
 * requests. */
static void
require_one_line(const GString *head)
{
    fuzz_demand(strlen(head->str) == head->len);
    fuzz_demand(g_str_has_prefix(head->str, "Authorization: Digest "));
    fuzz_demand(g_str_has_suffix(head->str, "\r\n"));
    fuzz_demand(strcspn(head->str, "\r\n") == head->len - 2);
}

static void
answer(DigestChallenge *challenge, DigestLogin *login)
{
    g_autoptr(GBytes) body = g_bytes_new_static("<x/>", 4);

    digest_login_start(login, challenge, "ad\"min\\", "open sesame");
    for (guint i = 1; i <= 2; i++) {
        g_autoptr(GString) head = g_string_new(NULL);

        digest_login_header(login, head, "POST", "/wsman", i == 1 ? body : NULL);
        require_one_line(head);
        fuzz_demand(login->count == i);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 16);
    DigestChallenge challenge = {0};
    DigestLogin login = {0};

    for (guint i = 0; lines[i] != NULL; i++) {
        /* as the HTTP parser hands values on: no line ends in them */
        g_strdelimit(lines[i], "\r\n", ' ');
        digest_challenge_add(&challenge, lines[i]);
        fuzz_demand(!challenge.digest || (challenge.realm != NULL && challenge.nonce != NULL));
        if (challenge.digest)
            answer(&challenge, &login);
    }
    digest_challenge_clear(&challenge);
    digest_login_clear(&login);
    return 0;
}
