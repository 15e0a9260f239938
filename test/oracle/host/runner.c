/*
 * Runs driver.asm on the host processor: maps its memory, lets it run a batch of cases, answers what came of them.
 *
 *   runner DRIVER_ADDRESS DRIVER_FILE LOW_ADDRESS BYTES CASES_ADDRESS  <cases >results
 *
 * A fault of a case arrives as a signal, with the vector and error code that the processor gave; it is caught as the
 * driver's own handlers do it where there is no operating system.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* The first words of driver.asm. */
struct header {
  void (*native)(void);
  uint64_t caught;
  uint64_t *now;
};
enum { RFLAGS_INDEX = 16, PATH_INDEX, RIP_INDEX, ERROR_INDEX };
#define FAULTED 0x100

static const struct header *driver;
/* The kernel's names of the registers in the order of their encoding. */
static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void field(int signal_number, siginfo_t *information, void *context) {
  (void)signal_number;
  (void)information;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  uint64_t *now = driver->now;
  for (int n = 0; n < 16; n++) now[n] = registers[order[n]];
  now[RFLAGS_INDEX] = registers[REG_EFL];
  now[PATH_INDEX] = FAULTED + registers[REG_TRAPNO];
  now[RIP_INDEX] = registers[REG_RIP];
  now[ERROR_INDEX] = registers[REG_ERR];
  registers[REG_RIP] = driver->caught;
  registers[REG_EFL] = 0x202;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static size_t fill(int file, uint8_t *to, size_t room) {
  size_t done = 0;
  while (done < room) {
    ssize_t count = read(file, to + done, room - done);
    if (count < 0) fail("read");
    if (count == 0) break;
    done += count;
  }
  return done;
}

int main(int count, char **arguments) {
  if (count != 6) {
    fprintf(stderr, "usage: runner DRIVER_ADDRESS DRIVER_FILE LOW_ADDRESS BYTES CASES_ADDRESS\n");
    return 2;
  }
  uint8_t *at = (uint8_t *)strtoul(arguments[1], 0, 0);
  uint8_t *low = (uint8_t *)strtoul(arguments[3], 0, 0);
  size_t bytes = strtoul(arguments[4], 0, 0);
  uint8_t *cases = (uint8_t *)strtoul(arguments[5], 0, 0);
  void *memory = mmap(low, bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (memory != low) fail("mmap");
  FILE *image = fopen(arguments[2], "rb");
  if (!image) fail(arguments[2]);
  fill(fileno(image), at, cases - at);
  driver = (const struct header *)at;
  size_t size = fill(0, cases, low + bytes - cases);

  static uint8_t stack[1 << 16];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  if (sigaltstack(&alternate, 0)) fail("sigaltstack");
  struct sigaction action = {.sa_sigaction = field, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  const int faults[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGTRAP};
  for (unsigned n = 0; n < sizeof faults / sizeof *faults; n++)
    if (sigaction(faults[n], &action, 0)) fail("sigaction");
  driver->native();

  for (size_t done = 0; done < size;) {
    ssize_t written = write(1, cases + done, size - done);
    if (written < 0) fail("write");
    done += written;
  }
  return 0;
}
