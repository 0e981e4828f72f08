/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the commands of plx-nvme share: the command table, parsing helpers, the target (EAL,
 * controller, namespace), and signals. Each command is a file of its own.
 */
#ifndef PLX_NVME_APP_H
#define PLX_NVME_APP_H

#include <argp.h>
#include <jansson.h>
#include <signal.h>

#include <pollux/eal.h>
#include <pollux/nvme.h>

/** Exit status for what is wrong with the command line: no device has been touched. */
#define EXIT_USAGE 2
#define MIB	   1048576.0

/** A command: runs with argv[0] as its name, returns the exit status. */
struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

int cmd_list(int argc, char **argv);
int cmd_identify(int argc, char **argv);
int cmd_perf(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_write(int argc, char **argv);
int cmd_zeroes(int argc, char **argv);
int cmd_trim(int argc, char **argv);
int cmd_uncorrectable(int argc, char **argv);
int cmd_scrub(int argc, char **argv);
int cmd_clone(int argc, char **argv);
int cmd_protection(int argc, char **argv);
int cmd_format(int argc, char **argv);
int cmd_ns(int argc, char **argv);
int cmd_directive(int argc, char **argv);
int cmd_virt(int argc, char **argv);
int cmd_reset(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_zns(int argc, char **argv);
int cmd_paths(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_feature(int argc, char **argv);
int cmd_passthru(int argc, char **argv);

/** Set by SIGINT, SIGTERM, SIGHUP, SIGQUIT, once catch_signals() was called. */
extern volatile sig_atomic_t app_stop;
void catch_signals(void);

/** What a command works on. */
struct target {
	struct plx_eal_config eal;
	const char *command; /**< for messages */
	bool takes_path;     /**< the command works on a file, too */
	const char *path;
	const char *bdf;
	uint32_t nsid; /**< 0: not given */
	bool json;
	struct plx_nvme_ctrl_config config; /**< what the options say; the rest is below */
	unsigned int timeout_s;
	unsigned int io_queues; /**< that the command needs; 0: tell how many there are */
	bool eal_is_up;		/**< another target has brought the EAL up, and takes it down */

	bool eal_up;
	uint64_t next_check; /* TSC; target_check() */
	int check_err;	     /* what it has told already */
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ctrl_info info;
	struct plx_nvme_ns *ns;
	const struct plx_nvme_ns_info *ns_info;
};

/**
 * EAL and controller; the log and one line of ours tell what went wrong. Return: exit status, 0
 * when all is well.
 */
int target_open(struct target *t);
/** The namespace --ns, or the first. */
int target_open_ns(struct target *t);
/** Close all that is open. Return: status, or EXIT_FAILURE where that was 0 and the EAL stays. */
int target_close(struct target *t, int status);
/**
 * To be called again and again while I/O runs; looks every 100 ms whether the controller is still
 * to be used. Return: 0, or -ENODEV (the host wants it back, or it is gone), -EIO (broken), told
 * once.
 */
int target_check(struct target *t);
/** Print "plx-nvme perf: 0000:01:00.0: <message>" to stderr. */
void target_error(const struct target *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Parse the command line of a command that opens a controller: its own options, and those of all
 * such commands: BDF, --ns, --json, EAL. At ARGP_KEY_INIT its parser sets child_inputs[0] to the
 * struct target.
 */
void target_parse(int argc, char **argv, const struct argp *argp, void *input);

/** Numbers and sizes of the command line; anything else ends the program with EXIT_USAGE. */
uint64_t parse_number(struct argp_state *state, const char *name, const char *text, uint64_t min,
		      uint64_t max);
uint64_t parse_bytes(struct argp_state *state, const char *name, const char *text, uint64_t min,
		     uint64_t max);

/** Print a JSON value and a newline; consumes it. Return: exit status. */
int print_json(json_t *value);
/** stdout is complete and on its way. Return: status, or EXIT_FAILURE when it could not be. */
int finish_stdout(int status);

#endif /* PLX_NVME_APP_H */
