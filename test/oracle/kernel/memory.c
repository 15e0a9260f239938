/* Strings, frames, page tables. */
#include "kernel.h"

void *memcpy(void *to, const void *from, size_t bytes) {
  void *start = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
  return start;
}
void *memmove(void *to, const void *from, size_t bytes) {
  if ((uintptr_t)to - (uintptr_t)from >= bytes) return memcpy(to, from, bytes);
  uint8_t *last = (uint8_t *)to + bytes - 1;
  const uint8_t *source = (const uint8_t *)from + bytes - 1;
  __asm__ volatile("std; rep movsb; cld" : "+D"(last), "+S"(source), "+c"(bytes) : : "memory");
  return to;
}
void *memset(void *to, int value, size_t bytes) {
  void *start = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
  return start;
}
int memcmp(const void *a, const void *b, size_t bytes) {
  const uint8_t *x = a, *y = b;
  for (; bytes; bytes--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}
size_t strlen(const char *text) {
  size_t count = ~(size_t)0;
  __asm__ volatile("repne scasb" : "+D"(text), "+c"(count) : "a"(0) : "memory");
  return ~count - 1;
}
int strcmp(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (uint8_t)*a - (uint8_t)*b;
}
char *strstr(const char *text, const char *part) {
  size_t bytes = strlen(part);
  for (; *text; text++)
    if (!memcmp(text, part, bytes)) return (char *)text;
  return bytes ? NULL : (char *)text;
}

/* Frames from 8 MiB on, never given back. */
static uint64_t next_frame = 0x800000;
static uint64_t used;
uint64_t frames_used(void) { return used; }
static uint64_t new_frame(void) {
  uint64_t frame = next_frame;
  next_frame += 0x1000;
  used++;
  memset((void *)frame, 0, 0x1000);
  return frame;
}

enum { PRESENT = 1, WRITE = 2, USER = 4 };
#define ADDRESS 0x000ffffffffff000ull

/* Maps a new frame at `linear`, with the tables on the way. */
void map_page(uint64_t linear, uint64_t flags) {
  uint64_t *table = page_map;
  for (int shift = 39; shift > 12; shift -= 9) {
    uint64_t *entry = &table[(linear >> shift) & 511];
    if (!(*entry & PRESENT)) *entry = new_frame() | PRESENT | WRITE | USER;
    table = (uint64_t *)(*entry & ADDRESS);
  }
  table[(linear >> 12) & 511] = new_frame() | flags | PRESENT;
  __asm__ volatile("invlpg (%0)" : : "r"(linear) : "memory");
}
