/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of vfio-conformance share: slots for file descriptors, words of
 * a command, and the answer that is being written.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_WORDS 32
#define MAX_SLOTS 26
#define NR_DEVICES 3

/* Memory that commands name by a word: see memory.c. */
#define MEM_SIZE (4UL << 20)

struct command {
	int argc;
	const char *argv[MAX_WORDS];
};

/* files.c: slots 'A'..'Z' for file descriptors */
int slot_fd(const char *word);
int slot_put(const char *word, int fd);
void slots_close(void);
extern const char *devices[NR_DEVICES];

/* memory.c */
uint64_t mem_address(const char *word);
void mem_reset(void);
extern void *mem_bar; /* what the last barmap mapped, or NULL */
extern size_t mem_bar_size;
long locked_kib(void);

/* answer.c */
void answer(const char *format, ...) __attribute__((format(printf, 1, 2)));
void answer_errno(long ret);
uint64_t number(const struct command *c, int index, uint64_t otherwise);
const char *word(const struct command *c, int index);

typedef void (*command_fn)(const struct command *c);

struct command_name {
	const char *name;
	command_fn run;
};

extern const struct command_name group_commands[], dma_commands[], device_commands[], process_commands[];

#endif
