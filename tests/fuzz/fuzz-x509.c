/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device says is a certificate, a key, a request or the beginning of a handshake: any bytes give what they are, within
 * limits, or one error.
 */
#include "config.h"

#include "amt-advisories.h"
#include "amt-tls.h"
#include "fuzz.h"

#include <string.h>

static void
check_certificate(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(AmtX509) x509 = amt_x509_read(data, size, &error);

    if (x509 == NULL) {
        fuzz_demand_error(error, POSTERN_ERROR_PROTOCOL);
        return;
    }
    fuzz_demand(error == NULL && size <= AMT_X509_MOST);
    fuzz_demand(g_utf8_validate(x509->subject, -1, NULL) &&
                g_utf8_validate(x509->issuer, -1, NULL));
    fuzz_demand(x509->common_name == NULL || g_utf8_validate(x509->common_name, -1, NULL));
    fuzz_demand(strlen(x509->sha256) == 64);
    amt_x509_issued_by(x509, x509);
}

static void
check_key(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_auto(AmtPublicKey) key = {0};
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(GBytes) request = NULL;

    if (!amt_public_key_read(&key, data, size, &error)) {
        fuzz_demand_error(error, POSTERN_ERROR_PROTOCOL);
        return;
    }
    fuzz_demand(key.id != NULL && key.pem != NULL);
    request = amt_request_make(bytes, "pc.example.test", NULL, NULL, NULL);
    /* nobody has signed it */
    fuzz_demand(request == NULL || !amt_request_check(request, &key, NULL));
}

static void
check_file(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(GPtrArray) all = amt_x509_read_all(bytes);
    const AmtPublicKey none = {0};

    fuzz_demand(all != NULL);
    fuzz_demand(!amt_request_check(bytes, &none, NULL));
}

static void
check_text(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, MIN(size, 256));
    g_autoptr(GArray) found = amt_advisories_for(text);
    gint order;

    fuzz_demand(found->len < 64);
    fuzz_demand(!amt_version_compare(text, text, &order) || order == 0);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    guint16 version = amt_hello_version(data, size);

    fuzz_demand(version == 0 || (version >= 0x0300 && version <= 0x0302));
    if (size > 64 * 1024)
        return 0;
    check_certificate(data, size);
    check_key(data, size);
    check_file(data, size);
    check_text(data, size);
    return 0;
}
