#define _GNU_SOURCE
#include "CPlatform.h"

#include <elf.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <string.h>

// The linker's digest of what it wrote lies in a note of the program, which is mapped with it.
static int first_build_id(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size;
    struct {
        const uint8_t **bytes;
        int32_t *count;
    } *found = argument;
    for (int index = 0; index < info->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[index];
        if (header->p_type != PT_NOTE) continue;
        const uint8_t *at = (const uint8_t *)(info->dlpi_addr + header->p_vaddr);
        const uint8_t *end = at + header->p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
            const uint8_t *name = at + sizeof *note;
            const uint8_t *content = name + ((note->n_namesz + 3u) & ~3u);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
                *found->bytes = content;
                *found->count = (int32_t)note->n_descsz;
                return 1;
            }
            at = content + ((note->n_descsz + 3u) & ~3u);
        }
    }
    // The program comes first; the libraries after it have digests of their own.
    return 1;
}

int32_t cplatform_build_id(const uint8_t **bytes) {
    int32_t count = 0;
    *bytes = 0;
    struct {
        const uint8_t **bytes;
        int32_t *count;
    } found = {bytes, &count};
    dl_iterate_phdr(first_build_id, &found);
    return count;
}

const char *cplatform_libc_version(void) { return gnu_get_libc_version(); }
