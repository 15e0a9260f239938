/* Free page frames in a list that lies in the frames themselves, and pages that appear when they are first touched. */
#include "kernel.h"

#define PRESENT 1
#define WRITABLE 2
#define PAGE_FAULT_VECTOR 14
#define CODE_SELECTOR 8
#define INTERRUPT_GATE 0x8e

struct gate {
  uint16_t offset_low, selector;
  uint8_t stack, type;
  uint16_t offset_middle;
  uint32_t offset_high, reserved;
};

extern uint64_t pml4[512];
static struct frame *free_frames;
static struct gate idt[32];
static unsigned faults;

void frames_add(uintptr_t first, size_t count) {
  for (size_t n = count; n > 0; n--) {
    struct frame *frame = (struct frame *)(first + (n - 1) * PAGE_BYTES);
    frame->next = free_frames;
    free_frames = frame;
  }
}

/* A frame of zeros. */
void *frame_take(void) {
  struct frame *frame = free_frames;
  free_frames = frame->next;
  uint64_t *words = (uint64_t *)frame;
  for (int n = 0; n < PAGE_BYTES / 8; n++)
    words[n] = 0;
  return frame;
}

/* The table that an entry points to, made when there is none yet. */
static uint64_t *table_below(uint64_t *entry) {
  if (!(*entry & PRESENT))
    *entry = (uintptr_t)frame_take() | PRESENT | WRITABLE;
  return (uint64_t *)(*entry & ~0xfffull);
}

static void map_page(uintptr_t address, void *frame) {
  uint64_t *table = pml4;
  for (int level = 4; level > 1; level--) {
    int index = (address >> (12 + 9 * (level - 1))) & 511;
    table = table_below(&table[index]);
  }
  table[(address >> 12) & 511] = (uintptr_t)frame | PRESENT | WRITABLE;
}

/* Called by page_fault_entry; the instruction that faulted is tried again afterwards. */
void page_fault(uint64_t error, uintptr_t address) {
  faults++;
  print("page fault ");
  print_number(faults);
  print(error & WRITABLE ? " (write)\n" : " (read)\n");
  map_page(address, frame_take());
}

void paging_install(void) {
  uintptr_t entry = (uintptr_t)page_fault_entry;
  struct gate *gate = &idt[PAGE_FAULT_VECTOR];
  gate->offset_low = entry;
  gate->offset_middle = entry >> 16;
  gate->offset_high = entry >> 32;
  gate->selector = CODE_SELECTOR;
  gate->type = INTERRUPT_GATE;
  struct {
    uint16_t limit;
    uint64_t base;
  } __attribute__((packed)) idtr = {sizeof idt - 1, (uintptr_t)idt};
  __asm__ volatile("lidt %0" : : "m"(idtr));
}
