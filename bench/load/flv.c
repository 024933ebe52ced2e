// FLV over HTTP: a GET, the head of its answer, and the tags of the body as messages.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "load.h"

enum { kFileHeader = 9 + 4, kTagHeader = 11, kPreviousSize = 4, kMaxHead = 16384 };

void http_get(struct Bytes *out, const char *path, bool keep_alive) {
  char text[1024];
  int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s:%u\r\nConnection: %s\r\n\r\n",
                   path, options.host, options.port, keep_alive ? "keep-alive" : "close");
  put_raw(out, text, (size_t)n);
}

size_t http_head_size(const uint8_t *bytes, size_t size) {
  const uint8_t *end = memmem(bytes, size, "\r\n\r\n", 4);
  return end ? (size_t)(end - bytes) + 4 : 0;
}

int http_status(const uint8_t *bytes, size_t size) {
  return size >= 12 && memcmp(bytes, "HTTP/1.", 7) == 0 ? atoi((const char *)bytes + 9) : 0;
}

long http_content_length(const char *head) {
  const char *field = strcasestr(head, "\r\ncontent-length:");
  return field ? strtol(field + 17, NULL, 10) : -1;
}

void flv_request(struct Session *s) {
  char path[520];
  struct Bytes out = {0};
  snprintf(path, sizeof path, "/%s/%s", options.app, options.stream);
  http_get(&out, path, false);
  s->stage = kHandshake;
  session_send(s, out.data, out.size);
  free(out.data);
}

// The stages of RTMP are reused: kHandshake until the head is there, kStarting until the FLV header
// is.
void flv_answer(struct Session *s) {
  size_t size;
  const uint8_t *bytes = reader_bytes(s->reader, &size);
  if (s->stage == kHandshake) {
    size_t head = http_head_size(bytes, size);
    if (head == 0) {
      if (size > kMaxHead) session_close(s, "the answer has no end of its head");
      return;
    }
    if (http_status(bytes, head) != 200) {
      session_close(s, "the server refused the stream");
      return;
    }
    reader_skip(s->reader, head);
    s->stage = kStarting;
    bytes = reader_bytes(s->reader, &size);
  }
  if (size < kFileHeader) return;
  if (memcmp(bytes, "FLV\1", 4) != 0) {
    session_close(s, "the answer is not FLV");
    return;
  }
  reader_skip(s->reader, kFileHeader);
  session_start(s);
}

bool flv_run(struct Reader *r, struct Session *s, MessageHandler handler) {
  bool good = true;
  reader_hold(r, true);
  while (!reader_dead(r)) {
    size_t size;
    const uint8_t *tag = reader_bytes(r, &size);
    if (size < kTagHeader) break;
    uint32_t length = get_be(tag + 1, 3);
    size_t whole = kTagHeader + length + kPreviousSize;
    if (size < whole) break;
    good = get_be(tag + kTagHeader + length, 4) == kTagHeader + length;
    if (!good) break;
    uint32_t timestamp = get_be(tag + 4, 3) | (uint32_t)tag[7] << 24;
    reader_skip(r, whole);
    handler(s, &(struct Message){timestamp, length, 0, tag[0], tag + kTagHeader});
  }
  reader_hold(r, false);
  return good;
}
