/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "certs.h"
#include "pki.h"
#include "sim.h"

#include <gio/gio.h>
#include <openssl/rand.h>
#include <string.h>

#define DEFAULT_MODEL "amt12"

Sim *
sim_new(const char *user, const char *password, guint64 seed)
{
    Sim *sim = g_new0(Sim, 1);

    sim->user = g_strdup(user);
    sim->password = g_strdup(password);
    sim->started = g_get_real_time();
    sim->seed = seed;
    sim->port = 16992;
    sim->tls_port = 16993;
    sim->models = g_ptr_array_new_with_free_func((GDestroyNotify)model_free);
    sim->faults = g_ptr_array_new_with_free_func((GDestroyNotify)fault_free);
    if (RAND_bytes(sim->secret, sizeof sim->secret) != 1)
        memset(sim->secret, 0x5A, sizeof sim->secret);
    return sim;
}

void
sim_free(Sim *sim)
{
    if (sim == NULL)
        return;
    for (guint i = 0; i < sim->count; i++)
        device_clear(&sim->devices[i]);
    g_free(sim->devices);
    g_ptr_array_unref(sim->models);
    g_ptr_array_unref(sim->faults);
    g_free(sim->user);
    g_free(sim->password);
    certs_free(sim->certs);
    g_free(sim);
}

Device *
sim_device(Sim *sim, guint32 address)
{
    return address - sim->first < sim->count ? &sim->devices[address - sim->first] : NULL;
}

gboolean
sim_offers(const Sim *sim, const Device *device, gboolean tls)
{
    const Pki *pki = device->extra != NULL ? device->extra->pki : NULL;

    if (!device_provisioned(device))
        return FALSE;
    if (pki != NULL && pki->committed)
        return tls ? pki->tls : pki->plain;
    return sim_comes_with(sim, device, tls);
}

Certs *
sim_certs(Sim *sim)
{
    if (sim->certs == NULL)
        sim->certs = certs_new(sim->tls == SIM_TLS_LEGACY);
    return sim->certs;
}

gboolean
sim_comes_with(const Sim *sim, const Device *device, gboolean tls)
{
    if (!device_provisioned(device) || device_fault(device, FAULT_AMT_DISABLED) != NULL)
        return FALSE;
    switch (sim->tls) {
    case SIM_TLS_MODEL:
        return tls ? device->model->tls : device->model->plain;
    case SIM_TLS_OFF:
        return !tls;
    case SIM_TLS_ONLY:
        return tls;
    case SIM_TLS_ON:
    case SIM_TLS_LEGACY:
        break;
    }
    return TRUE;
}

static gboolean
bad(GError **error, const char *what, const char *found)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s: \"%s\"", what, found);
    return FALSE;
}

/* NAME[:share] appends the model and its share. */
static gboolean
add_model(Sim *sim, GArray *shares, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    guint64 share = 1;
    guint small;
    Model *model;

    if (parts[0] == NULL || *parts[0] == '\0')
        return bad(error, "a model's name is missing in", text);
    if (parts[1] != NULL && !g_ascii_string_to_unsigned(parts[1], 10, 1, 1000000, &share, NULL))
        return bad(error, "a model's share is a number from 1 to 1000000", text);
    model = model_load(parts[0], error);
    if (model == NULL)
        return FALSE;
    small = (guint)share;
    g_ptr_array_add(sim->models, model);
    g_array_append_val(shares, small);
    return TRUE;
}

static gboolean
add_models(Sim *sim, GArray *shares, const char *spec, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(spec != NULL ? spec : DEFAULT_MODEL, ",", -1);

    for (guint i = 0; parts[i] != NULL; i++)
        if (!add_model(sim, shares, parts[i], error))
            return FALSE;
    return sim->models->len > 0 || bad(error, "no model is named in", spec != NULL ? spec : "");
}

static guint64
faults_of(const Sim *sim, guint32 address)
{
    guint64 bits = 0;

    for (guint i = 0; i < sim->faults->len; i++) {
        const Fault *fault = sim->faults->pdata[i];
        if (address >= fault->first && address <= fault->last)
            bits |= (guint64)1 << i;
    }
    return bits;
}

/* Models take turns within every round of all shares, so that a small fleet is mixed as well. */
static const Model *
model_of(const Sim *sim, const GArray *shares, guint n)
{
    guint total = 0;

    for (guint i = 0; i < shares->len; i++)
        total += g_array_index(shares, guint, i);
    g_return_val_if_fail(total > 0, NULL);
    n %= total;
    for (guint i = 0; i < shares->len; i++) {
        guint share = g_array_index(shares, guint, i);
        if (n < share)
            return sim->models->pdata[i];
        n -= share;
    }
    return sim->models->pdata[0];
}

gboolean
sim_populate(Sim *sim, guint32 first, guint64 count, const char *spec, GError **error)
{
    g_autoptr(GArray) shares = g_array_new(FALSE, FALSE, sizeof(guint));
    guint64 most = 0x7FFFFFFFU - (guint64)first + 1;

    if (count == 0 || count > most || (first >> 24) != 127) {
        char text[16];
        device_address_text(first, text);
        g_set_error(error,
                    G_IO_ERROR,
                    G_IO_ERROR_INVALID_ARGUMENT,
                    "%" G_GUINT64_FORMAT " devices from %s on do not fit in 127.0.0.0/8",
                    count,
                    text);
        return FALSE;
    }
    if (!add_models(sim, shares, spec, error))
        return FALSE;
    sim->devices = g_new0(Device, count);
    sim->count = (guint)count;
    sim->first = first;
    for (guint i = 0; i < sim->count; i++) {
        device_init(&sim->devices[i], sim, model_of(sim, shares, i), first + i);
        sim->devices[i].faults = faults_of(sim, first + i);
        device_begin(&sim->devices[i]);
    }
    return TRUE;
}

void
sim_ports_changed(Device *device, gboolean restart)
{
    if (device->sim->ports_changed != NULL)
        device->sim->ports_changed(device, restart, device->sim->ports_data);
}
