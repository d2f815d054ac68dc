#define _GNU_SOURCE     /* dladdr1 */
#include "run/symbol.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file's bytes. Nothing in them is trusted: what is read out of them is bounded first and copied out. */
typedef struct image {
    const uint8_t *bytes;
    size_t size;
} image;

static bool copy_at(const image *file, uint64_t offset, void *to, size_t size)
{
    if (offset > file->size || size > file->size - offset)
        return false;
    memcpy(to, file->bytes + offset, size);
    return true;
}

static bool read_head(const image *file, Elf64_Ehdr *head)
{
    return copy_at(file, 0, head, sizeof *head) && !memcmp(head->e_ident, ELFMAG, SELFMAG) &&
           head->e_ident[EI_CLASS] == ELFCLASS64 && head->e_ident[EI_DATA] == ELFDATA2LSB &&
           head->e_shentsize == sizeof(Elf64_Shdr);
}

static bool read_section(const image *file, const Elf64_Ehdr *head, uint64_t number, Elf64_Shdr *section)
{
    return number < head->e_shnum && head->e_shoff < file->size &&
           copy_at(file, head->e_shoff + number * sizeof *section, section, sizeof *section) &&
           section->sh_offset <= file->size &&
           (section->sh_type == SHT_NOBITS || section->sh_size <= file->size - section->sh_offset);
}

static bool copy_name(const image *file, const Elf64_Shdr *names, uint64_t at, char *name, size_t size)
{
    if (at >= names->sh_size || names->sh_type != SHT_STRTAB)
        return false;
    const char *text = (const char *)file->bytes + names->sh_offset + at;
    size_t length = strnlen(text, names->sh_size - at);
    if (!length || length == names->sh_size - at)
        return false;
    snprintf(name, size, "%s", text);
    return true;
}

static bool find_in_table(const image *file, const Elf64_Shdr *table, const Elf64_Shdr *names, uint64_t value,
                          char *name, size_t size)
{
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table->sh_size; at += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        if (copy_at(file, table->sh_offset + at, &symbol, sizeof symbol) && symbol.st_value == value &&
            ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF)
            return copy_name(file, names, symbol.st_name, name, size);
    }
    return false;
}

static bool find_symbol(const image *file, uint64_t value, char *name, size_t size)
{
    Elf64_Ehdr head;
    Elf64_Shdr table, names;
    if (!read_head(file, &head))
        return false;
    for (uint64_t i = 0; i < head.e_shnum; i++)
        if (read_section(file, &head, i, &table) && table.sh_type == SHT_SYMTAB &&
            read_section(file, &head, table.sh_link, &names))
            return find_in_table(file, &table, &names, value, name, size);
    return false;
}

static bool find_in_file(const char *path, uint64_t value, char *name, size_t size)
{
    bool found = false;
    struct stat about;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    if (!fstat(descriptor, &about) && about.st_size > 0) {
        image file = {.size = (size_t)about.st_size};
        void *bytes = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (bytes != MAP_FAILED) {
            file.bytes = bytes;
            found = find_symbol(&file, value, name, size);
            munmap(bytes, file.size);
        }
    }
    close(descriptor);
    return found;
}

/* "inner.0" is nested; "outer.constprop.0", "outer.lto_priv.3" are names that the compiler gave to "outer". */
static symbol_kind kind_of_name(char *name)
{
    char *dot = strchr(name, '.');
    if (!dot || dot == name)
        return SYMBOL_NAMED;
    bool nested = dot[1] && dot[1 + strspn(dot + 1, "0123456789")] == '\0';
    *dot = '\0';
    return nested ? SYMBOL_NESTED : SYMBOL_NAMED;
}

symbol_kind symbol_of(rf_any_function *function, char *name, size_t size)
{
    Dl_info about = {0};
    struct link_map *loaded = NULL;
    void *address = (void *)(uintptr_t)function;
    if (!dladdr1(address, &about, (void **)&loaded, RTLD_DL_LINKMAP) || !loaded) {
        snprintf(name, size, "%p", address);
        return SYMBOL_NOWHERE;
    }
    if (about.dli_sname && about.dli_saddr == address) {
        snprintf(name, size, "%s", about.dli_sname);
        return kind_of_name(name);
    }
    bool program = !loaded->l_name || !loaded->l_name[0];
    uint64_t value = (uintptr_t)function - loaded->l_addr;
    if (find_in_file(program ? "/proc/self/exe" : loaded->l_name, value, name, size))
        return kind_of_name(name);
    snprintf(name, size, "%s+%#" PRIx64, about.dli_fname ? about.dli_fname : "the program", value);
    return SYMBOL_UNKNOWN;
}
