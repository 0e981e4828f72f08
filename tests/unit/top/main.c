/* SPDX-License-Identifier: BSD-3-Clause */
/* apps/plx-top: Prometheus text from a document, and samples from a process that runs. */
#include "../../../apps/plx-top/plx-top.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pollux/eal.h>
#include <pollux/log.h>
#include <pollux/telemetry.h>

#include "runner.h"

static void metrics(void)
{
	static const char expected[] = "# TYPE pollux_pid untyped\n"
				       "pollux_pid{process=\"a\"} 7\n"
				       "pollux_pid{process=\"b\"} 8\n"
				       "# TYPE pollux_uptime_s untyped\n"
				       "pollux_uptime_s{process=\"a\"} 1.500000\n"
				       "# TYPE pollux_port_rx_packets untyped\n"
				       "pollux_port_rx_packets{process=\"a\",port=\"p\\\"0\"} 12\n"
				       "# TYPE pollux_port_rx_queue_lies_length untyped\n"
				       "pollux_port_rx_queue_lies_length{process=\"a\",port="
				       "\"p\\\"0\",rx_queue=\"3\"} 9\n";
	json_t *sample = json_loads(
		"[{\"name\":\"a\",\"pid\":7,\"uptime_s\":1.5,\"ports\":[{\"name\":\"p\\\"0\","
		"\"rx_packets\":12,\"rx_queues\":[{\"name\":\"3\",\"lies\":{\"length\":9}}]}]},"
		"{\"name\":\"b\",\"pid\":8,\"ports\":[]}]",
		0, NULL);
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(sample);
	UNIT_EQ(prometheus_write(sample, file), 0);
	fclose(file);
	UNIT_STR(text, expected);
	free(text);
	json_decref(sample);
}

static char *text_of(json_t *sample)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	UNIT_EQ(prometheus_write(sample, file), 0);
	fclose(file);
	return text;
}

/* A document says what it likes: names too long for the labels, and none. */
static void names_that_do_not_fit(void)
{
	char name[1001] = "";
	json_t *sample;
	char *text;
	size_t len;

	/* The label of the queue begins before the end of the room, and would end behind it. */
	for (len = 985; len < sizeof(name); len++) {
		memset(name, 'n', len);
		name[len] = '\0';
		sample = json_pack("[{s:s,s:[{s:s,s:i}]}]", "name", name, "receive_queues_of_it",
				   "name", "q", "x", 1);
		text = text_of(sample);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"} 1\n"));
		free(text);
		json_decref(sample);
	}
	sample = json_pack("[{s:i}]", "pid", 7);
	text = text_of(sample);
	UNIT_STR(text, "# TYPE pollux_pid untyped\npollux_pid{process=\"\"} 7\n");
	free(text);
	json_decref(sample);
}

static void saved_whole(void)
{
	json_t *sample = json_loads("[{\"name\":\"a\",\"pid\":7}]", 0, NULL);
	char dir[] = "/tmp/plx-top-XXXXXX", path[64], line[64] = "";
	FILE *file;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/pollux.prom", dir);
	UNIT_EQ(prometheus_save(sample, path), 0);
	UNIT_EQ(prometheus_save(sample, path), 0);
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT(fgets(line, sizeof(line), file) && fgets(line, sizeof(line), file));
	UNIT_STR(line, "pollux_pid{process=\"a\"} 7\n");
	fclose(file);
	unlink(path);
	UNIT_EQ(rmdir(dir), 0); /* no temporary file is left */
	UNIT_EQ(prometheus_save(sample, "/nonexistent/pollux.prom"), -1);
	json_decref(sample);
}

static void a_process(void)
{
	char name[PLX_NAME_LEN];
	struct plx_eal_config config = {.no_huge = true, .name = name};
	json_t *sample;

	snprintf(name, sizeof(name), "top-%d", getpid());
	UNIT_EQ(plx_eal_init(&config), 0);
	sample = collect(name);
	UNIT_EQ(json_array_size(sample), 1);
	UNIT_STR(json_string_value(json_object_get(json_array_get(sample, 0), "name")), name);
	json_decref(sample);
	sample = collect(NULL);
	CU_ASSERT(json_array_size(sample) >= 1);
	json_decref(sample);
	UNIT_EQ(plx_eal_fini(), 0);
	CU_ASSERT_PTR_NULL(collect(name));
}

/* A process with an EAL of that name. */
static pid_t start_process(const char *name)
{
	struct plx_eal_config config = {.no_huge = true, .name = name};
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (pid == 0) {
		if (plx_eal_init(&config) || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static const char *member_of(const json_t *sample, const char *name, const char *key)
{
	const json_t *document;
	size_t i;

	json_array_foreach((json_t *)sample, i, document)
	{
		if (!strcmp(json_string_value(json_object_get(document, "name")), name))
			return json_string_value(json_object_get(document, key));
	}
	return NULL;
}

static void a_stopped_process(void)
{
	char hangs[PLX_NAME_LEN], runs[PLX_NAME_LEN];
	pid_t hanging, running;
	json_t *sample;

	snprintf(hangs, sizeof(hangs), "top-hangs-%d", getpid());
	snprintf(runs, sizeof(runs), "top-runs-%d", getpid());
	hanging = start_process(hangs);
	running = start_process(runs);
	CU_ASSERT_FATAL(hanging > 0 && running > 0);
	kill(hanging, SIGSTOP);
	UNIT_EQ(waitpid(hanging, NULL, WUNTRACED), hanging);
	sample = collect(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sample);
	UNIT_STR(member_of(sample, hangs, "error"), "Connection timed out");
	UNIT_STR(member_of(sample, runs, "version"), plx_version());
	CU_ASSERT_PTR_NULL(member_of(sample, runs, "error"));
	json_decref(sample);
	/* It is not asked again at once, or this would take as long as the first time. */
	kill(hanging, SIGCONT);
	sample = collect(NULL);
	UNIT_STR(member_of(sample, hangs, "error"), "Connection timed out");
	json_decref(sample);
	kill(hanging, SIGKILL);
	kill(running, SIGKILL);
	waitpid(hanging, NULL, 0);
	waitpid(running, NULL, 0);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

/* Return: the status of the answer, which is in text. */
static int ask(uint16_t port, const char *request, char *text, size_t size)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = -1;
	size_t len = 0;
	ssize_t n = 1;

	text[0] = '\0';
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request)) {
		while (n > 0 && len + 1 < size) {
			n = recv(fd, text + len, size - len - 1, 0);
			len += n > 0 ? (size_t)n : 0;
		}
		text[len] = '\0';
		if (sscanf(text, "HTTP/1.%*d %d", &status) != 1)
			status = -1;
	}
	close(fd);
	return status;
}

static void http(void)
{
	static const struct {
		const char *line, *host;
		int status;
	} asked[] = {
		{"GET /metrics", "127.0.0.1:1", 200},	 {"GET /metrics", "localhost", 200},
		{"HEAD /metrics", "localhost:9", 200},	 {"GET /", "localhost", 404},
		{"POST /metrics", "localhost", 405},	 {"GET /metrics", "example.org", 403},
		{"GET /metrics", "127.0.0.1.evil", 403}, {"GET /metrics", "", 403},
	};
	char name[PLX_NAME_LEN], request[256], expected[128];
	static char text[1 << 20];
	uint16_t port = 0, again;
	pid_t process;
	size_t i;

	snprintf(name, sizeof(name), "top-http-%d", getpid());
	process = start_process(name);
	CU_ASSERT_FATAL(process > 0);
	UNIT_EQ(http_start(name, &port), 0);
	again = port;
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		snprintf(request, sizeof(request),
			 "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", asked[i].line,
			 asked[i].host);
		UNIT_EQ(ask(port, request, text, sizeof(text)), asked[i].status);
		snprintf(expected, sizeof(expected), "\npollux_pid{process=\"%s\"} %d\n", name,
			 process);
		UNIT_EQ(strstr(text, expected) != NULL,
			asked[i].status == 200 && asked[i].line[0] == 'G');
	}
	kill(process, SIGKILL);
	waitpid(process, NULL, 0);
	snprintf(request, sizeof(request),
		 "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	UNIT_EQ(ask(port, request, text, sizeof(text)), 503);
	http_stop();
	UNIT_EQ(ask(port, request, text, sizeof(text)), -1);
	UNIT_EQ(http_start(name, &again), 0);
	UNIT_EQ(again, port);
	http_stop();
}

static CU_TestInfo top_tests[] = {
	{"metrics and labels from a document", metrics},
	{"names that do not fit, and none", names_that_do_not_fit},
	{"a file is replaced whole", saved_whole},
	{"a stopped process ends nothing", a_stopped_process},
	{"Prometheus asks by HTTP", http},
	/* The last: DPDK's runtime, once up, can be had in no child. */
	{"the documents of processes", a_process},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"top", NULL, NULL, NULL, NULL, top_tests},
		CU_SUITE_INFO_NULL,
	};

	if (geteuid() && !getenv("XDG_RUNTIME_DIR"))
		setenv("XDG_RUNTIME_DIR", "/tmp", 1);
	return unit_run(suites);
}
