/* SPDX-License-Identifier: Apache-2.0 */
/* 802.1X of the wired port: one class in older firmware, another in newer. */
#include "config.h"

#include "methods.h"
#include "pki.h"
#include "rules.h"

#include <string.h>

enum { TIMEOUT_MOST = 86400, NAME_MOST = 128, PASSWORD_MOST = 32 };

static void
drop(GPtrArray *values, const char *name)
{
    for (guint i = values->len; i > 0; i--)
        if (g_str_equal(((const DeviceStored *)values->pdata[i - 1])->name, name))
            g_ptr_array_remove_index(values, i - 1);
}

static gboolean
is_short(const GPtrArray *values, const char *name, gsize most)
{
    const char *value = rules_value(values, name);

    return value == NULL || strlen(value) <= most;
}

static gboolean
is_number(const GPtrArray *values, const char *name, guint most)
{
    const char *value = rules_value(values, name);
    guint64 number;

    return value == NULL || g_ascii_string_to_unsigned(value, 10, 0, most, &number, NULL);
}

/* An empty reference is refused, and so is one to nothing. */
static gboolean
is_certificate(Device *device, const GPtrArray *values, const char *name)
{
    const char *xml = rules_value(values, name);
    g_autofree char *id = pki_reference_id(xml);
    X509 *certificate = id != NULL ? pki_certificate(device, id, NULL) : NULL;

    X509_free(certificate);
    return xml == NULL || certificate != NULL;
}

/* Secrets are taken and never shown. */
static const SoapFault *
put_profile(Device *device, const SimInstance *instance, GPtrArray *values)
{
    if (!is_number(values, "AuthenticationProtocol", 10) ||
        !is_number(values, "PxeTimeout", TIMEOUT_MOST) ||
        !is_short(values, "Username", NAME_MOST) ||
        !is_short(values, "RoamingIdentity", NAME_MOST) ||
        !is_short(values, "Password", PASSWORD_MOST) ||
        !is_certificate(device, values, "ClientCertificate") ||
        !is_certificate(device, values, "ServerCertificateIssuer"))
        return &FAULT_REPRESENTATION;
    drop(values, "Password");
    drop(values, "PACPassword");
    drop(values, "ProtectedAccessCredential");
    return NULL;
}

static gboolean
bind_certificate(Call *call, const char *name)
{
    const xmlNode *given = xml_child(call->input, name);
    const xmlNode *selectors = xml_child(xml_child(given, "ReferenceParameters"), "SelectorSet");
    g_autofree char *id = xml_text(xml_child(selectors, "Selector"));
    X509 *certificate = *id != '\0' ? pki_certificate(call->device, id, NULL) : NULL;
    SimClass *class = classes_find(call->device->model, "IPS_8021xCredentialContext");
    g_autoptr(GPtrArray) values = NULL;
    gboolean exists = FALSE;

    if (certificate == NULL || class == NULL)
        return given == NULL;
    X509_free(certificate);
    values = g_ptr_array_new_with_free_func((GDestroyNotify)device_stored_free);
    for (guint i = 0; i < 2; i++) {
        static const char *const names[] = {"ElementInContext", "ElementProvidingContext"};
        static const char *const classes[] = {"AMT_PublicKeyCertificate", "IPS_IEEE8021xSettings"};
        DeviceStored *one = g_new0(DeviceStored, 1);
        g_autofree char *uri = classes_uri(classes[i]);
        one->name = g_strdup(names[i]);
        one->xml = g_strdup_printf(
            "<b:Address>" ANONYMOUS "</b:Address><b:ReferenceParameters><c:ResourceURI>%s"
            "</c:ResourceURI><c:SelectorSet><c:Selector Name=\"InstanceID\">%s</c:Selector>"
            "</c:SelectorSet></b:ReferenceParameters>",
            uri,
            i == 0 ? id : "Intel(r) AMT: 8021X Settings");
        g_ptr_array_add(values, one);
    }
    return transfer_add(call->device, class, values, &exists) != NULL || exists;
}

/* What was bound before goes. */
static void
unbind_all(Device *device)
{
    GPtrArray *all = device->extra != NULL ? device->extra->created : NULL;

    for (guint i = all != NULL ? all->len : 0; i > 0; i--)
        if (g_str_equal(((const DeviceCreated *)all->pdata[i - 1])->class->name,
                        "IPS_8021xCredentialContext"))
            g_ptr_array_remove_index(all, i - 1);
}

static guint
set_certificates(Call *call)
{
    unbind_all(call->device);
    return bind_certificate(call, "ServerCertificateIssuer") &&
                   bind_certificate(call, "ClientCertificate")
               ? DONE
               : PT_INVALID_PARAMETER;
}

const Rule rules_8021x[] = {
    {.class = "AMT_8021XProfile", .put = put_profile},
    {.class = "IPS_IEEE8021xSettings", .put = put_profile},
    {0},
};

const Method methods_8021x[] = {
    {"IPS_IEEE8021xSettings", "SetCertificates", set_certificates},
    {0},
};
