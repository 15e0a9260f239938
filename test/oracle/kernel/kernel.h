/* What the parts of the test kernel know of each other. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* console.c: COM1. print knows %c %s %d %u %x %p, l for 64 bits, a width and 0. */
void console_open(void);
/* Returns when the last character has left: a machine that ends at once may lose it. */
void console_close(void);
void put(char c);
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* memory.c */
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
char *strstr(const char *text, const char *part);
void map_page(uint64_t linear, uint64_t flags);
uint64_t frames_used(void);
extern uint64_t page_map[512];

/* traps.c */
struct frame {
  uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
  uint64_t vector, error, rip, cs, rflags, rsp, ss;
};
void traps_open(void);
/* Where a fault in the bracketed instruction goes on. 0: nowhere, the fault ends the kernel. */
extern volatile uint64_t recover_at;
extern volatile uint64_t demand_faults;
#define DEMAND_BASE 0x4000000000ull
#define DEMAND_END (DEMAND_BASE + 0x10000000ull)

/* user.c */
void user_run(void);
uint64_t system_call(uint64_t number, uint64_t a, uint64_t b);
/* traps.S */
uint64_t enter_user(void (*code)(void), void *stack);
_Noreturn void leave_user(uint64_t value);
void syscall_entry(void);

/* work.c */
void work_run(void);

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
_Noreturn void end(uint8_t value);
