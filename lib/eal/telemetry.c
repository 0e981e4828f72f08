/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Telemetry (<pollux/telemetry.h>): puts the document together, and serves it on the control
 * thread. A client is written to as fast as it reads; it holds up nobody, and there are few. Who
 * does not read for a while loses its place; who finds none waits in the socket's queue.
 */
#include "eal/telemetry.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/lcore.h>
#include <pollux/log.h>
#include <pollux/loop.h>
#include <pollux/mem.h>

#include "eal/rundir.h"

PLX_LOG_USE(eal);

#define CLIENTS_MAX  16
#define SWEEP_US     1000000
#define SWEEPS_MAX   2 /* a client that takes nothing in that time is dropped */
#define ANSWER_MS    5000
#define DOCUMENT_MAX ((size_t)64 << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plx_telemetry_source *sources; /* lock; newest first */

/* --- Sources --------------------------------------------------------------------------------- */

void plx_telemetry_add(struct plx_telemetry_source *source)
{
	pthread_mutex_lock(&lock);
	source->next = sources;
	sources = source;
	pthread_mutex_unlock(&lock);
}

void plx_telemetry_remove(struct plx_telemetry_source *source)
{
	struct plx_telemetry_source **at;

	pthread_mutex_lock(&lock);
	for (at = &sources; *at && *at != source; at = &(*at)->next)
		;
	if (*at)
		*at = source->next;
	pthread_mutex_unlock(&lock);
}

void plx_telemetry_set(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)(value & INT64_MAX)));
}

/* --- Document -------------------------------------------------------------------------------- */

static json_t *lcores(void)
{
	json_t *array = json_array();
	unsigned int id;

	PLX_LCORE_FOREACH(id)
	{
		struct plx_lcore_load load = plx_lcore_load(id);
		json_t *o = json_object();
		char name[16];

		snprintf(name, sizeof(name), "%u", id);
		json_object_set_new(o, "name", json_string(name));
		json_object_set_new(o, "node", json_integer(plx_lcore_node(id)));
		json_object_set_new(o, "main", json_boolean(id == plx_lcore_main()));
		json_object_set_new(o, "isolated", json_boolean(plx_lcore_is_isolated(id)));
		plx_telemetry_set(o, "busy_ns", plx_tsc_to_ns(load.busy_ticks));
		plx_telemetry_set(o, "idle_ns", plx_tsc_to_ns(load.idle_ticks));
		json_array_append_new(array, o);
	}
	return array;
}

static int add_segment(const struct plx_mem_segment *segment, void *arg)
{
	json_t *o = json_object();
	char va[24];

	snprintf(va, sizeof(va), "%p", segment->va);
	json_object_set_new(o, "name", json_string(va));
	json_object_set_new(o, "kind", json_string(plx_mem_kind_name(segment->kind)));
	plx_telemetry_set(o, "bytes", segment->len);
	plx_telemetry_set(o, "page_size", segment->page_size);
	json_object_set_new(o, "node", json_integer(segment->node));
	json_array_append_new(arg, o);
	return 0;
}

static int add_owner(const struct plx_mem_owner *owner, void *arg)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(owner->name));
	plx_telemetry_set(o, "bytes", owner->bytes);
	plx_telemetry_set(o, "allocations", owner->allocations);
	json_array_append_new(arg, o);
	return 0;
}

static json_t *memory(void)
{
	json_t *o = json_object(), *segments = json_array(), *owners = json_array();
	struct plx_mem_stats stats;

	plx_mem_stats_get(&stats);
	json_object_set_new(o, "kind", json_string(plx_mem_kind_name(stats.kind)));
	plx_telemetry_set(o, "heap_bytes", stats.heap_bytes);
	plx_telemetry_set(o, "heap_used_bytes", stats.heap_used_bytes);
	plx_telemetry_set(o, "heap_allocations", stats.heap_allocations);
	plx_telemetry_set(o, "registered_bytes", stats.registered_bytes);
	plx_telemetry_set(o, "bad_frees", stats.bad_frees);
	plx_telemetry_set(o, "failed", stats.failed);
	plx_mem_walk(add_segment, segments);
	json_object_set_new(o, "segments", segments);
	plx_mem_owners(add_owner, owners);
	json_object_set_new(o, "owners", owners);
	return o;
}

static void add_sources(json_t *document)
{
	static const char *const arrays[] = {"mempools", "address_spaces", "ports", "controllers"};
	struct plx_telemetry_source *s;
	size_t i;

	for (i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		json_object_set_new(document, arrays[i], json_array());
	pthread_mutex_lock(&lock);
	for (s = sources; s; s = s->next) {
		json_t *array = json_object_get(document, s->array), *o = json_object();

		s->fill(o, s->arg);
		json_array_insert_new(array, 0, o);
	}
	pthread_mutex_unlock(&lock);
}

char *plx_telemetry_json(void)
{
	json_t *document;
	char *text;

	if (!plx_eal_is_up()) {
		errno = ENODEV;
		return NULL;
	}
	document = json_object();
	json_object_set_new(document, "version", json_string(plx_version()));
	json_object_set_new(document, "pid", json_integer(getpid()));
	json_object_set_new(document, "name", json_string(plx_eal_name()));
	json_object_set_new(document, "uptime_s", json_real((double)plx_eal_uptime_ns() / 1e9));
	json_object_set_new(document, "lcores", lcores());
	json_object_set_new(document, "memory", memory());
	add_sources(document);
	text = json_dumps(document, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(document);
	if (!text)
		errno = ENOMEM;
	return text;
}

/* --- Server ---------------------------------------------------------------------------------- */

struct client {
	int fd;
	char *text;
	size_t len, sent;
	unsigned int sweeps; /* since it took something */
	struct plx_watch *watch;
	struct client *next;
};

/* Used by the control thread; by start and stop while nothing is watched. */
static int listen_fd = -1;
static struct plx_watch *listen_watch;
static struct plx_watch *sweeper; /* while there are clients */
static struct client *clients;
static size_t client_count;

static void drop_client(struct client *client)
{
	struct client **at;

	for (at = &clients; *at != client; at = &(*at)->next)
		;
	*at = client->next;
	client_count--;
	plx_unwatch(client->watch);
	close(client->fd);
	free(client->text);
	free(client);
}

static void take_waiting(void);

static void client_ready(int fd, uint32_t events, void *arg)
{
	struct client *c = arg;
	ssize_t n = send(fd, c->text + c->sent, c->len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0) {
		c->sent += (size_t)n;
		c->sweeps = 0;
	}
	if (c->sent == c->len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		drop_client(c);
		take_waiting();
	}
}

static void sweep(int fd, uint32_t events, void *arg)
{
	struct client *c, *next;

	for (c = clients; c; c = next) {
		next = c->next;
		if (++c->sweeps > SWEEPS_MAX)
			drop_client(c);
	}
	take_waiting();
	if (!clients) {
		plx_unwatch(sweeper);
		sweeper = NULL;
	}
}

static int add_client(int fd)
{
	struct client *c = calloc(1, sizeof(*c));
	int err = sweeper ? 0 : plx_alarm(SWEEP_US, SWEEP_US, sweep, NULL, &sweeper);

	if (c)
		c->text = plx_telemetry_json();
	if (!err && (!c || !c->text))
		err = -ENOMEM;
	if (!err) {
		c->fd = fd;
		c->len = strlen(c->text);
		err = plx_watch_fd(fd, EPOLLOUT, client_ready, c, &c->watch);
	}
	if (err) {
		if (c)
			free(c->text);
		free(c);
		return err;
	}
	c->next = clients;
	clients = c;
	client_count++;
	return 0;
}

static void take_waiting(void)
{
	int fd;

	while (client_count < CLIENTS_MAX && (fd = plx_rundir_accept(listen_fd)) >= 0)
		if (add_client(fd))
			close(fd);
}

static void new_client(int fd, uint32_t events, void *arg)
{
	take_waiting();
}

int plx_telemetry_start(void)
{
	int err;

	listen_fd = plx_rundir_listen("stats", SOCK_STREAM);
	if (listen_fd < 0)
		return listen_fd;
	err = plx_watch_fd(listen_fd, PLX_RUNDIR_EVENTS, new_client, NULL, &listen_watch);
	if (err)
		plx_telemetry_stop();
	return err;
}

void plx_telemetry_stop(void)
{
	plx_unwatch(listen_watch);
	listen_watch = NULL;
	plx_unwatch(sweeper);
	sweeper = NULL;
	while (clients)
		drop_client(clients);
	if (listen_fd >= 0)
		close(listen_fd);
	listen_fd = -1;
}

/* --- Client ---------------------------------------------------------------------------------- */

/* A signal is no answer. */
static int wait_for_answer(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&wait, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : n < 0 ? -errno : -ETIMEDOUT;
}

static int read_all(int fd, char **json)
{
	size_t len = 0, room = 0;
	char *text = NULL, *bigger;
	ssize_t n = 1;
	int err = 0;

	while (!err && n > 0) {
		if (room - len < 4096) {
			room = room ? 2 * room : 65536;
			bigger = realloc(text, room);
			err = bigger ? 0 : -ENOMEM;
			text = bigger ? bigger : text;
		}
		if (!err)
			err = wait_for_answer(fd);
		if (!err)
			n = recv(fd, text + len, room - len - 1, 0);
		if (!err && n < 0)
			err = errno == ECONNRESET ? -ENOENT : -errno;
		if (!err)
			len += (size_t)n;
		if (!err && len > DOCUMENT_MAX)
			err = -EMSGSIZE;
	}
	if (!err && len == 0)
		err = -ENOENT;
	if (err) {
		free(text);
		return err;
	}
	text[len] = '\0';
	*json = text;
	return 0;
}

int plx_telemetry_read(const char *name, char **json)
{
	int fd = plx_rundir_connect(name, "stats", SOCK_STREAM), err;

	*json = NULL;
	if (fd < 0)
		return fd;
	err = read_all(fd, json);
	close(fd);
	return err;
}

int plx_telemetry_list(int (*fn)(const char *name, void *arg), void *arg)
{
	return plx_rundir_list(fn, arg);
}
