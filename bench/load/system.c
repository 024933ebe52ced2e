// Clock, sockets, epoll, counters of the kernel, histogram and measuring window.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum { kBucketNs = 10000, kBuckets = 100001, kPortsPerSource = 16000 };

static volatile sig_atomic_t is_told_to_stop;

static void on_sigterm(int signal) {
  (void)signal;
  is_told_to_stop = 1;
}

bool told_to_stop(void) {
  static bool listens;
  if (!listens) {
    struct sigaction action = {.sa_handler = on_sigterm};
    sigaction(SIGTERM, &action, NULL);
    listens = true;
  }
  return is_told_to_stop;
}

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t seconds_ns(double seconds) { return (uint64_t)(seconds * 1e9); }

double cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void raise_file_limit(uint32_t wanted) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted)
    die("%u open files wanted, the hard limit is %llu", wanted, (unsigned long long)limit.rlim_cur);
}

// A loopback server sees 127.0.0.1, .2, ... so that source ports (also those in TIME_WAIT) do not
// run short.
static void bind_source(int fd, uint32_t index) {
  if (ntohl(options.server.sin_addr.s_addr) >> 24 != 127) return;
  int on = 1;
  struct sockaddr_in source = {.sin_family = AF_INET};
  source.sin_addr.s_addr = htonl((127u << 24) + 1 + index / kPortsPerSource % 200);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0) die("bind: %s", strerror(errno));
}

int open_socket(uint32_t index, int receive_buffer) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket: %s", strerror(errno));
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  bind_source(fd, index);
  // Any other failure shows as an event on the socket and counts there.
  if (connect(fd, (struct sockaddr *)&options.server, sizeof options.server) < 0 &&
      errno == EADDRNOTAVAIL)
    die("connect to %s:%u: no source port is left", options.host, options.port);
  return fd;
}

void watch(int epoll, int fd, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl: %s", strerror(errno));
}

int wait_until(int epoll, struct epoll_event *events, int max, uint64_t deadline_ns) {
  uint64_t now = now_ns();
  uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
  struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u),
                             .tv_nsec = (long)(left % 1000000000u)};
  int n = epoll_pwait2(epoll, events, max, &timeout, NULL);
  if (n < 0 && errno != EINTR) die("epoll_pwait2: %s", strerror(errno));
  return n < 0 ? 0 : n;
}

struct ListenCounters listen_counters(void) {
  struct ListenCounters counters = {0, 0};
  static char names[8192], values[8192];
  FILE *file = fopen("/proc/net/netstat", "r");
  if (!file) return counters;
  while (fgets(names, sizeof names, file) && fgets(values, sizeof values, file)) {
    char *name_rest = NULL, *value_rest = NULL;
    char *name = strtok_r(names, " \n", &name_rest);
    char *value = strtok_r(values, " \n", &value_rest);
    while (name && value) {
      if (strcmp(name, "ListenOverflows") == 0) counters.overflows = strtoull(value, NULL, 10);
      if (strcmp(name, "ListenDrops") == 0) counters.drops = strtoull(value, NULL, 10);
      name = strtok_r(NULL, " \n", &name_rest);
      value = strtok_r(NULL, " \n", &value_rest);
    }
  }
  fclose(file);
  return counters;
}

void histogram_init(struct Histogram *h) {
  h->buckets = calloc(kBuckets, sizeof *h->buckets);
  h->samples = h->max_ns = 0;
}

void histogram_add(struct Histogram *h, uint64_t ns) {
  uint64_t bucket = ns / kBucketNs;
  h->buckets[bucket < kBuckets ? bucket : kBuckets - 1]++;
  h->samples++;
  if (ns > h->max_ns) h->max_ns = ns;
}

double histogram_ms(const struct Histogram *h, double fraction) {
  uint64_t wanted = (uint64_t)((double)h->samples * fraction), seen = 0;
  for (uint64_t i = 0; i < kBuckets; i++) {
    seen += h->buckets[i];
    if (seen > wanted) return (double)(i + 1) * kBucketNs / 1e6;
  }
  return (double)h->max_ns / 1e6;
}

void histogram_print(const char *name, const struct Histogram *h) {
  printf(",\"%s\":{\"samples\":%llu,\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}", name,
         (unsigned long long)h->samples, histogram_ms(h, 0.5), histogram_ms(h, 0.99),
         (double)h->max_ns / 1e6);
}

void window_init(struct Window *w) {
  uint64_t start = now_ns();
  w->end_ns = start + seconds_ns(options.seconds);
  w->start_ns = w->end_ns - seconds_ns(options.measure);
  w->begun = false;
}

bool window_begins(struct Window *w, uint64_t now) {
  if (w->begun || now < w->start_ns) return false;
  w->begun = true;
  w->begun_ns = now;
  w->cpu = cpu_seconds();
  return true;
}

void window_end(struct Window *w) {
  w->ended_ns = now_ns();
  w->cpu = cpu_seconds() - w->cpu;
}

double window_seconds(const struct Window *w) { return (double)(w->ended_ns - w->begun_ns) / 1e9; }
