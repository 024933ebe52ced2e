// The floor: a loop that only calls send() with the bytes of the stream, to sockets that are
// drained. No server of this load can use less of the cpu.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

enum { kEvents = 256, kMostBytes = 4 << 20 };

// What the sending process tells at its end.
struct SenderReport {
  double cpu;
  uint64_t sends, bytes, refused;
};

static void pin_to_cpu(void) {
  cpu_set_t set;
  if (options.sender_cpu < 0) return;
  CPU_ZERO(&set);
  CPU_SET(options.sender_cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) < 0) die("no cpu %d", options.sender_cpu);
}

static int *accept_all(int listener) {
  int *fds = malloc(options.count * sizeof *fds), on = 1;
  for (uint32_t i = 0; i < options.count; i++) {
    fds[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fds[i] < 0) die("accept: %s", strerror(errno));
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return fds;
}

static void send_round(const int *fds, size_t size, struct SenderReport *r) {
  static uint8_t bytes[kMostBytes];
  for (uint32_t i = 0; i < options.count; i++) {
    ssize_t n = send(fds[i], bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    r->sends++;
    if (n > 0) r->bytes += (uint64_t)n;
    if (n != (ssize_t)size) r->refused++;
  }
}

static void run_sender(int listener, int result, struct Window window) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  pin_to_cpu();
  int *fds = accept_all(listener);
  double interval = (options.interval_ms > 0 ? options.interval_ms : 1000.0 / options.fps) / 1000;
  size_t size = (size_t)(options.kbps * 125 * interval);
  if (size > kMostBytes) die("more than %d bytes between two sends", kMostBytes);
  struct SenderReport report = {0};
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event none;
  for (uint64_t at = now_ns(); at < window.end_ns; at += seconds_ns(interval)) {
    wait_until(epoll, &none, 1, at);
    if (window_begins(&window, now_ns())) report = (struct SenderReport){0};
    send_round(fds, size, &report);
  }
  wait_until(epoll, &none, 1, window.end_ns);
  window_end(&window);
  report.cpu = window.cpu / window_seconds(&window) * 100;
  _exit(write(result, &report, sizeof report) == sizeof report ? 0 : 1);
}

static int listen_anywhere(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t size = sizeof options.server;
  options.server =
      (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (struct sockaddr *)&options.server, size) < 0 || listen(fd, 4096) < 0 ||
      getsockname(fd, (struct sockaddr *)&options.server, &size) < 0)
    die("listen: %s", strerror(errno));
  return fd;
}

// The other side of the sender: connects, then drops bytes as players do.
static uint64_t drain(int epoll, const struct Window *window) {
  struct epoll_event events[kEvents];
  static uint8_t nowhere[kMostBytes];  // never touched
  uint64_t bytes = 0;
  for (uint32_t opened = 0; now_ns() < window->end_ns;) {
    for (uint32_t i = 0; i < 100 && opened < options.count; i++, opened++) {
      int fd = open_socket(opened, 0);
      watch(epoll, fd, EPOLLIN | EPOLLET, (void *)(intptr_t)fd);
    }
    uint64_t soon = now_ns() + 1000000;
    int n = wait_until(epoll, events, kEvents, opened < options.count ? soon : window->end_ns);
    for (int i = 0; i < n; i++) {
      ssize_t got = recv((int)(intptr_t)events[i].data.ptr, nowhere, sizeof nowhere,
                         MSG_DONTWAIT | MSG_TRUNC);
      if (got > 0) bytes += (uint64_t)got;
    }
  }
  return bytes;
}

int run_floor(void) {
  raise_file_limit(options.count + 16);
  int listener = listen_anywhere(), result[2];
  struct Window window;
  window_init(&window);
  if (pipe(result) < 0) die("pipe: %s", strerror(errno));
  pid_t sender = fork();
  if (sender < 0) die("fork: %s", strerror(errno));
  if (sender == 0) run_sender(listener, result[1], window);
  close(listener);
  close(result[1]);
  uint64_t drained = drain(epoll_create1(EPOLL_CLOEXEC), &window);
  struct SenderReport report = {0};
  bool told = read(result[0], &report, sizeof report) == sizeof report;
  int status = 1;
  waitpid(sender, &status, 0);
  printf(
      "{\"command\":\"floor\",\"count\":%u,\"cpu\":%.2f,\"sends\":%llu,\"bytes\":%llu,\"refused\":%"
      "llu,\"drained\":%llu}\n",
      options.count, report.cpu, (unsigned long long)report.sends, (unsigned long long)report.bytes,
      (unsigned long long)report.refused, (unsigned long long)drained);
  return !told || status != 0 || report.refused > 0;
}
