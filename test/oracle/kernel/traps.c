/* The IDT, the TSS, and what the kernel does about exceptions. */
#include "kernel.h"

struct gate {
  uint16_t offset_low, selector;
  uint8_t ist, rights;
  uint16_t offset_middle;
  uint32_t offset_high, reserved;
};
struct __attribute__((packed)) tss {
  uint32_t reserved0;
  uint64_t rsp[3];
  uint64_t reserved1;
  uint64_t ist[7];
  uint64_t reserved2;
  uint16_t reserved3, io_map;
};
struct __attribute__((packed)) pointer {
  uint16_t limit;
  uint64_t base;
};

enum { VECTORS = 32, SYSTEM_CALL = 0x80, CODE = 8, TSS_SELECTOR = 0x30, DOUBLE_FAULT = 8, IST_STACK = 1 };
enum { KERNEL_GATE = 0x8e, USER_GATE = 0xee };
enum { IA32_STAR = 0xc0000081, IA32_LSTAR = 0xc0000082, IA32_FMASK = 0xc0000084 };
#define DIRECTION_AND_TRAP_AND_INTERRUPT 0x700

extern uint64_t gdt_tss[2];
extern uint8_t trap_entries[VECTORS][16];
extern void system_call_entry(void);

static struct gate idt[SYSTEM_CALL + 1];
static struct tss tss;
static uint8_t trap_stack[8192] __attribute__((aligned(16)));
static uint8_t fault_stack[4096] __attribute__((aligned(16)));

volatile uint64_t recover_at, demand_faults;
static volatile unsigned steps;

static void set_gate(int vector, void *handler, int ist, int rights) {
  uint64_t at = (uint64_t)handler;
  idt[vector] = (struct gate){at, CODE, ist, rights, at >> 16, at >> 32, 0};
}
static void write_msr(uint32_t index, uint64_t value) {
  __asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

void traps_open(void) {
  for (int vector = 0; vector < VECTORS; vector++)
    set_gate(vector, trap_entries[vector], vector == DOUBLE_FAULT ? IST_STACK : 0, vector == 3 ? USER_GATE : KERNEL_GATE);
  set_gate(SYSTEM_CALL, system_call_entry, 0, USER_GATE);
  tss.rsp[0] = (uint64_t)trap_stack + sizeof trap_stack;
  tss.ist[0] = (uint64_t)fault_stack + sizeof fault_stack;
  tss.io_map = sizeof tss;
  uint64_t base = (uint64_t)&tss;
  gdt_tss[0] = (sizeof tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
  gdt_tss[1] = base >> 32;
  struct pointer pointer = {sizeof idt - 1, (uint64_t)idt};
  __asm__ volatile("lidt %0; ltr %w1" : : "m"(pointer), "r"(TSS_SELECTOR));
  /* SYSCALL enters with CS 8 and SS 10, SYSRET leaves with SS 23 and CS 2B. */
  write_msr(IA32_STAR, 0x0018000800000000);
  write_msr(IA32_LSTAR, (uint64_t)syscall_entry);
  write_msr(IA32_FMASK, DIRECTION_AND_TRAP_AND_INTERRUPT);
}

static uint64_t read_cr2(void) {
  uint64_t value;
  __asm__ volatile("movq %%cr2, %0" : "=r"(value));
  return value;
}

#define RESUME 0x10000
static void debug_exception(struct frame *frame) {
  uint64_t status;
  __asm__ volatile("movq %%dr6, %0" : "=r"(status));
  if (status & 0x4000) steps++;
  if (status & 0xf) print("  breakpoint %lx\n", status & 0xf);
  /* An execution breakpoint is a fault: its instruction shall run now. */
  if (status & 0xf) frame->rflags |= RESUME;
  __asm__ volatile("movq %0, %%dr6" : : "r"(0xffff0ff0ull));
}

void trap(struct frame *frame) {
  static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "",
                                      "#TS", "#NP", "#SS", "#GP", "#PF", "",    "#MF", "#AC", "#MC", "#XM"};
  uint64_t vector = frame->vector;
  if (vector == SYSTEM_CALL) {
    frame->rax = system_call(frame->rdi, frame->rsi, frame->rdx);
    return;
  }
  if (vector == 1) {
    debug_exception(frame);
    return;
  }
  if (vector == 14 && read_cr2() >= DEMAND_BASE && read_cr2() < DEMAND_END && !(frame->error & 1)) {
    demand_faults++;
    map_page(read_cr2() & ~0xfffull, 6);
    return;
  }
  print("  %s ring %d error %lx", vector < 20 ? names[vector] : "?", (int)(frame->cs & 3), frame->error);
  if (vector == 14) print(" at %lx", read_cr2());
  put('\n');
  if (vector == 3) return;
  if (!recover_at) {
    print("no way to go on from %p\n", (void *)frame->rip);
    end(99);
  }
  frame->rip = recover_at;
  recover_at = 0;
}

/* Single-steps five instructions, POPF's successor to the second POPF. */
unsigned traps_step(void) {
  steps = 0;
  __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; xorl %%eax, %%eax; incl %%eax; pushfq; andl $~0x100, (%%rsp); popfq"
                   : : : "rax", "cc", "memory");
  return steps;
}
