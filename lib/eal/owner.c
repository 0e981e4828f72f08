/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of those who have memory; see owner.h and plx_mem_owner_enter(). */
#include "eal/owner.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char names[PLX_OWNERS][PLX_MEM_OWNER_LEN] = {
	"application"};	       /* written once, with the lock */
static unsigned int count = 1; /* lock; read atomically */
static __thread uint8_t current;

static uint8_t intern(const char *name)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < count && strncmp(names[i], name, PLX_MEM_OWNER_LEN - 1); i++)
		;
	if (i == PLX_OWNERS) {
		i = 0;
	} else if (i == count) {
		snprintf(names[i], sizeof(names[i]), "%s", name);
		__atomic_store_n(&count, count + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lock);
	return (uint8_t)i;
}

unsigned int plx_mem_owner_enter(const char *name)
{
	uint8_t before = current;

	current = intern(name);
	return before;
}

void plx_mem_owner_leave(unsigned int before)
{
	current = (uint8_t)before;
}

uint8_t plx_owner(void)
{
	return current;
}

const char *plx_owner_name(unsigned int number)
{
	return number < __atomic_load_n(&count, __ATOMIC_ACQUIRE) ? names[number] : NULL;
}

void plx_owners_fini(void)
{
	pthread_mutex_lock(&lock);
	count = 1;
	pthread_mutex_unlock(&lock);
	current = 0;
}
