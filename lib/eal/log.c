/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log (<pollux/log.h>): the registry of components, their levels, and the sink. Constructors
 * register components before main(); everyone who has something to say calls plx_log().
 */
#include <pollux/log.h>

#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>

#include "eal/log.h"

#define DEFAULT_LEVEL	PLX_LOG_WARN
#define LINE_MAX_LEN	1024
#define ALLOWED_PER_SEC 10
#define NS_PER_SEC	1000000000u

static const char *const level_names[] = {
	[PLX_LOG_OFF] = "off",	 [PLX_LOG_ERR] = "error",   [PLX_LOG_WARN] = "warning",
	[PLX_LOG_INFO] = "info", [PLX_LOG_DEBUG] = "debug",
};

/* One entry of the list given to plx_log_set_levels(); kept for components to come. */
struct rule {
	char *pattern; /* "*" for a bare level */
	int level;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct plx_log_component *components; /* registry_lock */
static struct rule *rules;		     /* registry_lock */
static size_t rule_count;		     /* registry_lock */

/* Held for reading while a sink runs: a sink that has been replaced is not running any more. */
static pthread_rwlock_t sink_lock = PTHREAD_RWLOCK_INITIALIZER;
static plx_log_sink_t sink;	/* sink_lock; NULL: stderr */
static void *sink_arg;		/* sink_lock */
static plx_log_outlet_t outlet; /* sink_lock; NULL: stderr */
static __thread bool in_sink;

/* --- Levels ---------------------------------------------------------------------------------- */

static int level_for(const char *name, const struct rule *list, size_t n, int otherwise)
{
	while (n-- > 0)
		if (fnmatch(list[n].pattern, name, 0) == 0)
			return list[n].level;
	return otherwise;
}

static void set_level(struct plx_log_component *component, int level)
{
	__atomic_store_n(&component->level, level, __ATOMIC_RELAXED);
}

void plx_log_register(struct plx_log_component *component)
{
	pthread_mutex_lock(&registry_lock);
	set_level(component, level_for(component->name, rules, rule_count, DEFAULT_LEVEL));
	component->next = components;
	components = component;
	pthread_mutex_unlock(&registry_lock);
}

void plx_log_unregister(struct plx_log_component *component)
{
	struct plx_log_component **at;

	pthread_mutex_lock(&registry_lock);
	for (at = &components; *at; at = &(*at)->next) {
		if (*at == component) {
			*at = component->next;
			break;
		}
	}
	pthread_mutex_unlock(&registry_lock);
}

/* Names, and the short forms that people type. */
static int parse_level(const char *text)
{
	static const struct {
		const char *name;
		int level;
	} aliases[] = {{"err", PLX_LOG_ERR}, {"warn", PLX_LOG_WARN}, {"none", PLX_LOG_OFF}};
	size_t i;

	for (i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcasecmp(text, level_names[i]) == 0)
			return (int)i;
	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcasecmp(text, aliases[i].name) == 0)
			return aliases[i].level;
	return -EINVAL;
}

static int parse_rule(char *entry, struct rule *rule)
{
	char *equals = strchr(entry, '=');

	if (equals)
		*equals++ = '\0';
	rule->level = parse_level(equals ? equals : entry);
	if (rule->level < 0 || entry[0] == '\0' || entry[strcspn(entry, " \t\n")] != '\0')
		return -EINVAL;
	rule->pattern = strdup(equals ? entry : "*");
	return rule->pattern ? 0 : -ENOMEM;
}

static void free_rules(struct rule *list, size_t n)
{
	while (n-- > 0)
		free(list[n].pattern);
	free(list);
}

static int parse_rules(char *text, struct rule **list, size_t *n)
{
	char *entry, *rest = text;
	size_t room = 1;
	const char *p;
	int err = 0;

	for (p = text; *p; p++)
		room += *p == ',';
	*n = 0;
	*list = calloc(room, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	while (!err && (entry = strsep(&rest, ",")) != NULL) {
		err = parse_rule(entry, &(*list)[*n]);
		*n += !err;
	}
	if (err)
		free_rules(*list, *n);
	return err;
}

static bool overridden(const struct rule *old, const struct rule *list, size_t n)
{
	while (n-- > 0)
		if (strcmp(list[n].pattern, "*") == 0 || strcmp(list[n].pattern, old->pattern) == 0)
			return true;
	return false;
}

/* What was said before holds for components to come, but for what is said anew. With the lock. */
static int adopt_rules(struct rule *list, size_t n)
{
	struct rule *merged = calloc(rule_count + n, sizeof(*merged));
	struct plx_log_component *component;
	size_t kept = 0, i;

	if (!merged)
		return -ENOMEM;
	for (component = components; component; component = component->next)
		set_level(component, level_for(component->name, list, n, component->level));
	for (i = 0; i < rule_count; i++) {
		if (overridden(&rules[i], list, n))
			free(rules[i].pattern);
		else
			merged[kept++] = rules[i];
	}
	memcpy(merged + kept, list, n * sizeof(*list));
	free(rules);
	rules = merged;
	rule_count = kept + n;
	return 0;
}

int plx_log_set_levels(const char *list)
{
	struct rule *parsed;
	char *text;
	size_t n;
	int err;

	if (!list)
		return -EINVAL;
	text = strdup(list);
	if (!text)
		return -ENOMEM;
	err = parse_rules(text, &parsed, &n);
	free(text);
	if (err)
		return err;
	pthread_mutex_lock(&registry_lock);
	err = adopt_rules(parsed, n);
	pthread_mutex_unlock(&registry_lock);
	if (err)
		free_rules(parsed, n);
	else
		free(parsed);
	return err;
}

/* --- Sink ------------------------------------------------------------------------------------ */

void plx_log_set_sink(plx_log_sink_t new_sink, void *arg)
{
	if (in_sink)
		return;
	pthread_rwlock_wrlock(&sink_lock);
	sink = new_sink;
	sink_arg = arg;
	pthread_rwlock_unlock(&sink_lock);
}

void plx_log_set_outlet(plx_log_outlet_t new_outlet)
{
	pthread_rwlock_wrlock(&sink_lock);
	outlet = new_outlet;
	pthread_rwlock_unlock(&sink_lock);
}

/* A message may quote a device or a file: it must not steer the reader's terminal or fake lines. */
static void make_printable(char *line)
{
	size_t len = strlen(line);

	while (len > 0 && line[len - 1] == '\n')
		line[--len] = '\0';
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = '?';
}

void plx_log(const struct plx_log_component *component, enum plx_log_level level, const char *fmt,
	     ...)
{
	static const char cut[] = "...";
	char line[LINE_MAX_LEN];
	int saved_errno = errno, len;
	va_list args;

	/* A sink that logs would not end. */
	if (in_sink || level < PLX_LOG_OFF || level > PLX_LOG_DEBUG)
		return;
	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(line))
		memcpy(line + sizeof(line) - sizeof(cut), cut, sizeof(cut));
	make_printable(line);

	in_sink = true;
	pthread_rwlock_rdlock(&sink_lock);
	if (sink)
		sink(sink_arg, level, component->name, line);
	else if (outlet)
		outlet(level, component->name, line);
	else
		fprintf(stderr, "pollux: %s: %s: %s\n", component->name, level_names[level], line);
	pthread_rwlock_unlock(&sink_lock);
	in_sink = false;
	errno = saved_errno;
}

/* --- Rate limit ------------------------------------------------------------------------------ */

bool plx_log_allowed(struct plx_log_limit *limit)
{
	uint64_t now = plx_clock_ns();
	uint64_t start = __atomic_load_n(&limit->window_start_ns, __ATOMIC_RELAXED);
	uint32_t nth;

	if (start == 0 || now - start >= NS_PER_SEC) {
		/* Of several threads that see the window end, one opens the next. */
		if (__atomic_compare_exchange_n(&limit->window_start_ns, &start, now, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			__atomic_store_n(&limit->in_window, 0, __ATOMIC_RELAXED);
	}
	nth = __atomic_load_n(&limit->in_window, __ATOMIC_RELAXED);
	if (nth >= ALLOWED_PER_SEC) {
		__atomic_fetch_add(&limit->suppressed, 1, __ATOMIC_RELAXED);
		return false;
	}
	nth = __atomic_fetch_add(&limit->in_window, 1, __ATOMIC_RELAXED);
	/* The first of a window has reported what the last one held back. */
	if (nth > 0)
		__atomic_store_n(&limit->suppressed, 0, __ATOMIC_RELAXED);
	return true;
}
