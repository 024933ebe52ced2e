// Viewers of HLS: each looks at the playlist at intervals and fetches the newest segment when it is
// new, over one connection that is kept.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { kEvents = 256, kBuffer = 4096, kName = 256 };
enum Want { kNothing, kPlaylist, kSegment };

struct Viewer {
  int fd;
  uint32_t index;
  uint8_t want;
  bool writable, in_body, broken;
  uint64_t asked_ns, next_ns;
  long left;  // bytes of the body still to come
  size_t size;
  char segment[kName];
  char buffer[kBuffer];  // the head of an answer, and the playlist
};

static struct {
  struct Viewer *viewers;
  struct Window window;
  struct Histogram took;  // a segment, from the request to its last byte
  int epoll;
  uint32_t opened, started, failed;
  uint64_t opening_ns, playlists, segments, bytes;
} hls;

static const char *failure;

static void fail(struct Viewer *v, const char *text) {
  if (v->broken) return;
  v->broken = true;
  failure = text;
  hls.failed++;
  close(v->fd);
}

static void ask(struct Viewer *v, uint8_t want, const char *name) {
  char path[1024];
  struct Bytes out = {0};
  snprintf(path, sizeof path, "/%s/%s", options.app, name);
  http_get(&out, path, true);
  v->want = want;
  v->asked_ns = now_ns();
  v->size = 0;
  v->in_body = false;
  if (send(v->fd, out.data, out.size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)out.size)
    fail(v, "a request was not taken");
  free(out.data);
}

static void open_viewer(uint32_t index, uint64_t now) {
  struct Viewer *v = &hls.viewers[index];
  v->index = index;
  v->fd = open_socket(index, 0);
  v->next_ns = now;
  watch(hls.epoll, v->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, v);
}

static void open_due(uint64_t now) {
  double due = (double)(now - hls.opening_ns) / 1e9 * options.connect_rate + 1;
  while (hls.opened < options.count && hls.opened < due) open_viewer(hls.opened++, now);
}

// The last line that is no tag.
static void on_playlist(struct Viewer *v) {
  v->buffer[v->size] = '\0';
  char *last = NULL, *rest = NULL;
  for (char *line = strtok_r(v->buffer, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
    if (*line != '#') last = line;
  if (hls.window.begun) hls.playlists++;
  v->want = kNothing;
  if (!last || strcmp(last, v->segment) == 0) return;
  snprintf(v->segment, sizeof v->segment, "%.255s", last);
  ask(v, kSegment, v->segment);
}

static void on_answer(struct Viewer *v) {
  if (v->want == kPlaylist) {
    on_playlist(v);
    return;
  }
  v->want = kNothing;
  if (!hls.window.begun) return;
  hls.segments++;
  histogram_add(&hls.took, now_ns() - v->asked_ns);
}

static void on_head(struct Viewer *v) {
  size_t head = http_head_size((uint8_t *)v->buffer, v->size);
  if (head == 0) {
    if (v->size == kBuffer - 1) fail(v, "the answer has no end of its head");
    return;
  }
  int status = http_status((uint8_t *)v->buffer, head);
  char end = v->buffer[head - 1];
  v->buffer[head - 1] = '\0';
  long length = http_content_length(v->buffer);
  v->buffer[head - 1] = end;
  if (status != 200 || length < 0) {
    fail(v, status == 200 ? "an answer without length" : "a request was refused");
    return;
  }
  if (v->want == kPlaylist && length > kBuffer - 1 - (long)head) {
    fail(v, "the playlist is too long");
    return;
  }
  v->in_body = true;
  v->size -= head;
  memmove(v->buffer, v->buffer + head, v->size);
  v->left = length - (long)v->size;
  if (v->want == kSegment) v->size = 0;
}

// Bodies of segments are dropped in the kernel.
static ssize_t take(struct Viewer *v) {
  static uint8_t nowhere[1 << 20];  // never touched
  if (v->in_body && v->want == kSegment) {
    size_t most = v->left < (long)sizeof nowhere ? (size_t)v->left : sizeof nowhere;
    ssize_t n = recv(v->fd, nowhere, most, MSG_DONTWAIT | MSG_TRUNC);
    if (n > 0) v->left -= n;
    return n;
  }
  ssize_t n = recv(v->fd, v->buffer + v->size, kBuffer - 1 - v->size, MSG_DONTWAIT);
  if (n <= 0) return n;
  v->size += (size_t)n;
  if (v->in_body)
    v->left -= n;
  else
    on_head(v);
  return n;
}

static void receive(struct Viewer *v) {
  while (!v->broken && v->want != kNothing) {
    ssize_t n = take(v);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      fail(v, "the server closed the connection");
      return;
    }
    if (hls.window.begun) hls.bytes += (uint64_t)n;
    if (!v->broken && v->in_body && v->left == 0) on_answer(v);
  }
}

static void on_event(struct Viewer *v, uint32_t events) {
  if (v->broken) return;
  if ((events & EPOLLOUT) && !v->writable) {
    v->writable = true;
    hls.started++;
  }
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    if (v->want == kNothing && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
      fail(v, "the server closed the connection");
    receive(v);
  }
}

// Viewers are as many phases of the interval: each is looked at when its time comes.
static void look_due(uint64_t now) {
  uint64_t interval = seconds_ns(options.interval_ms / 1000);
  for (uint32_t i = 0; i < hls.opened; i++) {
    struct Viewer *v = &hls.viewers[i];
    if (v->broken || !v->writable || now < v->next_ns) continue;
    if (v->want != kNothing) {
      if (now - v->next_ns > 5 * interval) fail(v, "an answer took longer than five intervals");
      continue;
    }
    v->next_ns += interval;
    if (v->next_ns < now) v->next_ns = now + interval;
    ask(v, kPlaylist, options.stream);
  }
}

static int report(const struct ListenCounters *before) {
  struct ListenCounters after = listen_counters();
  double seconds = window_seconds(&hls.window);
  uint32_t unfinished = options.count - hls.started;
  printf("{\"command\":\"hls\",\"count\":%u,\"started\":%u,\"unfinished\":%u,\"failed\":%u",
         options.count, hls.started, unfinished, hls.failed);
  printf(",\"windowSeconds\":%.3f,\"playlists\":%llu,\"segments\":%llu", seconds,
         (unsigned long long)hls.playlists, (unsigned long long)hls.segments);
  printf(",\"silent\":%d,\"kbps\":%.1f,\"loadCpu\":%.1f", hls.segments == 0,
         (double)hls.bytes * 8 / 1000 / seconds / options.count, hls.window.cpu / seconds * 100);
  printf(",\"listenOverflows\":%llu,\"listenDrops\":%llu",
         (unsigned long long)(after.overflows - before->overflows),
         (unsigned long long)(after.drops - before->drops));
  histogram_print("tookMs", &hls.took);
  printf("}\n");
  if (failure) fprintf(stderr, "load: %u viewers failed, the last: %s\n", hls.failed, failure);
  return hls.failed || unfinished || hls.segments == 0;
}

int run_hls(void) {
  if (!options.http) die("hls needs --url http://HOST:PORT/APP/PLAYLIST");
  raise_file_limit(options.count + 16);
  hls.viewers = calloc(options.count, sizeof *hls.viewers);
  histogram_init(&hls.took);
  hls.epoll = epoll_create1(EPOLL_CLOEXEC);
  struct ListenCounters before = listen_counters();
  window_init(&hls.window);
  hls.opening_ns = now_ns();
  for (uint64_t now = hls.opening_ns; now < hls.window.end_ns; now = now_ns()) {
    window_begins(&hls.window, now);
    open_due(now);
    look_due(now);
    struct epoll_event events[kEvents];
    // A look at all viewers each few ms is cheap beside what they receive.
    int n = wait_until(hls.epoll, events, kEvents, now + 4000000);
    for (int i = 0; i < n; i++) on_event(events[i].data.ptr, events[i].events);
  }
  window_end(&hls.window);
  return report(&before);
}
