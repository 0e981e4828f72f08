/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Samples for a Prometheus that scrapes: GET /metrics, by libmicrohttpd on one thread of its own.
 * It listens on loopback only, and answers no request that a browser was talked into (a Host that
 * is not this one).
 */
#include "plx-top.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 8
#define TIMEOUT_S   10

static struct MHD_Daemon *server;

/* --- Answers --------------------------------------------------------------------------------- */

/* Takes text, of malloc(). */
static enum MHD_Result reply(struct MHD_Connection *connection, unsigned int status, char *text,
			     size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				"text/plain; version=0.0.4; charset=utf-8");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status,
			      const char *why)
{
	char *text = strdup(why);

	return text ? reply(connection, status, text, strlen(text)) : MHD_NO;
}

/* "127.0.0.1", "localhost", with or without a port. */
static bool is_this_host(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost"};
	size_t i, len = host ? strcspn(host, ":") : 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (len == strlen(names[i]) && strncmp(host, names[i], len) == 0)
			return true;
	return false;
}

static enum MHD_Result metrics(struct MHD_Connection *connection, const char *name)
{
	json_t *sample = collect(name);
	char *text = NULL;
	size_t len = 0;
	FILE *file;
	int err;

	if (!sample)
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the process cannot be asked\n");
	file = open_memstream(&text, &len);
	err = file ? prometheus_write(sample, file) : -1;
	if (file && fclose(file))
		err = -1;
	json_decref(sample);
	if (!err)
		return reply(connection, MHD_HTTP_OK, text, len);
	free(text);
	return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory\n");
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	if (!is_this_host(
		    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST)))
		return refuse(connection, MHD_HTTP_FORBIDDEN, "ask for 127.0.0.1\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET /metrics\n");
	if (strcmp(url, "/metrics") != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "GET /metrics\n");
	return metrics(connection, arg);
}

/* --- Life ------------------------------------------------------------------------------------ */

int http_start(const char *name, uint16_t *port)
{
	struct sockaddr_in loopback = {.sin_family = AF_INET,
				       .sin_port = htons(*port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, *port, NULL, NULL, answer,
				  (void *)name, MHD_OPTION_SOCK_ADDR, &loopback,
				  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
				  MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
	if (!server) {
		fprintf(stderr, "plx-top: 127.0.0.1:%u cannot be listened on: %s\n", *port,
			strerror(errno));
		return -1;
	}
	*port = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port;
	return 0;
}

void http_stop(void)
{
	MHD_stop_daemon(server);
	server = NULL;
}

int http_run(const char *name, uint16_t port)
{
	sigset_t signals;
	int number;

	/* The server's thread inherits the mask, so that the signal comes here. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (http_start(name, &port))
		return EXIT_FAILURE;
	fprintf(stderr, "plx-top: http://127.0.0.1:%u/metrics\n", port);
	sigwait(&signals, &number);
	http_stop();
	return EXIT_SUCCESS;
}
