/* SPDX-License-Identifier: BSD-3-Clause */
/* apps/plx-top: Prometheus text from a document, and samples from a process that runs. */
#include "../../../apps/plx-top/plx-top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

	if (geteuid() && !getenv("XDG_RUNTIME_DIR"))
		setenv("XDG_RUNTIME_DIR", "/tmp", 1);
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

static CU_TestInfo top_tests[] = {
	{"metrics and labels from a document", metrics},
	{"names that do not fit, and none", names_that_do_not_fit},
	{"a file is replaced whole", saved_whole},
	{"the documents of processes", a_process},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"top", NULL, NULL, NULL, NULL, top_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
