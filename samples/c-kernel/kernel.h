/* A kernel in C that is small enough to step through in one sitting. */
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096

/* console.c: the first serial port */
void print(const char *text);
void print_number(uint64_t value);
void power_off(void) __attribute__((noreturn));

/* memory.c: page frames, and paging on demand */
struct frame {
  struct frame *next;
};
void frames_add(uintptr_t first, size_t count);
void *frame_take(void);
void paging_install(void);
void page_fault(uint64_t error, uintptr_t address);
void page_fault_entry(void);

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
