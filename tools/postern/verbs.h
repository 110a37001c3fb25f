/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * verbs.h - what each verb does; verbs.c has the table that leads here.
 */
#include "args.h"

Status verb_plugins(const Args *args);
Status verb_tasks(const Args *args);
Status verb_task_show(const Args *args);
Status verb_run(const Args *args);
Status verb_explain(const Args *args);
Status verb_diagnose(const Args *args);
Status verb_machine_list(const Args *args);
Status verb_machine_show(const Args *args);
Status verb_machine_add(const Args *args);
Status verb_machine_import(const Args *args);
Status verb_machine_export(const Args *args);
Status verb_machine_tag(const Args *args);
Status verb_machine_untag(const Args *args);
Status verb_machine_merge(const Args *args);
Status verb_machine_forget(const Args *args);
Status verb_collection_list(const Args *args);
Status verb_collection_show(const Args *args);
Status verb_collection_save(const Args *args);
Status verb_collection_test(const Args *args);
Status verb_collection_remove(const Args *args);
Status verb_credential_list(const Args *args);
Status verb_credential_show(const Args *args);
Status verb_credential_add(const Args *args);
Status verb_credential_rotate(const Args *args);
Status verb_credential_default(const Args *args);
Status verb_credential_test(const Args *args);
Status verb_credential_remove(const Args *args);
Status verb_credential_export(const Args *args);
Status verb_credential_import(const Args *args);
Status verb_access_check(const Args *args);
Status verb_access_list(const Args *args);
Status verb_log(const Args *args);
Status verb_log_verify(const Args *args);
Status verb_log_purge(const Args *args);
Status verb_config_check(const Args *args);
Status verb_config_show(const Args *args);
Status verb_config_template(const Args *args);
Status verb_store_backup(const Args *args);
Status verb_store_check(const Args *args);
Status verb_store_rekey(const Args *args);
Status verb_completion(const Args *args);
Status verb_man(const Args *args);
Status verb_help(const Args *args);
Status verb_complete(const Args *args);
