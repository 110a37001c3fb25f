/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * report.h - outcomes and rows as they come, in the format asked for.
 */
#include "args.h"
#include "batch.h"

typedef struct Report Report;

Report *report_new(const TaskInfo *task, Format format);
void report_free(Report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Report, report_free)

void report_begin(Report *report); /* the header, if the format has one */
void report_outcome(Report *report, const Outcome *outcome);
void report_row(Report *report, const char *target, GVariant *row);
void report_end(Report *report);
