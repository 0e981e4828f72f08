/* SPDX-License-Identifier: BSD-3-Clause */
/* Which backends there are and which is in use; see backend.h. */
#include "eal/backend.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <pollux/log.h>

PLX_LOG_USE(eal);

/* Those that libraries of ours hold. The soname is bound to this library's version. */
static const struct {
	const char *name;
	const char *library;
} libraries[] = {{"dpdk", "libpollux-dpdk.so.0"}};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct plx_backend *registered; /* list_lock */
static const struct plx_backend *in_use = &plx_backend_native;

void plx_backend_register(struct plx_backend *backend)
{
	pthread_mutex_lock(&list_lock);
	backend->next = registered;
	registered = backend;
	pthread_mutex_unlock(&list_lock);
}

static const struct plx_backend *known(const char *name)
{
	const struct plx_backend *b;

	if (strcmp(name, plx_backend_native.name) == 0)
		return &plx_backend_native;
	pthread_mutex_lock(&list_lock);
	for (b = registered; b && strcmp(name, b->name) != 0; b = b->next)
		;
	pthread_mutex_unlock(&list_lock);
	return b;
}

static const char *library_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (strcmp(name, libraries[i].name) == 0)
			return libraries[i].library;
	return NULL;
}

int plx_backend_find(const char *name, const struct plx_backend **backend)
{
	const char *library;

	if (!name)
		name = plx_backend_native.name;
	*backend = known(name);
	if (*backend)
		return 0;
	library = library_of(name);
	if (!library) {
		PLX_ERR(eal, "EAL \"%s\": there is none of that name; choose native or dpdk", name);
		return -EINVAL;
	}
	/* Never unloaded: the runtime in it may have threads. */
	if (dlopen(library, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE))
		*backend = known(name);
	if (*backend)
		return 0;
	PLX_ERR(eal,
		"EAL \"%s\": %s; build Pollux with -D%s=enabled and install it, or use the native "
		"one",
		name, dlerror(), name);
	return -ENOENT;
}

const struct plx_backend *plx_backend(void)
{
	return in_use;
}

void plx_backend_set(const struct plx_backend *backend)
{
	in_use = backend ? backend : &plx_backend_native;
	plx_log_set_outlet(in_use->log);
}
