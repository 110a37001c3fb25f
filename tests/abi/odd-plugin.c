/* SPDX-License-Identifier: Apache-2.0 */

/*
 * odd-plugin.c - one small plugin, built many ways by test-loader.c: each define spoils one thing.
 *
 * NAME, MINOR, NEEDED, MAJOR, MAGIC, SIZE, CALLED, SERVICE, DEPENDS change what its tables say; CRASH, HANG, LEAVE,
 * DECLINE, UNRESOLVED, FICKLE, OTHER_ENTRY, NO_CREATE what it does.
 */
#include <postern-plugin.h>

#include <stdlib.h>
#include <unistd.h>

#ifndef NAME
#define NAME odd
#endif
#ifndef MINOR
#define MINOR POSTERN_ABI_MINOR
#endif
#ifndef NEEDED
#define NEEDED 0
#endif
#ifndef MAJOR
#define MAJOR POSTERN_ABI_MAJOR
#endif
#ifndef MAGIC
#define MAGIC POSTERN_MAGIC
#endif
#ifndef SIZE
#define SIZE sizeof(Newer)
#endif
#ifndef SERVICE
#define SERVICE POSTERN_SVC_RUN
#endif
#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#ifndef CALLED
#define CALLED TEXT(NAME)
#endif

/* As a newer minor would have it: something appended. */
typedef struct {
    PosternPlugin plugin;
    gpointer appended;
} Newer;

#ifdef UNRESOLVED
extern void a_function_of_a_library_that_is_not_there(void);
#endif

static GVariant *
ok_run(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const char *word = NULL;

    g_variant_lookup(params, "word", "&s", &word);
#ifdef UNRESOLVED
    a_function_of_a_library_that_is_not_there();
#endif
    return g_variant_new_parsed("{'said': <%s>}", word != NULL ? word : "nothing");
}

static const PosternField word = {
    sizeof word, 0, "word", "s", NULL, "'hello'", NULL, "what to say"};
static const PosternField said = {sizeof said, 0, "said", "s", NULL, NULL, NULL, "what was said"};
static const PosternField *const params[] = {&word, NULL};
static const PosternField *const outputs[] = {&said, NULL};
static const PosternTask ok = {.size = sizeof ok,
                               .version = 1,
                               .id = TEXT(NAME) ".ok",
                               .summary = "say a word",
                               .params = params,
                               .outputs = outputs,
                               .run = ok_run};
static const PosternTask *const tasks[] = {&ok, NULL};
static const char *const services[] = {SERVICE, NULL};
#ifdef DEPENDS
static const char *const depends[] = {DEPENDS, NULL};
#endif

static int life;

static gpointer
odd_create(const PosternHost *host, GVariant *config, GError **error)
{
#ifdef NO_CREATE
    g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT, "the moon is not full");
    return NULL;
#else
    return &life;
#endif
}

static const Newer plugin = {.plugin = {.magic = MAGIC,
                                        .size = SIZE,
                                        .abi_major = MAJOR,
                                        .abi_minor = MINOR,
                                        .abi_minor_needed = NEEDED,
                                        .name = CALLED,
                                        .version = "1.0.0",
                                        .license = "Apache-2.0",
                                        .summary = "odd in one way",
                                        .origin = "postern's tests",
                                        .requires_services = services,
#ifdef DEPENDS
                                        .depends = depends,
#endif
                                        .config = params,
                                        .tasks = tasks,
                                        .create = odd_create}};

#ifdef OTHER_ENTRY
#define ENTRY_(module) module##_LTX_postern_plugin_v2
#define ENTRY(module)  ENTRY_(module)
POSTERN_EXPORT const PosternPlugin *ENTRY(NAME)(const PosternHost *host);
const PosternPlugin *
ENTRY(NAME)(const PosternHost *host)
#else
#define DEFINE_(module) POSTERN_PLUGIN(module)
#define DEFINE(module)  DEFINE_(module)
DEFINE(NAME)
#endif
{
#if defined CRASH
    abort();
#elif defined HANG
    sleep(60);
#elif defined LEAVE
    _exit(3);
#elif defined DECLINE
    return NULL;
#elif defined FICKLE
    static Newer two[2];
    static unsigned at;
    two[at % 2] = plugin;
    return &two[at++ % 2].plugin;
#endif
    return &plugin.plugin;
}
