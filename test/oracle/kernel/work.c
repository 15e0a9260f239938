/* Ordinary computing: what compilers make of it runs through most of the integer instruction set. */
#include "kernel.h"

static uint64_t seed;
static uint64_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static void quicksort(int64_t *a, int low, int high) {
  if (low >= high) return;
  int64_t pivot = a[low + (high - low) / 2];
  int i = low, j = high;
  while (i <= j) {
    while (a[i] < pivot) i++;
    while (a[j] > pivot) j--;
    if (i <= j) {
      int64_t t = a[i];
      a[i++] = a[j];
      a[j--] = t;
    }
  }
  quicksort(a, low, j);
  quicksort(a, i, high);
}
static void sorting(void) {
  static int64_t numbers[2000];
  enum { COUNT = sizeof numbers / sizeof *numbers };
  seed = 88172645463325252ull;
  for (int n = 0; n < COUNT; n++) numbers[n] = (int64_t)next_random() >> (n % 60);
  quicksort(numbers, 0, COUNT - 1);
  uint64_t mix = 0;
  int sorted = 1;
  for (int n = 0; n < COUNT; n++) {
    if (n && numbers[n - 1] > numbers[n]) sorted = 0;
    mix = mix * 31 + (uint64_t)numbers[n];
  }
  print("sort: %s, least %ld, greatest %ld, mix %016lx\n", sorted ? "sorted" : "wrong", numbers[0], numbers[COUNT - 1], mix);
}

static void primes(void) {
  static uint8_t composite[20000];
  int count = 0, last = 0;
  for (int n = 2; n < (int)sizeof composite; n++) {
    if (composite[n]) continue;
    count++;
    last = n;
    for (int m = n + n; m < (int)sizeof composite; m += n) composite[m] = 1;
  }
  print("primes: %d, the last is %d\n", count, last);
}

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }
/* SHA-256 (FIPS 180-4). Its constants are roots of primes: found here with integers. */
static uint32_t root_fraction(uint32_t prime, int cubic) {
  unsigned __int128 target = (unsigned __int128)prime << (cubic ? 96 : 64);
  uint64_t root = 0;
  for (int bit = 36; bit >= 0; bit--) {
    uint64_t candidate = root | 1ull << bit;
    unsigned __int128 power = (unsigned __int128)candidate * candidate;
    /* 37 bits cubed fit 128 bits. */
    if (cubic) power *= candidate;
    if (power <= target) root = candidate;
  }
  return (uint32_t)root;
}
static void sha256(const uint8_t *text, size_t bytes, uint8_t *digest) {
  uint32_t state[8], k[64];
  for (int n = 0, prime = 2; n < 64; prime++) {
    int divisor = 2;
    while (divisor < prime && prime % divisor) divisor++;
    if (divisor < prime) continue;
    if (n < 8) state[n] = root_fraction(prime, 0);
    k[n++] = root_fraction(prime, 1);
  }
  static uint8_t block[256];
  size_t padded = (bytes + 9 + 63) / 64 * 64;
  memset(block, 0, sizeof block);
  memcpy(block, text, bytes);
  block[bytes] = 0x80;
  for (int n = 0; n < 8; n++) block[padded - 1 - n] = (uint64_t)bytes * 8 >> 8 * n;
  for (size_t at = 0; at < padded; at += 64) {
    uint32_t w[64], v[8];
    for (int n = 0; n < 16; n++) {
      memcpy(&w[n], &block[at + 4 * n], 4);
      w[n] = __builtin_bswap32(w[n]);
    }
    for (int n = 16; n < 64; n++)
      w[n] = w[n - 16] + w[n - 7] + (rotate(w[n - 15], 7) ^ rotate(w[n - 15], 18) ^ w[n - 15] >> 3) +
             (rotate(w[n - 2], 17) ^ rotate(w[n - 2], 19) ^ w[n - 2] >> 10);
    memcpy(v, state, sizeof v);
    for (int n = 0; n < 64; n++) {
      uint32_t t1 = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[n] + w[n];
      uint32_t t2 = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
      memmove(v + 1, v, 7 * sizeof *v);
      v[4] += t1;
      v[0] = t1 + t2;
    }
    for (int n = 0; n < 8; n++) state[n] += v[n];
  }
  for (int n = 0; n < 32; n++) digest[n] = state[n / 4] >> (24 - 8 * (n % 4));
}
static void hashing(void) {
  static const char *const texts[] = {"", "abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"};
  for (unsigned n = 0; n < sizeof texts / sizeof *texts; n++) {
    uint8_t digest[32];
    sha256((const uint8_t *)texts[n], strlen(texts[n]), digest);
    print("sha256: ");
    for (int byte = 0; byte < 32; byte++) print("%02x", digest[byte]);
    put('\n');
  }
}

static int queens(int row, unsigned columns, unsigned left, unsigned right) {
  if (row == 8) return 1;
  int count = 0;
  for (unsigned free = ~(columns | left | right) & 0xff; free; free &= free - 1) {
    unsigned bit = free & -free;
    count += queens(row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return count;
}
static unsigned ackermann(unsigned m, unsigned n) {
  return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static void arithmetic(void) {
  volatile int64_t a = -7766279631452241919ll, b = 1000000007;
  volatile uint64_t u = 0xfedcba9876543210ull;
  volatile int32_t c = -2147483647, d = 46341;
  volatile int16_t e = -32768, f = 181;
  print("divide: %ld %ld %lu %lu %d %d %d %d\n", a / b, a % b, u / 12345, u % 12345, c / d, c % d, e / f, e % f);
  unsigned __int128 product = (unsigned __int128)u * (uint64_t)a;
  print("multiply: %016lx%016lx %d %d\n", (uint64_t)(product >> 64), (uint64_t)product, c * d, e * f);
  print("bits: %d %d %d %lx %lx %x\n", __builtin_popcountll(u), __builtin_clzll(u), __builtin_ctzll(u), __builtin_bswap64(u),
        u << 13 | u >> 51, (uint32_t)u >> 7 ^ (uint32_t)c);
  int64_t sum, difference;
  int carried = __builtin_add_overflow(a, a, &sum), borrowed = __builtin_sub_overflow(a, b, &difference);
  print("overflow: %d %ld, %d %ld\n", carried, sum, borrowed, difference);
  print("conditions: %d%d%d%d%d%d\n", a < b, a > b, (uint64_t)a < u, c <= d, e >= f, u == (uint64_t)a);
}

static void text(void) {
  char line[64];
  memset(line, '-', sizeof line);
  memcpy(line, "The quick brown fox", 20);
  memmove(line + 4, line, 20);
  memcpy(line, "See ", 4);
  print("text: \"%s\" length %lu, compare %d %d, \"%s\"\n", line, strlen(line), strcmp("ring", "root") < 0, strcmp("vmx", "vmx"),
        strstr(line, "brown"));
  print("format: [%5d] [%05d] [%d] [%x] [%016lx] [%c] [%8s] [%u] [%p]\n", -42, -42, 7, 0xbeef, 0x123456789abcul, '%', "right",
        4000000000u, (void *)0x100000);
}

void work_run(void) {
  text();
  arithmetic();
  sorting();
  primes();
  hashing();
  print("queens: %d, ackermann: %u\n", queens(0, 0, 0, 0), ackermann(2, 9));
}
