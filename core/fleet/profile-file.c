/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "json-shape.h"
#include "name.h"
#include "profile-file.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "postern-profiles-1"

enum {
    FILE_MOST = 1024 * 1024,
    LOGINS_MOST = 1000,
    COST = 15,
    COST_LEAST = 14,
    COST_MOST = 17,
    SALT = 16
};

/* ---- writing ---- */

static gboolean
write_login(JsonBuilder *json,
            const Vault *seal,
            const Profile *profile,
            const PosternCredential *credential,
            GError **error)
{
    g_autoptr(GBytes) sealed = profile_seal(seal, profile->name, credential, error);
    g_autofree char *text = NULL;
    gsize length = 0;
    gconstpointer data;

    if (sealed == NULL)
        return FALSE;
    data = g_bytes_get_data(sealed, &length);
    text = g_base64_encode(data, length);
    json_builder_begin_object(json);
    json_builder_set_member_name(json, "profile");
    json_builder_add_string_value(json, profile->name);
    json_builder_set_member_name(json, "type");
    json_builder_add_string_value(json, credential->type->id);
    json_builder_set_member_name(json, "default");
    json_builder_add_boolean_value(json, profile->is_default);
    json_builder_set_member_name(json, "sealed");
    json_builder_add_string_value(json, text);
    json_builder_end_object(json);
    return TRUE;
}

static gboolean
write_profile(JsonBuilder *json,
              Store *store,
              const Vault *vault,
              Registry *registry,
              const Vault *seal,
              const Profile *profile,
              GError **error)
{
    for (guint i = 0; i < profile->types->len; i++) {
        g_autoptr(PosternCredential) credential =
            profile_login(store, vault, registry, profile->name, profile->types->pdata[i], error);

        if (credential == NULL || !write_login(json, seal, profile, credential, error))
            return FALSE;
    }
    return TRUE;
}

static void
write_head(JsonBuilder *json, const guint8 salt[SALT])
{
    char hex[2 * SALT + 1];

    for (guint i = 0; i < SALT; i++)
        g_snprintf(hex + 2 * i, 3, "%02x", salt[i]);
    json_builder_begin_object(json);
    json_builder_set_member_name(json, "format");
    json_builder_add_string_value(json, FORMAT);
    json_builder_set_member_name(json, "salt");
    json_builder_add_string_value(json, hex);
    json_builder_set_member_name(json, "cost");
    json_builder_add_int_value(json, COST);
    json_builder_set_member_name(json, "logins");
    json_builder_begin_array(json);
}

/* Whole and on the disk, or not there. */
static gboolean
write_text(const char *path, const char *text, GError **error)
{
    gsize length = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    gboolean good;

    if (fd < 0) {
        error_set_errno(error, errno, "cannot write the file %s", path);
        return FALSE;
    }
    good = write(fd, text, length) == (gssize)length && fsync(fd) == 0;
    if (!good) {
        error_set_errno(error, errno, "cannot write the file %s", path);
        unlink(path);
    }
    close(fd);
    return good;
}

gboolean
profile_file_write(Store *store,
                   const Vault *vault,
                   Registry *registry,
                   const Secret *passphrase,
                   const char *path,
                   guint *count,
                   GError **error)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autoptr(GPtrArray) list = profile_list(store, error);
    g_autoptr(Vault) seal = NULL;
    g_autofree char *text = NULL;
    guint8 salt[SALT];

    if (list == NULL || RAND_bytes(salt, SALT) != 1)
        return FALSE;
    seal = vault_of_passphrase(passphrase, salt, COST, error);
    if (seal == NULL)
        return FALSE;
    write_head(json, salt);
    *count = list->len;
    for (guint i = 0; i < list->len; i++)
        if (!write_profile(json, store, vault, registry, seal, list->pdata[i], error))
            return FALSE;
    json_builder_end_array(json);
    json_builder_end_object(json);
    root = json_builder_get_root(json);
    text = json_to_string(root, TRUE);
    return write_text(path, text, error);
}

/* ---- reading ---- */

static const char *
member_text(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

static gboolean
read_salt(JsonObject *object, guint8 salt[SALT])
{
    const char *hex = member_text(object, "salt");

    if (hex == NULL || strlen(hex) != 2 * SALT || strspn(hex, "0123456789abcdef") != 2 * SALT)
        return FALSE;
    for (guint i = 0; i < SALT; i++)
        salt[i] =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    return TRUE;
}

static JsonObject *
read_head(JsonParser *parser, const char *text, gsize length, const char *what, GError **error)
{
    g_autoptr(GError) problem = NULL;
    JsonNode *root;

    if (length > FILE_MOST) {
        error_set_bad(error,
                      "%s has %" G_GSIZE_FORMAT " bytes, expected at most %d",
                      what,
                      length,
                      FILE_MOST);
        return NULL;
    }
    if (!g_utf8_validate(text, (gssize)length, NULL) || !json_shape_check(text, length, &problem) ||
        !json_parser_load_from_data(parser, text, (gssize)length, &problem)) {
        error_set_bad(error,
                      "%s is no file of profiles: %s",
                      what,
                      problem != NULL ? problem->message : "it is not UTF-8 text");
        return NULL;
    }
    root = json_parser_get_root(parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root) ||
        g_strcmp0(member_text(json_node_get_object(root), "format"), FORMAT) != 0) {
        error_set_bad(
            error, "%s is no file of profiles: expected \"format\": \"" FORMAT "\"", what);
        return NULL;
    }
    return json_node_get_object(root);
}

static Vault *
read_key(JsonObject *head, const Secret *passphrase, const char *what, GError **error)
{
    JsonNode *cost = json_object_get_member(head, "cost");
    gint64 number = cost != NULL && json_node_get_value_type(cost) == G_TYPE_INT64
                        ? json_node_get_int(cost)
                        : 0;
    guint8 salt[SALT];

    if (!read_salt(head, salt) || number < COST_LEAST || number > COST_MOST) {
        error_set_bad(
            error,
            "%s is damaged: expected \"salt\" of %d hex digits and \"cost\" from %d to %d",
            what,
            2 * SALT,
            COST_LEAST,
            COST_MOST);
        return NULL;
    }
    return vault_of_passphrase(passphrase, salt, (guint)number, error);
}

static JsonObject *
login_object(JsonArray *logins, guint i, const char *what, GError **error)
{
    JsonNode *node = json_array_get_element(logins, i);
    JsonObject *login = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;

    if (login != NULL && member_text(login, "profile") != NULL &&
        member_text(login, "type") != NULL && member_text(login, "sealed") != NULL)
        return login;
    error_set_bad(error,
                  "%s: login %u is damaged: expected \"profile\", \"type\" and \"sealed\"",
                  what,
                  i + 1);
    return NULL;
}

/* What was sealed names its key, so that a wrong passphrase is known from a damaged file. */
static gboolean
check_key(const Vault *seal, const guint8 *sealed, gsize length, GError **error)
{
    const char *id = vault_key_id(seal);
    gboolean same = TRUE;

    for (gsize i = 0; length >= VAULT_OVERHEAD && i < strlen(id) / 2; i++)
        same = same && sealed[1 + i] == (g_ascii_xdigit_value(id[2 * i]) << 4 |
                                         g_ascii_xdigit_value(id[2 * i + 1]));
    if (!same)
        g_set_error_literal(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_CONFLICT,
            "the passphrase is wrong, or the file is damaged: another key sealed it");
    return same;
}

static PosternCredential *
read_login(
    Registry *registry, const Vault *seal, JsonObject *login, const char *what, GError **error)
{
    const CredentialTypeInfo *type =
        registry_credential_type(registry, member_text(login, "type"), error);
    PosternCredential *credential = NULL;
    g_autoptr(GBytes) bytes = NULL;
    gsize length = 0;
    guchar *sealed;

    if (type != NULL && name_check("credential profile", member_text(login, "profile"), error)) {
        sealed = g_base64_decode(member_text(login, "sealed"), &length);
        bytes = g_bytes_new_take(sealed, length);
        if (check_key(seal, sealed, length, error))
            credential = profile_unseal(seal, member_text(login, "profile"), type, bytes, error);
    }
    if (credential == NULL)
        g_prefix_error(error, "%s: ", what);
    return credential;
}

static gboolean
take_login(Store *store,
           const Vault *vault,
           const char *profile,
           const PosternCredential *credential,
           gboolean is_default,
           GError **error)
{
    gint64 others = 0;

    return store_number(store,
                        &others,
                        0,
                        error,
                        "SELECT count(*) FROM profile WHERE is_default = 1 AND name <> $1",
                        "s",
                        profile) &&
           profile_put(store, vault, profile, credential, FALSE, error) &&
           (!is_default || others > 0 || profile_set_default(store, profile, error));
}

gboolean
profile_file_read(Store *store,
                  const Vault *vault,
                  Registry *registry,
                  const Secret *passphrase,
                  const char *text,
                  gsize length,
                  const char *what,
                  guint *count,
                  GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonObject *head = read_head(parser, text, length, what, error);
    g_autoptr(Vault) seal = head != NULL ? read_key(head, passphrase, what, error) : NULL;
    JsonNode *list = head != NULL ? json_object_get_member(head, "logins") : NULL;
    JsonArray *logins;

    if (seal == NULL)
        return FALSE;
    if (list == NULL || !JSON_NODE_HOLDS_ARRAY(list) ||
        json_array_get_length(json_node_get_array(list)) > LOGINS_MOST) {
        error_set_bad(
            error, "%s is damaged: expected \"logins\", a list of at most %d", what, LOGINS_MOST);
        return FALSE;
    }
    logins = json_node_get_array(list);
    for (*count = 0; *count < json_array_get_length(logins); ++*count) {
        JsonObject *login = login_object(logins, *count, what, error);
        g_autoptr(PosternCredential) credential =
            login != NULL ? read_login(registry, seal, login, what, error) : NULL;

        if (credential == NULL ||
            !take_login(store,
                        vault,
                        member_text(login, "profile"),
                        credential,
                        json_object_get_boolean_member_with_default(login, "default", FALSE),
                        error))
            return FALSE;
    }
    return TRUE;
}
