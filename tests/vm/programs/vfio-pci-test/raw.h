/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO without a library between: what vfio-pci-test's commands share. They do to
 * the kernel what no library would.
 */
#ifndef VFIO_PCI_TEST_RAW_H
#define VFIO_PCI_TEST_RAW_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An open device with a container and a group of its own. */
struct raw {
	const char *name;
	int container, group, device;
};

/* Each ends the program, with a message, on an error that is not its business to provoke. */
void raw_open_group(struct raw *raw, const char *name);
void raw_open(struct raw *raw, const char *name);
int raw_group_number(const char *name);
int raw_get_device(const struct raw *raw);
void raw_close(struct raw *raw);
uint64_t raw_region(int device, unsigned int index, uint64_t *size);

/* Configuration space; errors are ignored, as the commands provoke them. */
uint32_t config_get(int device, uint16_t pos, size_t width);
void config_set(int device, uint16_t pos, size_t width, uint32_t value);
uint16_t config_find_cap(int device, uint8_t id);

/* SET_IRQS with eventfds, or with none. Returns 0 or -errno. */
int irq_set_fds(int device, unsigned int index, unsigned int start, unsigned int count,
		const int32_t *fds, uint32_t action);
int irq_set_none(int device, unsigned int index, unsigned int count, uint32_t action);

/* Reads a word, or says that there was a SIGBUS. */
bool load_safely(const volatile uint32_t *p, uint32_t *value);

_Noreturn void die(const char *what);
void expect(long long actual, long long expected, const char *what, const char *file, int line);
#define EXPECT(actual, expected) expect((actual), (expected), #actual, __FILE__, __LINE__)

int command_sweep(int argc, char **argv);
int command_race(int argc, char **argv);
int command_hot_reset(int argc, char **argv);
int command_huge(int argc, char **argv);
int command_power(int argc, char **argv);
int command_fail(int argc, char **argv);
int command_vga(int argc, char **argv);
int command_token(int argc, char **argv);
int command_rom(int argc, char **argv);
int command_noiommu(int argc, char **argv);

#endif
