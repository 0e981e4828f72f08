/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lets AddressSanitizer see the life of the DMA heap's objects, where the library is built with it:
 * a use after free is then reported like one of malloc's. Elsewhere these are nothing.
 */
#ifndef PLX_EAL_ASAN_H
#define PLX_EAL_ASAN_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define PLX_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PLX_ASAN 1
#endif
#endif

#ifdef PLX_ASAN
#include <sanitizer/asan_interface.h>
#endif

static inline void plx_asan_hide(const void *va, size_t len)
{
#ifdef PLX_ASAN
	ASAN_POISON_MEMORY_REGION(va, len);
#endif
}

static inline void plx_asan_show(const void *va, size_t len)
{
#ifdef PLX_ASAN
	ASAN_UNPOISON_MEMORY_REGION(va, len);
#endif
}

#endif /* PLX_EAL_ASAN_H */
