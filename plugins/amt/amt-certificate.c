/* SPDX-License-Identifier: Apache-2.0 */
/* amt.diagnose: is the certificate one that should be there? */
#include "amt-diagnose.h"

#include <string.h>

#define RSA_LEAST 2048u
#define EC_LEAST  224u
#define STAGE     "certificate"

/* "*.example.org" covers one label. */
static gboolean
covers(const char *pattern, const char *name)
{
    const char *dot = strchr(name, '.');

    if (g_str_has_prefix(pattern, "*."))
        return dot != NULL && dot != name && g_ascii_strcasecmp(pattern + 1, dot) == 0;
    return g_ascii_strcasecmp(pattern, name) == 0;
}

static gboolean
is_for(char **names, const char *name)
{
    for (guint i = 0; names != NULL && names[i] != NULL; i++)
        if (covers(names[i], name))
            return TRUE;
    return FALSE;
}

static gboolean
is_self_signed(GVariant *peer)
{
    return g_strcmp0(params_string(peer, "certificate-subject"),
                     params_string(peer, "certificate-issuer")) == 0;
}

/* A certificate that the device made for itself says nothing by its name, unless somebody relies on it. */
static gboolean
check_name(PosternChecks *checks, GVariant *peer, const char *name, gboolean trusted)
{
    g_auto(GStrv) names = params_strv(peer, "certificate-names");
    g_autofree char *found = NULL;

    if (name == NULL || is_for(names, name) || (is_self_signed(peer) && !trusted))
        return TRUE;
    found = names != NULL ? g_strjoinv(", ", names) : g_strdup("no name");
    checks_add(checks,
               STAGE,
               trusted ? "failed" : "note",
               "certificate-name",
               found,
               name,
               "put a certificate with the machine's FQDN into the device, or call the machine by "
               "the name that the "
               "certificate has");
    return FALSE;
}

/* `when` as RFC 3339, or NULL. */
static gint64
seconds_of(const char *when)
{
    g_autoptr(GDateTime) time = when != NULL ? g_date_time_new_from_iso8601(when, NULL) : NULL;

    return time != NULL ? g_date_time_to_unix(time) : 0;
}

static gboolean
check_dates(PosternChecks *checks, GVariant *peer, gint64 now)
{
    const char *begins = params_string(peer, "certificate-not-before");
    const char *ends = params_string(peer, "certificate-not-after");
    g_autoptr(GDateTime) today = g_date_time_new_from_unix_utc(now);
    g_autofree char *expected = g_date_time_format_iso8601(today);

    if (ends != NULL && seconds_of(ends) < now) {
        checks_failed(checks,
                      STAGE,
                      "certificate-expired",
                      ends,
                      expected,
                      "put a new certificate into the device");
        return FALSE;
    }
    if (begins != NULL && seconds_of(begins) > now) {
        checks_failed(checks,
                      STAGE,
                      "certificate-not-yet",
                      begins,
                      expected,
                      "look at the clock of this host and of whoever issued the certificate");
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_key(PosternChecks *checks, GVariant *peer)
{
    const char *kind = params_string(peer, "certificate-key");
    guint32 bits = params_uint(peer, "certificate-key-bits", 0);
    gboolean rsa = kind != NULL && strstr(kind, "rsa") != NULL;
    g_autofree char *found = NULL;

    if (bits == 0 || bits >= (rsa ? RSA_LEAST : EC_LEAST))
        return TRUE;
    found = g_strdup_printf("%s, %u bits", kind, bits);
    checks_add(checks,
               STAGE,
               "note",
               "certificate-weak-key",
               found,
               rsa ? "2048 bits or more" : "224 bits or more",
               "put a certificate with a longer key into the device");
    return FALSE;
}

void
amt_check_certificate(
    PosternChecks *checks, GVariant *peer, const char *name, gboolean trusted, gint64 now)
{
    const char *subject = params_string(peer, "certificate-subject");
    g_autofree char *found = NULL;
    gboolean fine;

    if (params_string(peer, "certificate-sha256") == NULL)
        return;
    fine = check_dates(checks, peer, now);
    fine = check_name(checks, peer, name, trusted) && fine;
    fine = check_key(checks, peer) && fine;
    if (!fine)
        return;
    found = g_strdup_printf("%s, %s, until %s, %s %u bits",
                            subject != NULL ? subject : "no subject",
                            is_self_signed(peer) ? "self-signed"
                                                 : params_string(peer, "certificate-issuer"),
                            params_string(peer, "certificate-not-after"),
                            params_string(peer, "certificate-key"),
                            params_uint(peer, "certificate-key-bits", 0));
    checks_ok(checks, STAGE, found);
}
