/* Output on COM1, polled, and formatting. */
#include "kernel.h"

enum { COM1 = 0x3f8, LINE_CONTROL = COM1 + 3, LINE_STATUS = COM1 + 5 };

void console_open(void) {
  out8(COM1 + 1, 0);
  out8(LINE_CONTROL, 0x80);
  out8(COM1, 1);
  out8(COM1 + 1, 0);
  out8(LINE_CONTROL, 3);
}

void console_close(void) {
  while (!(in8(LINE_STATUS) & 0x40)) continue;
}

void put(char c) {
  while (!(in8(LINE_STATUS) & 0x20)) continue;
  out8(COM1, c);
}

static void put_number(uint64_t value, unsigned base, int negative, int width, char fill) {
  char digits[24];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value);
  if (negative && fill == '0') put('-');
  for (int n = count + negative; n < width; n++) put(fill);
  if (negative && fill != '0') put('-');
  while (count) put(digits[--count]);
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') {
      put(*format);
      continue;
    }
    char fill = ' ';
    int width = 0, wide = 0;
    if (*++format == '0') fill = *format++;
    while (*format >= '0' && *format <= '9') width = width * 10 + *format++ - '0';
    while (*format == 'l') wide = 1, format++;
    switch (*format) {
      case 'c':
        put(va_arg(arguments, int));
        break;
      case 's': {
        const char *text = va_arg(arguments, const char *);
        for (int n = strlen(text); n < width; n++) put(' ');
        while (*text) put(*text++);
        break;
      }
      case 'd': {
        int64_t value = wide ? va_arg(arguments, int64_t) : va_arg(arguments, int);
        put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0, width, fill);
        break;
      }
      case 'u':
      case 'x': {
        uint64_t value = wide ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
        put_number(value, *format == 'u' ? 10 : 16, 0, width, fill);
        break;
      }
      case 'p':
        put_number((uint64_t)va_arg(arguments, void *), 16, 0, 16, '0');
        break;
      default:
        put(*format);
    }
  }
  va_end(arguments);
}
