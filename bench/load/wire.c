// RTMP on the wire: AMF0 and message writer, chunk stream reader.
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { kMaxChunkStreams = 16, kMaxMessage = 16 << 20, kExtended = 0xffffff };

static void grow(uint8_t **data, size_t *capacity, size_t wanted) {
  if (wanted <= *capacity) return;
  size_t bigger = *capacity ? *capacity * 2 : 512;
  while (bigger < wanted) bigger *= 2;
  *data = realloc(*data, bigger);
  if (!*data) die("out of memory");
  *capacity = bigger;
}

void put_raw(struct Bytes *b, const void *data, size_t size) {
  if (size == 0) return;
  grow(&b->data, &b->capacity, b->size + size);
  memcpy(b->data + b->size, data, size);
  b->size += size;
}

void put_be(struct Bytes *b, uint64_t value, int bytes) {
  uint8_t out[8];
  for (int i = 0; i < bytes; i++) out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
  put_raw(b, out, (size_t)bytes);
}

uint32_t get_be(const uint8_t *p, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; i++) value = value << 8 | p[i];
  return value;
}

void put_key(struct Bytes *b, const char *key) {
  put_be(b, strlen(key), 2);
  put_raw(b, key, strlen(key));
}

void put_string(struct Bytes *b, const char *text) {
  put_be(b, 2, 1);
  put_key(b, text);
}

void put_number(struct Bytes *b, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_be(b, 0, 1);
  put_be(b, bits, 8);
}

void put_boolean(struct Bytes *b, bool value) {
  put_be(b, 1, 1);
  put_be(b, value, 1);
}

void put_null(struct Bytes *b) { put_be(b, 5, 1); }

void put_message(struct Bytes *b, int csid, const struct Message *m) {
  bool extended = m->timestamp >= kExtended;
  put_be(b, (uint64_t)csid, 1);
  put_be(b, extended ? kExtended : m->timestamp, 3);
  put_be(b, m->length, 3);
  put_be(b, m->type, 1);
  for (int i = 0; i < 4; i++) put_be(b, m->stream_id >> (8 * i), 1);
  for (uint32_t at = 0; at < m->length || at == 0; at += kChunkSizeOut) {
    if (at > 0) put_be(b, (uint64_t)(0xc0 | csid), 1);
    if (extended) put_be(b, m->timestamp, 4);
    uint32_t left = m->length - at;
    put_raw(b, m->body + at, left < kChunkSizeOut ? left : kChunkSizeOut);
  }
}

// One chunk stream: its last header, and the message being put together.
struct ChunkStream {
  uint32_t csid, timestamp, field, length, stream_id;
  uint32_t got;
  uint8_t type;
  bool absolute, extended;
  uint8_t *body;
  size_t capacity;
};

struct Reader {
  uint8_t *data;
  size_t size, capacity, at;
  uint32_t chunk_size;
  bool running, dead;
  uint32_t streams;
  struct ChunkStream stream[kMaxChunkStreams];
};

struct Reader *reader_new(void) {
  struct Reader *r = calloc(1, sizeof *r);
  if (!r) die("out of memory");
  r->chunk_size = 128;
  return r;
}

// May be called by the handler: then it happens when the run ends.
void reader_free(struct Reader *r) {
  if (!r) return;
  r->dead = true;
  if (r->running) return;
  for (uint32_t i = 0; i < r->streams; i++) free(r->stream[i].body);
  free(r->data);
  free(r);
}

uint8_t *reader_space(struct Reader *r, size_t wanted) {
  if (r->at > 0) {
    memmove(r->data, r->data + r->at, r->size - r->at);
    r->size -= r->at;
    r->at = 0;
  }
  grow(&r->data, &r->capacity, r->size + wanted);
  return r->data + r->size;
}

void reader_received(struct Reader *r, size_t size) { r->size += size; }

const uint8_t *reader_bytes(const struct Reader *r, size_t *size) {
  *size = r->size - r->at;
  return r->data + r->at;
}

void reader_skip(struct Reader *r, size_t size) { r->at += size; }
void reader_set_chunk_size(struct Reader *r, uint32_t size) { r->chunk_size = size; }
bool reader_dead(const struct Reader *r) { return r->dead; }

void reader_hold(struct Reader *r, bool on) {
  r->running = on;
  if (!on && r->dead) reader_free(r);
}

static struct ChunkStream *find_stream(struct Reader *r, uint32_t csid) {
  for (uint32_t i = 0; i < r->streams; i++)
    if (r->stream[i].csid == csid) return &r->stream[i];
  if (r->streams == kMaxChunkStreams) return NULL;
  struct ChunkStream *c = &r->stream[r->streams++];
  c->csid = csid;
  return c;
}

// Reads a message header of 11, 7, 3 or 0 bytes into `c`, which is a copy until the whole chunk is
// there.
static void read_header(struct ChunkStream *c, int fmt, const uint8_t *p) {
  if (fmt <= 2) {
    c->field = get_be(p, 3);
    c->extended = c->field == kExtended;
    c->absolute = fmt == 0;
  }
  if (fmt <= 1) {
    c->length = get_be(p + 3, 3);
    c->type = p[6];
  }
  if (fmt == 0) {
    c->stream_id =
        (uint32_t)p[7] | (uint32_t)p[8] << 8 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 24;
  }
}

// Takes one whole chunk. Returns 1 when taken, 0 when bytes are missing, -1 when it is no chunk
// stream.
static int read_chunk(struct Reader *r, struct Session *s, MessageHandler handler) {
  static const uint8_t header_size[] = {11, 7, 3, 0};
  const uint8_t *start = r->data + r->at, *end = r->data + r->size, *p = start;
  if (end - p < 1) return 0;
  int fmt = *p >> 6;
  uint32_t csid = *p++ & 0x3f;
  if (csid < 2) {
    int extra = (int)csid + 1;
    if (end - p < extra) return 0;
    csid = 64 + p[0] + (extra == 2 ? 256u * p[1] : 0);
    p += extra;
  }
  struct ChunkStream *known = find_stream(r, csid);
  if (!known) return -1;
  if (end - p < header_size[fmt]) return 0;
  struct ChunkStream c = *known;
  bool first = c.got == 0;
  read_header(&c, fmt, p);
  p += header_size[fmt];
  if (c.extended) {
    // On a continuation the four bytes may be payload already: they are the timestamp only if they
    // repeat it.
    if (end - p < 4) return 0;
    uint32_t value = get_be(p, 4);
    if (first || fmt < 3 || value == known->field) {
      c.field = value;
      p += 4;
    }
  }
  if (first) {
    bool moves = !c.absolute || (fmt == 3 && !c.extended);
    c.timestamp = moves ? c.timestamp + c.field : c.field;
  }
  if (c.length > kMaxMessage || c.got > c.length) return -1;
  uint32_t part = c.length - c.got < r->chunk_size ? c.length - c.got : r->chunk_size;
  if ((size_t)(end - p) < part) return 0;

  r->at += (size_t)(p - start) + part;
  struct Message m = {c.timestamp, c.length, c.stream_id, c.type, p};
  if (part < c.length) {
    grow(&c.body, &c.capacity, c.length);
    memcpy(c.body + c.got, p, part);
    m.body = c.body;
  }
  c.got += part;
  bool whole = c.got == c.length;
  if (whole) c.got = 0;
  *known = c;
  if (whole && c.length > 0) handler(s, &m);
  return 1;
}

bool reader_run(struct Reader *r, struct Session *s, MessageHandler handler) {
  int result = 1;
  reader_hold(r, true);
  while (result > 0 && !r->dead) result = read_chunk(r, s, handler);
  reader_hold(r, false);
  return result >= 0;
}
