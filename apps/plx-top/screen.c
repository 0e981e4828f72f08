/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The live view: one table for each kind of thing, rates from the difference of two samples. Only
 * what fits the terminal is drawn; the arrow keys scroll.
 */
#include "plx-top.h"

#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static json_t *now, *before;
static double seconds; /* between them */
static int line, offset;
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = 1;
}

/* --- Numbers --------------------------------------------------------------------------------- */

static long long value(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* The member of an array with the same name. */
static const json_t *same(const json_t *array, const json_t *object)
{
	json_t *element;
	size_t i;

	json_array_foreach((json_t *)array, i,
			   element) if (strcmp(text(element, "name"), text(object, "name")) ==
					0) return element;
	return NULL;
}

static double rate(const json_t *object, const json_t *old, const char *key)
{
	if (!old || seconds <= 0)
		return 0;
	return (double)(value(object, key) - value(old, key)) / seconds;
}

/* "1.23 M": four columns of digits, whatever the size. */
static const char *human(double number)
{
	static char buffers[8][16];
	static unsigned int next;
	char *buffer = buffers[next++ % 8];
	const char *unit = " kMGTPE";

	for (; number >= 1000 && unit[1]; unit++)
		number /= 1000;
	snprintf(buffer, sizeof(buffers[0]), "%.*f %c",
		 number < 10	? 2
		 : number < 100 ? 1
				: 0,
		 number, *unit);
	return buffer;
}

/* --- Tables ---------------------------------------------------------------------------------- */

static void row(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void row(const char *format, ...)
{
	va_list arguments;
	int y = line++ - offset;

	if (y < 0 || y >= LINES)
		return;
	va_start(arguments, format);
	move(y, 0);
	vw_printw(stdscr, format, arguments);
	va_end(arguments);
}

static void heading(const char *title)
{
	attron(A_BOLD);
	row("%s", title);
	attroff(A_BOLD);
}

static void show_lcores(const json_t *document, const json_t *old)
{
	json_t *lcore;
	size_t i;

	heading("  LCORE   BUSY");
	json_array_foreach(json_object_get(document, "lcores"), i, lcore)
	{
		const json_t *was = same(json_object_get(old, "lcores"), lcore);
		double busy = rate(lcore, was, "busy_ns"), idle = rate(lcore, was, "idle_ns");

		if (busy + idle > 0)
			row("  %5s %5.1f%%", text(lcore, "name"), 100 * busy / (busy + idle));
		else
			row("  %5s      -", text(lcore, "name"));
	}
}

static void show_ports(const json_t *document, const json_t *old)
{
	json_t *port;
	size_t i;

	if (json_array_size(json_object_get(document, "ports")) == 0)
		return;
	heading("  PORT               DRIVER   STATE       RX pps   RX bit/s     TX pps   TX bit/s "
		"   "
		"MISSED   DROPPED");
	json_array_foreach(json_object_get(document, "ports"), i, port)
	{
		const json_t *was = same(json_object_get(old, "ports"), port);

		row("  %-18.18s %-8.8s %-8s %9s  %9s  %9s  %9s %9lld %9lld", text(port, "name"),
		    text(port, "driver"), text(port, "state"), human(rate(port, was, "rx_packets")),
		    human(8 * rate(port, was, "rx_bytes")), human(rate(port, was, "tx_packets")),
		    human(8 * rate(port, was, "tx_bytes")), value(port, "rx_missed"),
		    value(port, "rx_dropped") + value(port, "tx_dropped"));
	}
}

static void show_controllers(const json_t *document, const json_t *old)
{
	json_t *ctrl, *qp;
	size_t i, k;

	if (json_array_size(json_object_get(document, "controllers")) == 0)
		return;
	heading("  CONTROLLER         STATE    QPAIR       IOPS     ERRORS  TIMEOUTS   ABORTED");
	json_array_foreach(json_object_get(document, "controllers"), i, ctrl)
	{
		const json_t *was = same(json_object_get(old, "controllers"), ctrl);

		row("  %-18.18s %-8s %5s  %9s  %9s %9lld %9lld", text(ctrl, "name"),
		    text(ctrl, "state"), "", "", "", value(ctrl, "timeouts"),
		    value(ctrl, "aborted"));
		json_array_foreach(json_object_get(ctrl, "qpairs"), k, qp)
			row("  %-18s %-8s %5s  %9s  %9lld", "", "", text(qp, "name"),
			    human(rate(qp, same(json_object_get(was, "qpairs"), qp), "completed")),
			    value(qp, "errors"));
	}
}

static void show_pools(const json_t *document)
{
	json_t *pool, *as;
	size_t i;

	heading("  MEMPOOL            OBJECTS AVAILABLE   REFILLS EXHAUSTED");
	json_array_foreach(json_object_get(document, "mempools"), i, pool) row(
		"  %-18.18s %7lld %9lld %9lld %9lld", text(pool, "name"), value(pool, "objects"),
		value(pool, "available"), value(pool, "refills"), value(pool, "exhausted"));
	json_array_foreach(json_object_get(document, "address_spaces"), i, as)
		row("  address space %s: %lld mappings, %sB", text(as, "name"),
		    value(as, "mappings"), human((double)value(as, "mapped_bytes")));
}

static void show_process(const json_t *document, const json_t *old)
{
	const json_t *memory = json_object_get(document, "memory");

	if (json_object_get(document, "error")) {
		row("%s: %s", text(document, "name"), text(document, "error"));
		row("%s", "");
		return;
	}
	if (json_object_get(old, "error"))
		old = NULL;
	attron(A_REVERSE);
	row("%s, pid %lld, up %.0f s; heap %sB, %sB used, of %s pages", text(document, "name"),
	    value(document, "pid"), json_number_value(json_object_get(document, "uptime_s")),
	    human((double)value(memory, "heap_bytes")),
	    human((double)value(memory, "heap_used_bytes")), text(memory, "kind"));
	attroff(A_REVERSE);
	show_lcores(document, old);
	show_ports(document, old);
	show_controllers(document, old);
	show_pools(document);
	row("%s", "");
}

static void draw(void)
{
	json_t *document;
	size_t i;

	erase();
	line = 0;
	if (json_array_size(now) == 0)
		row("no process has a name; start one with --name NAME ('q' ends this)");
	json_array_foreach(now, i, document) show_process(document, same(before, document));
	refresh();
}

/* --- Loop ------------------------------------------------------------------------------------ */

static double clock_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void on_key(int key)
{
	if (key == 'q')
		ended = 1;
	else if (key == KEY_DOWN)
		offset++;
	else if (key == KEY_UP && offset > 0)
		offset--;
}

/* Until the next sample is due. */
static void wait_for_keys(unsigned int interval_ms)
{
	double end = clock_seconds() + interval_ms / 1e3, left;

	while (!ended && (left = end - clock_seconds()) > 0) {
		timeout((int)(left * 1000) + 1);
		on_key(getch());
		draw();
	}
}

static int loop(const char *name, unsigned int interval_ms)
{
	double last = 0, at;

	while (!ended) {
		json_t *sample = collect(name);

		if (!sample)
			return EXIT_FAILURE;
		at = clock_seconds();
		seconds = at - last;
		last = at;
		json_decref(before);
		before = now;
		now = sample;
		draw();
		wait_for_keys(interval_ms);
	}
	return EXIT_SUCCESS;
}

int screen_run(const char *name, unsigned int interval_ms)
{
	struct sigaction action = {.sa_handler = on_signal};
	SCREEN *screen;
	int status;

	setlocale(LC_ALL, "");
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		fprintf(stderr,
			"plx-top: this terminal cannot be drawn on (TERM=%s); --once --json "
			"prints instead\n",
			getenv("TERM") ? getenv("TERM") : "");
		return EXIT_FAILURE;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	status = loop(name, interval_ms);
	endwin();
	delscreen(screen);
	json_decref(now);
	json_decref(before);
	return status;
}
