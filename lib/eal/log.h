/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the log: where lines go that no sink of the application's takes. */
#ifndef PLX_EAL_LOG_H
#define PLX_EAL_LOG_H

#include <pollux/log.h>

typedef void (*plx_log_outlet_t)(enum plx_log_level level, const char *component, const char *line);

/** As plx_log_set_sink(), for the backend in use; NULL: stderr. */
void plx_log_set_outlet(plx_log_outlet_t outlet);

#endif /* PLX_EAL_LOG_H */
