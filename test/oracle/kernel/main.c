/* A small 64-bit kernel: what it prints on COM1 must be the same on every processor. */
#include "kernel.h"

struct multiboot {
  uint32_t flags, memory_lower, memory_upper, boot_device, command_line, module_count, modules;
};
struct module {
  uint32_t start, end, text, reserved;
};

unsigned traps_step(void);

enum { DEBUG_EXIT = 0xf4 };
_Noreturn void end(uint8_t value) {
  console_close();
  out8(DEBUG_EXIT, value);
  for (;;) __asm__ volatile("hlt");
}

/* Runs instructions of which one faults, and goes on behind them; RBX holds `value`. */
#define TRY(instructions, value)                                                                     \
  do {                                                                                               \
    uint64_t rbx = (value);                                                                          \
    __asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, recover_at(%%rip);" instructions "; 1:"     \
                     : "+b"(rbx)                                                                     \
                     :                                                                               \
                     : "rax", "rcx", "rdx", "memory", "cc");                                         \
    if (recover_at) print("  no fault\n");                                                           \
    recover_at = 0;                                                                                  \
  } while (0)

/*
 * What QEMU 7.2 does not check, or answers otherwise than the manual, is not here: reserved bits of CR0 and CR4, unknown
 * MSRs, RFLAGS.RF in a fault's frame, the error code of an INT beyond the IDT, #SS (it says #GP) for a stack that is not
 * canonical.
 */
static void faults(void) {
  enum { WRITABLE = 2, READ_ONLY = 0 };
  const uint64_t NO_EXECUTE = 1ull << 63, page = DEMAND_END, absent = page + 0x5000;
  print("faults:\n");
  TRY("xorl %%edx, %%edx; xorl %%ecx, %%ecx; divl %%ecx", 0);
  TRY("movq $-1, %%rdx; movq %%rdx, %%rax; idivq %%rbx", 1ull << 63);
  TRY("movl $1, %%edx; divl %%ebx", 1);
  TRY("ud2", 0);
  __asm__ volatile("int3");
  TRY("movw %%bx, %%fs", 0x48);
  TRY("movw %%bx, %%ss", 0);
  TRY("movw %%bx, %%ss", 0x13);
  TRY("movq (%%rbx), %%rdx", 0x8000000000000000);
  TRY("jmp *%%rbx", 0x123456789abcdef0);
  TRY("movq (%%rbx), %%rdx", absent);
  TRY("movq %%rdx, (%%rbx)", absent + 0xffc);
  TRY("jmp *%%rbx", absent + 8);
  map_page(page, READ_ONLY);
  map_page(page + 0x1000, WRITABLE | NO_EXECUTE);
  TRY("incl (%%rbx)", page + 0x10);
  TRY("movq %%rdx, (%%rbx)", page + 0x2000 - 4);
  *(volatile uint8_t *)(page + 0x1000) = 0xc3;
  TRY("jmp *%%rbx", page + 0x1000);
}

/* The first touch of each page of a large array. */
static void demand(void) {
  volatile uint32_t *array = (volatile uint32_t *)DEMAND_BASE;
  enum { STRIDE = 100003, COUNT = 200 };
  uint64_t sum = 0;
  for (uint32_t n = 0; n < COUNT; n++) array[n * STRIDE] = n * n;
  for (uint32_t n = 0; n < COUNT; n++) sum += array[n * STRIDE];
  /* A copy from one missing page to another, across both. */
  memcpy((void *)(DEMAND_BASE + 0x0ffffff0), (void *)DEMAND_BASE, 16);
  memset((void *)(DEMAND_BASE + 0x0c000ffd), 0xa5, 7);
  uint64_t crossing;
  memcpy(&crossing, (void *)(DEMAND_BASE + 0x0c000ffc), 8);
  print("demand: sum %lu, crossing %lx, %lu faults, %lu frames\n", sum, crossing, demand_faults, frames_used());
}

static volatile uint64_t watched;
static __attribute__((noinline)) uint64_t traced(uint64_t x) {
  __asm__ volatile("" : "+r"(x));
  return x * 3 + 1;
}
static void breakpoints(uint64_t control) {
  enum { ALWAYS = 0x400 };
  __asm__ volatile("movq %0, %%dr7" : : "r"(control | ALWAYS) : "memory");
}
static void debugging(void) {
  enum { ENABLE_0 = 2, ENABLE_1 = 8, ENABLE_2 = 0x20 };
  enum { WRITE_0 = 1 << 16, EIGHT_BYTES_0 = 2 << 18, PORT_1 = 2 << 20, READ_WRITE_2 = 3 << 24, TWO_BYTES_2 = 1 << 26 };
  enum { COM1_SCRATCH = 0x3ff, DEBUGGING_EXTENSIONS = 8 };
  print("debugging:\n");
  print("  %u steps\n", traps_step());
  uint64_t cr4;
  __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
  __asm__ volatile("movq %0, %%cr4" : : "r"(cr4 | DEBUGGING_EXTENSIONS));
  __asm__ volatile("movq %0, %%dr0; movq %1, %%dr1; movq %2, %%dr2"
                   : : "r"(&watched), "r"((uint64_t)COM1_SCRATCH), "r"((uint64_t)&watched + 2));

  breakpoints(ENABLE_0 | WRITE_0 | EIGHT_BYTES_0);
  watched = 1;
  uint64_t read = watched;
  ((volatile uint8_t *)&watched)[7] = 2;
  print("  reads and writes of two bytes\n");
  breakpoints(ENABLE_2 | READ_WRITE_2 | TWO_BYTES_2);
  read += ((volatile uint8_t *)&watched)[1];
  read += ((volatile uint8_t *)&watched)[3];
  watched += read;
  print("  ports\n");
  breakpoints(ENABLE_1 | PORT_1);
  out8(COM1_SCRATCH, 0x5a);
  read += in8(COM1_SCRATCH);
  print("  execution\n");
  __asm__ volatile("movq %0, %%dr0" : : "r"(traced));
  breakpoints(ENABLE_0);
  read += traced(read) + traced(5);
  breakpoints(0);
  watched += read;
  print("  watched %lx\n", watched);
}

static void loaded(const struct multiboot *information) {
  enum { MEMORY = 1, COMMAND_LINE = 4, MODULES = 8 };
  print("multiboot: flags %x\n", information->flags & (MEMORY | COMMAND_LINE | MODULES));
  const struct module *modules = (const struct module *)(uint64_t)information->modules;
  for (uint32_t n = 0; n < information->module_count; n++) {
    print("module %u: %u bytes: ", n, modules[n].end - modules[n].start);
    for (uint32_t at = modules[n].start; at < modules[n].end; at++) put(*(const char *)(uint64_t)at);
  }
}

void kernel_main(const struct multiboot *information) {
  console_open();
  print("kernel: 64-bit mode\n");
  loaded(information);
  traps_open();
  work_run();
  faults();
  demand();
  debugging();
  user_run();
  print("kernel: done\n");
  end(3);
}
