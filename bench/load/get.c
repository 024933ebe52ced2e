// Requests at a steady rate over a few connections that are kept: what dashboards and scrapers do.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { kEvents = 64, kHead = 4096, kFiles = 16 };

struct Asker {
  int fd;
  bool writable, waiting, in_body;
  uint64_t asked_ns;
  long left;  // bytes of the body still to come
  size_t size;
  char head[kHead];
};

static struct {
  struct Asker *askers;
  char *files[kFiles];
  uint32_t file_count;
  struct Window window;
  struct Histogram took;
  int epoll;
  uint32_t next, sent, completed, failed;
  uint64_t begun_ns, bytes;
} get;

static const char *failure;

static void fail(struct Asker *a, const char *text) {
  if (a->fd < 0) return;
  close(a->fd);
  a->fd = -1;
  get.failed++;
  failure = text;
}

static void ask(struct Asker *a, uint64_t now) {
  char path[1024];
  struct Bytes out = {0};
  snprintf(path, sizeof path, "/%s/%s", options.app, get.files[get.sent++ % get.file_count]);
  http_get(&out, path, true);
  a->waiting = true;
  a->in_body = false;
  a->size = 0;
  a->asked_ns = now;
  if (send(a->fd, out.data, out.size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)out.size)
    fail(a, "a request was not taken");
  free(out.data);
}

static void on_end(struct Asker *a) {
  a->waiting = false;
  if (!get.window.begun) return;
  get.completed++;
  histogram_add(&get.took, now_ns() - a->asked_ns);
}

static void on_head(struct Asker *a) {
  size_t head = http_head_size((uint8_t *)a->head, a->size);
  if (head == 0) {
    if (a->size == kHead - 1) fail(a, "the answer has no end of its head");
    return;
  }
  a->head[head - 1] = '\0';
  long length = http_content_length(a->head);
  if (http_status((uint8_t *)a->head, head) != 200 || length < 0) {
    fail(a, "a request was refused, or its answer has no length");
    return;
  }
  a->in_body = true;
  a->left = length - (long)(a->size - head);
}

static void receive(struct Asker *a) {
  static uint8_t nowhere[1 << 20];  // never touched
  while (a->fd >= 0 && a->waiting) {
    ssize_t n;
    if (a->in_body) {
      size_t most = a->left < (long)sizeof nowhere ? (size_t)a->left : sizeof nowhere;
      n = recv(a->fd, nowhere, most, MSG_DONTWAIT | MSG_TRUNC);
      if (n > 0) a->left -= n;
    } else {
      n = recv(a->fd, a->head + a->size, kHead - 1 - a->size, MSG_DONTWAIT);
      if (n > 0) a->size += (size_t)n;
      if (n > 0) on_head(a);
    }
    if (n < 0) return;
    if (n == 0) fail(a, "the server closed the connection");
    get.bytes += (uint64_t)n;
    if (a->fd >= 0 && a->in_body && a->left == 0) on_end(a);
  }
}

// So many requests are due since the beginning; those for which no connection is free come late.
static void ask_due(uint64_t now) {
  double due = (double)(now - get.begun_ns) / 1e9 * options.connect_rate;
  for (uint32_t tried = 0; get.sent < due && tried < options.count; tried++) {
    struct Asker *a = &get.askers[get.next++ % options.count];
    if (a->fd >= 0 && a->writable && !a->waiting) ask(a, now);
  }
}

static void on_event(struct Asker *a, uint32_t events) {
  if (events & EPOLLOUT) a->writable = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    if (!a->waiting && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
      fail(a, "the server closed the connection");
    receive(a);
  }
}

static void open_all(void) {
  get.epoll = epoll_create1(EPOLL_CLOEXEC);
  get.askers = calloc(options.count, sizeof *get.askers);
  for (uint32_t i = 0; i < options.count; i++) {
    get.askers[i].fd = open_socket(i, 0);
    watch(get.epoll, get.askers[i].fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &get.askers[i]);
  }
}

static int report(void) {
  double seconds = window_seconds(&get.window);
  uint32_t wanted = (uint32_t)(options.connect_rate * seconds * 0.95);
  uint32_t unfinished = get.completed < wanted ? wanted - get.completed : 0;
  printf("{\"command\":\"get\",\"count\":%u,\"completed\":%u,\"unfinished\":%u,\"failed\":%u",
         options.count, get.completed, unfinished, get.failed);
  printf(",\"windowSeconds\":%.3f,\"kbps\":%.1f,\"loadCpu\":%.1f", seconds,
         (double)get.bytes * 8 / 1000 / seconds, get.window.cpu / seconds * 100);
  histogram_print("tookMs", &get.took);
  printf("}\n");
  if (failure) fprintf(stderr, "load: %u connections failed, the last: %s\n", get.failed, failure);
  return get.failed || unfinished;
}

int run_get(void) {
  if (!options.http) die("get needs --url http://HOST:PORT/DIR/FILE[,FILE...]");
  char *rest = NULL;
  for (char *file = strtok_r(options.stream, ",", &rest); file && get.file_count < kFiles;
       file = strtok_r(NULL, ",", &rest))
    get.files[get.file_count++] = file;
  histogram_init(&get.took);
  open_all();
  window_init(&get.window);
  get.begun_ns = now_ns();
  for (uint64_t now = get.begun_ns; now < get.window.end_ns; now = now_ns()) {
    window_begins(&get.window, now);
    ask_due(now);
    struct epoll_event events[kEvents];
    int n = wait_until(get.epoll, events, kEvents, now + 1000000);
    for (int i = 0; i < n; i++) on_event(events[i].data.ptr, events[i].events);
  }
  window_end(&get.window);
  return report();
}
