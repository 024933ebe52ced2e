// Connect rate: whole cycles of connect, play and close, opened at a steady rate.
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

enum { kEvents = 256, kMostOpen = 16000 };
static const double kLastSecond = 1;  // no new cycle in it: those under way may finish

static struct {
  struct Session *slots[kMostOpen];
  uint32_t open, next_index;
  int epoll;
  struct Window window;
  struct Histogram took;
  uint64_t completed, failed, opening_ns;
} cycles;

static void on_started(struct Session *s) {
  cycles.completed++;
  histogram_add(&cycles.took, s->started_ns - s->opened_ns);
  session_close(s, NULL);
}

static void on_media(struct Session *s, const struct Message *m) {
  (void)s;
  (void)m;
}

static void on_closed(struct Session *s) {
  if (s->failure) cycles.failed++;
}

// Sessions are freed between events, never inside their own handlers.
static void sweep(void) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < cycles.open; i++) {
    struct Session *s = cycles.slots[i];
    if (s->stage == kClosed)
      free(s);
    else
      cycles.slots[kept++] = s;
  }
  cycles.open = kept;
}

static void open_due(uint64_t now) {
  if (now + seconds_ns(kLastSecond) >= cycles.window.end_ns) return;
  double due = (double)(now - cycles.opening_ns) / 1e9 * options.connect_rate + 1;
  while (cycles.next_index < due) {
    if (cycles.open == kMostOpen)
      die("%d cycles are open at once: the server does not answer", kMostOpen);
    struct Session *s = calloc(1, sizeof *s);
    cycles.slots[cycles.open++] = s;
    session_open(s, cycles.epoll, cycles.next_index++);
  }
}

static void loop(void) {
  struct epoll_event events[kEvents];
  for (;;) {
    uint64_t now = now_ns();
    if (now >= cycles.window.end_ns) break;
    window_begins(&cycles.window, now);
    open_due(now);
    int n = wait_until(cycles.epoll, events, kEvents, now + 1000000);
    for (int i = 0; i < n; i++) session_event(events[i].data.ptr, events[i].events);
    sweep();
  }
  window_end(&cycles.window);
}

int run_connect(void) {
  raise_file_limit(kMostOpen + 16);
  session_hooks = (struct SessionHooks){on_started, on_media, on_closed};
  histogram_init(&cycles.took);
  cycles.epoll = epoll_create1(EPOLL_CLOEXEC);
  struct ListenCounters before = listen_counters();
  window_init(&cycles.window);
  cycles.opening_ns = now_ns();
  loop();
  struct ListenCounters after = listen_counters();
  double seconds = window_seconds(&cycles.window);
  printf(
      "{\"command\":\"connect\",\"opened\":%u,\"completed\":%llu,\"failed\":%llu,\"unfinished\":%u",
      cycles.next_index, (unsigned long long)cycles.completed, (unsigned long long)cycles.failed,
      cycles.open);
  printf(",\"rate\":%.0f,\"loadCpu\":%.1f", options.connect_rate,
         cycles.window.cpu / seconds * 100);
  histogram_print("tookMs", &cycles.took);
  uint64_t overflows = after.overflows - before.overflows, drops = after.drops - before.drops;
  printf(",\"listenOverflows\":%llu,\"listenDrops\":%llu}\n", (unsigned long long)overflows,
         (unsigned long long)drops);
  print_failures();
  return cycles.failed || cycles.open || overflows || drops;
}
