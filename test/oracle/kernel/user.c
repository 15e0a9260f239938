/* A program in ring 3, and the calls that the kernel serves it. */
#include "kernel.h"

enum call { CALL_PRINT, CALL_ADD, CALL_LEAVE };

uint64_t system_call(uint64_t number, uint64_t a, uint64_t b) {
  switch (number) {
    case CALL_PRINT:
      print("  user says: %s\n", (const char *)a);
      return strlen((const char *)a);
    case CALL_ADD:
      return a + b;
    default:
      leave_user(a);
  }
}

static uint64_t by_interrupt(uint64_t number, uint64_t a, uint64_t b) {
  uint64_t result;
  __asm__ volatile("int $0x80" : "=a"(result) : "D"(number), "S"(a), "d"(b) : "memory");
  return result;
}
static uint64_t by_syscall(uint64_t number, uint64_t a, uint64_t b) {
  uint64_t result;
  /* As a C call, the kernel keeps only what the callee must keep. */
  __asm__ volatile("syscall"
                   : "=a"(result), "+D"(number), "+S"(a), "+d"(b)
                   :
                   : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
  return result;
}

static void program(void) {
  uint64_t said = by_interrupt(CALL_PRINT, (uint64_t) "hello by INT 0x80", 0);
  said += by_syscall(CALL_PRINT, (uint64_t) "hello by SYSCALL", 0);
  uint64_t sum = 0;
  for (uint64_t n = 0; n < 1000; n++) sum = (n & 1 ? by_interrupt : by_syscall)(CALL_ADD, sum, n);
  /* HLT and CLI are the kernel's. */
  __asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, recover_at(%%rip); hlt; 1:" : : : "rax", "memory");
  __asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, recover_at(%%rip); cli; 1:" : : : "rax", "memory");
  __asm__ volatile("int3");
  by_syscall(CALL_LEAVE, said * 1000000 + sum, 0);
  for (;;) continue;
}

void user_run(void) {
  static uint8_t stack[8192] __attribute__((aligned(16)));
  uint64_t value = enter_user(program, stack + sizeof stack - 8);
  print("user: left with %lu\n", value);
}
