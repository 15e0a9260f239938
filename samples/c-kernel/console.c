#include "kernel.h"

#define SERIAL_PORT 0x3f8
#define POWER_PORT 0x8900

void print(const char *text) {
  for (; *text; text++)
    out8(SERIAL_PORT, *text);
}

void print_number(uint64_t value) {
  char digits[21];
  char *at = digits + sizeof digits - 1;
  *at = 0;
  do {
    *--at = '0' + value % 10;
    value /= 10;
  } while (value);
  print(at);
}

void power_off(void) {
  for (const char *word = "Shutdown"; *word; word++)
    out8(POWER_PORT, *word);
  for (;;)
    __asm__ volatile("hlt");
}
