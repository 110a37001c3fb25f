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

/* The association of a certificate with the settings, which is what makes it used. */
static gboolean
bind(Device *device, const char *class_name, const SimInstance *settings, const char *id)
{
    static const char *const names[] = {"ElementInContext", "ElementProvidingContext"};
    const char *const classes[] = {"AMT_PublicKeyCertificate", settings->class->name};
    g_autofree char *settings_id = device_property(device, settings, "InstanceID");
    SimClass *class = classes_find(device->model, class_name);
    g_autoptr(GPtrArray) values =
        g_ptr_array_new_with_free_func((GDestroyNotify)device_stored_free);
    gboolean exists = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        DeviceStored *one = g_new0(DeviceStored, 1);
        one->name = g_strdup(names[i]);
        one->xml = pki_reference(classes[i], i == 0 ? id : settings_id);
        g_ptr_array_add(values, one);
    }
    return class != NULL && (transfer_add(device, class, values, &exists) != NULL || exists);
}

static void
unbind_all(Device *device, const char *class_name)
{
    GPtrArray *all = device->extra != NULL ? device->extra->created : NULL;

    for (guint i = all != NULL ? all->len : 0; i > 0; i--)
        if (g_str_equal(((const DeviceCreated *)all->pdata[i - 1])->class->name, class_name))
            g_ptr_array_remove_index(all, i - 1);
}

static const char *const certificates[] = {"ServerCertificateIssuer", "ClientCertificate"};

static void
profile_stored(Device *device, const SimInstance *instance)
{
    unbind_all(device, "AMT_8021xCredentialContext");
    for (guint i = 0; i < G_N_ELEMENTS(certificates); i++) {
        g_autofree char *xml = device_property(device, instance, certificates[i]);
        g_autofree char *id = pki_reference_id(xml);
        if (id != NULL)
            bind(device, "AMT_8021xCredentialContext", instance, id);
    }
}

/* An argument that is left out leaves nothing bound; one that names nothing is refused. */
static guint
set_certificates(Call *call)
{
    const SimInstance *settings = device_first(call->device, call->class->name);

    unbind_all(call->device, "IPS_8021xCredentialContext");
    for (guint i = 0; i < G_N_ELEMENTS(certificates); i++) {
        const xmlNode *given = xml_child(call->input, certificates[i]);
        const xmlNode *selectors =
            xml_child(xml_child(given, "ReferenceParameters"), "SelectorSet");
        g_autofree char *id = xml_text(xml_child(selectors, "Selector"));
        X509 *there = given != NULL ? pki_certificate(call->device, id, NULL) : NULL;

        if (given != NULL &&
            (there == NULL || !bind(call->device, "IPS_8021xCredentialContext", settings, id))) {
            X509_free(there);
            return PT_INVALID_PARAMETER;
        }
        X509_free(there);
    }
    return DONE;
}

const Rule rules_8021x[] = {
    {.class = "AMT_8021XProfile", .put = put_profile, .stored = profile_stored},
    {.class = "IPS_IEEE8021xSettings", .put = put_profile},
    {0},
};

const Method methods_8021x[] = {
    {"IPS_IEEE8021xSettings", "SetCertificates", set_certificates},
    {0},
};
