/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clerk.h"
#include "fleet.h"
#include "journal.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

const char *const fleet_sections[] = {"fleet", NULL};

struct Fleet {
    Host *host;
    GVariant *settings;
    char *store_path, *key_file, *key_credential, *profile; /* or NULL */
    Access *access;
    Actor *actor;
    Store *store; /* NULL: the settings say "none" */
    Vault *vault; /* opened when first asked for */
    TargetDirectory *directory;
    Clerk *clerk; /* NULL: takes no part in runs */
};

/* clang-format off */
#define FLEET_FIELD(id, name_, type_, format_, fallback_, summary_) \
    static const PosternField id = {sizeof id, 0, name_, type_, format_, fallback_, NULL, summary_}

FLEET_FIELD(store_field, "store", "s", "file", NULL,
            "file of the fleet's memory and journal; none: keep neither; default: /var/lib/postern/fleet.db for "
            "root, else below the user's state directory");
FLEET_FIELD(key_field, "key-file", "s", "file", NULL,
            "file of the key that seals stored secrets; default: beside the store, with .key behind its name");
FLEET_FIELD(credential_field, "key-credential", "s", NULL, NULL,
            "name of the systemd credential that has that key, instead of a file");
FLEET_FIELD(days_field, "journal-keep-days", "u", NULL, "365", "how long the journal keeps its rows; 0: for ever");
FLEET_FIELD(size_field, "journal-max-mib", "u", NULL, "1024", "size at which the journal loses its oldest rows; 0: none");
FLEET_FIELD(fresh_field, "address-fresh-hours", "u", NULL, "24",
            "how long an address alone tells which machine is there, from 1 to 8760");

static const PosternPlugin fleet_section = {
    .size = sizeof fleet_section, .name = "fleet", .version = PACKAGE_VERSION, .license = "Apache-2.0",
    .summary = "the [fleet] section of postern.conf", .origin = "postern",
    .config = (const PosternField *const[]){&store_field, &key_field, &credential_field, &days_field, &size_field,
                                            &fresh_field, NULL},
};
/* clang-format on */

const PluginInfo *
fleet_schema(void)
{
    static PluginInfo *schema;

    if (schema == NULL)
        schema = descriptor_from_copy(&fleet_section, "fleet", NULL);
    return schema;
}

/* ---- settings ---- */

static gboolean
is_root(void)
{
    return geteuid() == 0 && g_getenv("XDG_STATE_HOME") == NULL;
}

static char *
default_store(void)
{
    return is_root() ? g_strdup("/var/lib/postern/fleet.db")
                     : g_build_filename(g_get_user_state_dir(), "postern", "fleet.db", NULL);
}

static gboolean
refuse(const Fleet *fleet, const char *key, const char *text, GError **error)
{
    settings_refuse(host_settings(fleet->host), "fleet", key, text, error);
    return FALSE;
}

static gboolean
take_paths(Fleet *fleet, GError **error)
{
    g_variant_lookup(fleet->settings, "store", "s", &fleet->store_path);
    g_variant_lookup(fleet->settings, "key-file", "s", &fleet->key_file);
    g_variant_lookup(fleet->settings, "key-credential", "s", &fleet->key_credential);
    if (fleet->store_path == NULL)
        fleet->store_path = default_store();
    else if (strcmp(fleet->store_path, "none") == 0)
        g_clear_pointer(&fleet->store_path, g_free);
    else if (!g_path_is_absolute(fleet->store_path))
        return refuse(fleet, "store", "expected an absolute path, or none", error);
    if (fleet->key_file != NULL && fleet->key_credential != NULL)
        return refuse(
            fleet, "key-credential", "the key is in key-file already: give one of them", error);
    if (fleet->key_file != NULL && !g_path_is_absolute(fleet->key_file))
        return refuse(fleet, "key-file", "expected an absolute path", error);
    if (fleet->key_file == NULL && fleet->key_credential == NULL && fleet->store_path != NULL)
        fleet->key_file = g_strconcat(fleet->store_path, ".key", NULL);
    return TRUE;
}

static guint
number(const Fleet *fleet, const char *key)
{
    guint32 value = 0;

    g_variant_lookup(fleet->settings, key, "u", &value);
    return value;
}

static gboolean
configure(Fleet *fleet, GError **error)
{
    guint hours;

    fleet->settings =
        settings_values(host_settings(fleet->host), "fleet", fleet_schema()->config, error);
    if (fleet->settings == NULL || !take_paths(fleet, error))
        return FALSE;
    hours = number(fleet, "address-fresh-hours");
    if (hours < 1 || hours > 8760)
        return refuse(fleet, "address-fresh-hours", "expected 1 to 8760", error);
    return TRUE;
}

gint64
fleet_fresh_us(const Fleet *fleet)
{
    return (gint64)number(fleet, "address-fresh-hours") * 3600 * G_USEC_PER_SEC;
}

/* ---- opening ---- */

static gboolean
start_clerk(Fleet *fleet, GError **error)
{
    ClerkSettings settings = {
        .store = fleet->store_path,
        .vault = fleet_vault(fleet, error),
        .registry = host_registry(fleet->host),
        .access = fleet->access,
        .actor = fleet->actor,
        .profile = fleet->profile,
        .fresh_us = fleet_fresh_us(fleet),
        .keep_days = number(fleet, "journal-keep-days"),
        .max_bytes = (guint64)number(fleet, "journal-max-mib") << 20,
    };

    if (settings.vault == NULL)
        return FALSE;
    fleet->clerk = clerk_new(&settings, error);
    if (fleet->clerk == NULL)
        return FALSE;
    host_set_hooks(fleet->host, clerk_hooks(fleet->clerk));
    return TRUE;
}

static gboolean
open_parts(Fleet *fleet, const FleetOptions *options, GError **error)
{
    g_autofree char *roles = access_directory(host_settings(fleet->host)->file);

    fleet->access = access_read(roles, error);
    if (fleet->access == NULL)
        return FALSE;
    if (fleet->store_path == NULL) {
        if (access_is_open(fleet->access))
            return TRUE;
        return refuse(
            fleet, "store", "roles have members and cannot be kept without a store", error);
    }
    fleet->store = store_open(fleet->store_path, error);
    if (fleet->store == NULL)
        return FALSE;
    fleet->directory = directory_new(fleet->store, fleet_fresh_us(fleet));
    if (options->profile != NULL) {
        g_autoptr(Profile) profile = profile_read(fleet->store, options->profile, error);
        if (profile == NULL)
            return FALSE;
    }
    return options->dry || start_clerk(fleet, error);
}

Fleet *
fleet_open(Host *host, const FleetOptions *options, GError **error)
{
    g_autoptr(Fleet) fleet = g_new0(Fleet, 1);

    fleet->host = host;
    fleet->profile = g_strdup(options->profile);
    fleet->actor = actor_of_process();
    if (!configure(fleet, error) || !open_parts(fleet, options, error))
        return NULL;
    return g_steal_pointer(&fleet);
}

Fleet *
fleet_describe(Host *host, GError **error)
{
    g_autoptr(Fleet) fleet = g_new0(Fleet, 1);

    fleet->host = host;
    return configure(fleet, error) ? g_steal_pointer(&fleet) : NULL;
}

void
fleet_free(Fleet *fleet)
{
    if (fleet == NULL)
        return;
    if (fleet->clerk != NULL)
        host_set_hooks(fleet->host, NULL);
    clerk_free(fleet->clerk);
    directory_free(fleet->directory);
    store_free(fleet->store);
    vault_free(fleet->vault);
    access_free(fleet->access);
    actor_free(fleet->actor);
    g_clear_pointer(&fleet->settings, g_variant_unref);
    g_free(fleet->store_path);
    g_free(fleet->key_file);
    g_free(fleet->key_credential);
    g_free(fleet->profile);
    g_free(fleet);
}

/* ---- its parts ---- */

Store *
fleet_store(Fleet *fleet, GError **error)
{
    if (fleet->store == NULL)
        g_set_error_literal(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_BAD_PARAM,
            "this needs the fleet's memory, and the configuration says store = none "
            "in section [fleet]");
    return fleet->store;
}

/* A key is made with the first store only: where secrets are sealed already, another one would be of no use, and hide that
 * theirs is missing. */
static Vault *
open_vault(Fleet *fleet, GError **error)
{
    gint64 sealed = 0;

    if (fleet->key_credential != NULL)
        return vault_open_credential(fleet->key_credential, error);
    if (!store_number(
            fleet->store, &sealed, 0, error, "SELECT count(*) FROM profile_credential", ""))
        return NULL;
    return vault_open(fleet->key_file, sealed == 0, error);
}

const Vault *
fleet_vault(Fleet *fleet, GError **error)
{
    if (fleet->vault == NULL)
        fleet->vault = open_vault(fleet, error);
    return fleet->vault;
}

const char *
fleet_store_path(const Fleet *fleet)
{
    return fleet->store_path;
}

const char *
fleet_key_credential(const Fleet *fleet)
{
    return fleet->key_credential;
}

const char *
fleet_key_file(const Fleet *fleet)
{
    return fleet->key_file;
}

const Access *
fleet_access(const Fleet *fleet)
{
    return fleet->access;
}

const Actor *
fleet_actor(const Fleet *fleet)
{
    return fleet->actor;
}

const TargetDirectory *
fleet_directory(const Fleet *fleet)
{
    return fleet->directory;
}

GVariant *
fleet_settings(const Fleet *fleet)
{
    return fleet->settings;
}

gboolean
fleet_note(Fleet *fleet, const char *what, const char *message, GError **error)
{
    JournalRow row = {.at = store_now(),
                      .kind = "store",
                      .actor = fleet->actor->name,
                      .task = what,
                      .outcome = "ok",
                      .message = message};

    return journal_add(fleet->store, &row, error);
}
