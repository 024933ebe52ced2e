// One client connection: simple handshake, connect, createStream, then play or publish, as few
// round trips as legal.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum {
  kHandshakeSize = 1536,
  kSlowReceiveBuffer = 4096,
  kSetupRead = 8192,
  kMediaRead = 65536,
  kAll = 1 << 23
};
enum { kMaxReasons = 16 };

struct SessionHooks session_hooks;

static struct {
  const char *text;
  uint32_t times;
} reasons[kMaxReasons];

static void count_reason(const char *text) {
  for (int i = 0; i < kMaxReasons; i++) {
    if (!reasons[i].text) reasons[i].text = text;
    if (strcmp(reasons[i].text, text) != 0) continue;
    reasons[i].times++;
    return;
  }
}

void print_failures(void) {
  for (int i = 0; i < kMaxReasons && reasons[i].text; i++)
    fprintf(stderr, "load: %u connections: %s\n", reasons[i].times, reasons[i].text);
}

void stream_name(const struct Session *s, char *name, size_t size) {
  if (options.streams > 0)
    snprintf(name, size, "%s_%u", options.stream, s->index % options.streams);
  else if (s->publisher && options.count > 1)
    snprintf(name, size, "%s_%u", options.stream, s->index);
  else
    snprintf(name, size, "%s", options.stream);
}

void session_open(struct Session *s, int epoll, uint32_t index) {
  s->epoll = epoll;
  s->index = index;
  s->stage = kConnecting;
  s->opened_ns = now_ns();
  s->reader = reader_new();
  s->fd = open_socket(index, s->slow ? kSlowReceiveBuffer : 0);
  watch(epoll, s->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, s);
}

void session_close(struct Session *s, const char *failure) {
  if (s->stage == kClosed) return;
  s->failure = failure;
  if (failure) count_reason(failure);
  s->stage = kClosed;
  close(s->fd);
  s->fd = -1;
  reader_free(s->reader);
  s->reader = NULL;
  free(s->pending.data);
  s->pending = (struct Bytes){0};
  if (session_hooks.on_closed) session_hooks.on_closed(s);
}

bool session_send(struct Session *s, const void *data, size_t size) {
  if (s->stage == kClosed) return false;
  ssize_t n = 0;
  if (s->pending.size == 0) n = send(s->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN) {
    session_close(s, "the server reset the connection");
    return false;
  }
  if (n < 0) n = 0;
  put_raw(&s->pending, (const uint8_t *)data + n, size - (size_t)n);
  return true;
}

static bool flush_pending(struct Session *s) {
  struct Bytes *b = &s->pending;
  if (b->size == 0) return true;
  ssize_t n = send(s->fd, b->data, b->size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN) {
    session_close(s, "the server reset the connection");
    return false;
  }
  if (n > 0) {
    memmove(b->data, b->data + n, b->size - (size_t)n);
    b->size -= (size_t)n;
  }
  return true;
}

static void put_command(struct Bytes *out, int csid, uint32_t stream_id, struct Bytes *amf) {
  put_message(out, csid, &(struct Message){0, (uint32_t)amf->size, stream_id, 20, amf->data});
  amf->size = 0;
}

static void put_control(struct Bytes *out, uint8_t type, uint64_t value, int bytes) {
  struct Bytes body = {0};
  put_be(&body, value, bytes);
  put_message(out, 2, &(struct Message){0, (uint32_t)body.size, 0, type, body.data});
  free(body.data);
}

static void send_c0c1(struct Session *s) {
  uint8_t hello[1 + kHandshakeSize];
  for (size_t i = 0; i < sizeof hello; i++) hello[i] = (uint8_t)(i * 7 + 1);
  hello[0] = 3;
  memset(hello + 1, 0, 8);
  s->stage = kHandshake;
  session_send(s, hello, sizeof hello);
}

// C2 (the echo of S1), our chunk size, connect and createStream leave together.
static void send_connect(struct Session *s, const uint8_t *s1) {
  struct Bytes out = {0}, amf = {0};
  char url[512];
  snprintf(url, sizeof url, "rtmp://%.127s:%u/%.255s", options.host, options.port, options.app);
  put_raw(&out, s1, kHandshakeSize);
  put_control(&out, 1, kChunkSizeOut, 4);
  put_string(&amf, "connect");
  put_number(&amf, 1);
  put_be(&amf, 3, 1);
  put_key(&amf, "app");
  put_string(&amf, options.app);
  put_key(&amf, "flashVer");
  put_string(&amf, "LNX 9,0,124,2");
  put_key(&amf, "tcUrl");
  put_string(&amf, url);
  put_key(&amf, "fpad");
  put_boolean(&amf, false);
  put_key(&amf, "capabilities");
  put_number(&amf, 15);
  put_key(&amf, "objectEncoding");
  put_number(&amf, 0);
  put_be(&amf, 9, 3);
  put_command(&out, 3, 0, &amf);
  put_string(&amf, "createStream");
  put_number(&amf, 2);
  put_null(&amf);
  put_command(&out, 3, 0, &amf);
  session_send(s, out.data, out.size);
  free(out.data);
  free(amf.data);
}

static void send_start(struct Session *s) {
  struct Bytes out = {0}, amf = {0};
  char name[300];
  stream_name(s, name, sizeof name);
  put_string(&amf, s->publisher ? "publish" : "play");
  put_number(&amf, 3);
  put_null(&amf);
  put_string(&amf, name);
  if (s->publisher)
    put_string(&amf, "live");
  else
    put_number(&amf, -2000);
  if (!s->publisher) {
    struct Bytes control = {0};
    put_be(&control, 3, 2);
    put_be(&control, s->stream_id, 4);
    put_be(&control, 1000, 4);
    put_message(&out, 2, &(struct Message){0, (uint32_t)control.size, 0, 4, control.data});
    free(control.data);
  }
  put_command(&out, 5, s->stream_id, &amf);
  s->stage = kStarting;
  session_send(s, out.data, out.size);
  free(out.data);
  free(amf.data);
}

static bool body_has(const struct Message *m, const char *text) {
  size_t size = strlen(text);
  for (uint32_t i = 0; i + size <= m->length; i++)
    if (memcmp(m->body + i, text, size) == 0) return true;
  return false;
}

void session_start(struct Session *s) {
  s->stage = kMedia;
  s->started_ns = now_ns();
  session_hooks.on_started(s);
}

// The only answers that matter: the stream id (last value of createStream's result), the start, and
// refusals.
static void on_command(struct Session *s, const struct Message *m) {
  const uint8_t *p = m->body;
  uint32_t length = m->length;
  if (length < 12 || p[0] != 2) return;
  uint32_t name_size = get_be(p + 1, 2);
  if (name_size + 12 > length) return;
  const uint8_t *name = p + 3, *tid = name + name_size;
  bool result = name_size == 7 && memcmp(name, "_result", 7) == 0;
  if (name_size == 6 && memcmp(name, "_error", 6) == 0) {
    session_close(s, "the server refused connect or createStream");
  } else if (result && s->stage == kCommands && memcmp(tid, "\0\x40\0", 3) == 0) {
    if (p[length - 9] != 0) return;
    uint64_t bits = (uint64_t)get_be(p + length - 8, 4) << 32 | get_be(p + length - 4, 4);
    double id;
    memcpy(&id, &bits, sizeof id);
    s->stream_id = (uint32_t)id;
    send_start(s);
  } else if (s->stage == kStarting && (body_has(m, "Play.Start") || body_has(m, "Publish.Start"))) {
    session_start(s);
  } else if (body_has(m, "NetStream.") && body_has(m, "error")) {
    session_close(s, "the server refused the stream");
  }
}

static void on_user_control(struct Session *s, const struct Message *m) {
  if (m->length < 6 || get_be(m->body, 2) != 6) return;
  struct Bytes out = {0};
  put_control(&out, 4, 7ull << 32 | get_be(m->body + 2, 4), 6);
  session_send(s, out.data, out.size);
  free(out.data);
}

// A player that only counts bytes needs no reader once the first media message was seen.
static bool becomes_drain(const struct Session *s) {
  return s->stage == kMedia && !s->parses && !s->publisher;
}

static void on_media(struct Session *s, const struct Message *m) {
  if (s->stage == kStarting && !s->publisher) session_start(s);
  if (s->stage != kMedia) return;
  session_hooks.on_media(s, m);
  if (s->reader && becomes_drain(s)) {
    reader_free(s->reader);
    s->reader = NULL;
  }
}

static void on_message(struct Session *s, const struct Message *m) {
  if (m->type == 1 && m->length >= 4)
    reader_set_chunk_size(s->reader, get_be(m->body, 4) & 0x7fffffff);
  else if (m->type == 5 && m->length >= 4)
    s->window = get_be(m->body, 4);
  else if (m->type == 4)
    on_user_control(s, m);
  else if (m->type == 20)
    on_command(s, m);
  else if (m->type == 8 || m->type == 9)
    on_media(s, m);
}

static void acknowledge(struct Session *s) {
  if (s->window == 0 || s->received - s->acknowledged <= s->window) return;
  s->acknowledged = s->received;
  struct Bytes out = {0};
  put_control(&out, 3, s->received & 0xffffffff, 4);
  session_send(s, out.data, out.size);
  free(out.data);
}

static void on_handshake(struct Session *s) {
  size_t size;
  const uint8_t *bytes = reader_bytes(s->reader, &size);
  if (size > 0 && bytes[0] != 3) {
    session_close(s, "the handshake answer is not RTMP");
    return;
  }
  if (size >= 1 + kHandshakeSize && !s->sent_c2) {
    s->sent_c2 = true;
    send_connect(s, bytes + 1);
  }
  if (s->stage == kHandshake && size >= 1 + 2 * kHandshakeSize) {
    reader_skip(s->reader, 1 + 2 * kHandshakeSize);
    s->stage = kCommands;
  }
}

static void parse_flv(struct Session *s) {
  if (s->stage < kMedia) flv_answer(s);
  if (s->stage != kMedia) return;
  if (!flv_run(s->reader, s, on_message)) session_close(s, "the answer is not FLV");
}

static void parse(struct Session *s) {
  if (options.http) {
    parse_flv(s);
    return;
  }
  if (s->stage == kHandshake) on_handshake(s);
  if (s->stage < kCommands || s->stage == kClosed) return;
  if (!reader_run(s->reader, s, on_message)) session_close(s, "the answer is not a chunk stream");
}

static void lost(struct Session *s) {
  static const char *const texts[] = {"not connected", "closed in the handshake",
                                      "closed before createStream", "closed before the start",
                                      "closed while media flowed"};
  session_close(s, texts[s->stage]);
}

// Bytes are dropped in the kernel: nothing is copied.
static void discard(struct Session *s, size_t most, bool until_closed) {
  static uint8_t nowhere[kAll];  // never touched
  do {
    ssize_t n = recv(s->fd, nowhere, most, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      lost(s);
      return;
    }
    s->received += (uint64_t)n;
    acknowledge(s);
  } while (until_closed && s->stage != kClosed);
}

void session_read_slowly(struct Session *s, size_t most) {
  if (s->stage == kMedia && !s->reader) discard(s, most, false);
}

static void receive(struct Session *s, bool closing) {
  size_t wanted = s->stage == kMedia ? kMediaRead : kSetupRead;
  ssize_t n;
  do {
    n = recv(s->fd, reader_space(s->reader, wanted), wanted, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      lost(s);
      return;
    }
    s->received += (uint64_t)n;
    reader_received(s->reader, (size_t)n);
    parse(s);
    if (s->stage != kClosed) acknowledge(s);
  } while (s->reader && ((size_t)n == wanted || closing));
  if (s->stage == kMedia && !s->reader && !s->slow) discard(s, kAll, closing);
}

void session_event(struct Session *s, uint32_t events) {
  if (s->stage == kClosed) return;
  bool closing = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (s->stage == kConnecting) {
    if (closing)
      lost(s);
    else if (events & EPOLLOUT)
      options.http ? flv_request(s) : send_c0c1(s);
    return;
  }
  if ((events & EPOLLOUT) && !flush_pending(s)) return;
  if (!(events & EPOLLIN) && !closing) return;
  if (s->reader)
    receive(s, closing);
  else if (!s->slow || closing)
    discard(s, kAll, closing);
}
