#include "kernel.h"

/* Nothing is mapped there until it is touched. */
#define HEAP 0x40000000
#define FREE_MEMORY 0x140000

struct node {
  uint64_t value;
  struct node *next;
};

static struct node *heap = (struct node *)HEAP;

/* A new first node of a list. */
static struct node *push(struct node *list, uint64_t value) {
  struct node *node = heap++;
  node->value = value;
  node->next = list;
  return node;
}

/* The sum of a list, the recursive way. */
static uint64_t sum(const struct node *list) {
  if (!list)
    return 0;
  return list->value + sum(list->next);
}

void kernel_main(void) {
  print("C kernel: hello\n");
  frames_add(FREE_MEMORY, 64);
  paging_install();

  struct node *list = NULL;
  for (uint64_t n = 1; n <= 5; n++)
    list = push(list, n * n);

  uint64_t total = sum(list);
  print("sum ");
  print_number(total);
  print("\n");
  power_off();
}
