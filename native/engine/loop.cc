#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "clock.h"
#include "epoll_tag.h"

namespace srs {

namespace {

constexpr size_t kReadyBatch = 512;
constexpr int kLaneReads = 32;
// How long a peer may take to take what waits when we close.
constexpr int32_t kEndingMs = 30000;
// Rounds of deliver and flush in one turn, before Node's other work gets its chance.
constexpr int kRounds = 16;

PacePlace& FlushPlaceOf(Socket* socket) { return socket->flush_place; }

}  // namespace

Loop::Loop(uint8_t* slab, size_t slab_size, Event* events, size_t event_capacity, Deliver deliver,
           void* owner)
    : slab_(slab),
      slab_size_(slab_size),
      events_(events),
      event_capacity_(event_capacity),
      deliver_(deliver),
      owner_(owner),
      flush_pacer_(FlushPlaceOf) {}

Loop::~Loop() {
  for (auto& socket : sockets_) {
    if (socket == nullptr) continue;
    if (socket->cursor != nullptr) LeaveLog(socket->cursor.get());
    if (socket->fd >= 0) close(socket->fd);
  }
  for (int fd : listeners_) {
    if (fd >= 0) close(fd);
  }
  if (timer_ >= 0) close(timer_);
  if (spare_fd_ >= 0) close(spare_fd_);
  if (epoll_ >= 0) close(epoll_);
}

int Loop::Open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return -errno;
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer_ < 0) return -errno;
  spare_fd_ = OpenSpare();
  now_ = MonotonicMs();
  return AddToEpoll(epoll_, timer_, EPOLLIN, kTagTimer);
}

void Loop::Turn() {
  in_turn_ = true;
  now_ = MonotonicMs();
  stats_.turns++;
  struct epoll_event ready[kReadyBatch];
  int count = epoll_wait(epoll_, ready, kReadyBatch, 0);
  for (int i = 0; i < count; i++) Dispatch(ready[i].data.u64, ready[i].events);
  RunTimers();
  for (int round = 0; round < kRounds; round++) {
    DeliverNow();
    FlushDirty();
    if (event_count_ == 0 && deferred_.empty() && dirty_sockets_.empty()) break;
  }
  FreeClosed();
  in_turn_ = false;
  ArmTimer();
}

void Loop::Dispatch(uint64_t tag, uint32_t ready) {
  if (tag & kTagTimer) {
    uint64_t expirations;
    // An expiry that was re-armed meanwhile reads EAGAIN, which is as good.
    if (read(timer_, &expirations, sizeof(expirations)) > 0) armed_at_ = 0;
    return;
  }
  if (tag & kTagListener) return AcceptAll(static_cast<int>(tag & 0xFFFFFFFF));
  Socket* socket = SocketAt(static_cast<int32_t>(tag & 0xFFFFFFFF));
  if (socket == nullptr || socket->generation != tag >> 32 || !socket->HasDescriptor()) return;
  if (socket->state == SocketState::kConnecting) return FinishConnect(socket);
  if (ready & EPOLLOUT) {
    socket->blocked = false;
    Flush(socket, true);
    if (!socket->HasDescriptor()) return;
  }
  if ((ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  // Nobody reads, and the peer is gone in both directions: waiting would only spin.
  if (!socket->Reads()) {
    if (ready & (EPOLLHUP | EPOLLERR)) Close(socket, PendingError(socket->fd));
    return;
  }
  if (!socket->IsOpen()) return Discard(socket);
  // One that is read from time to time may have more waiting than one read takes.
  int reads = socket->lane == nullptr ? 1 : kLaneReads;
  while (reads-- > 0 && Read(socket)) {
  }
}

Socket* Loop::SocketAt(int32_t slot) {
  bool known = slot >= 0 && static_cast<size_t>(slot) < sockets_.size();
  return known ? sockets_[slot].get() : nullptr;
}

void Loop::Emit(int32_t type, int32_t slot, int32_t a, int32_t b) {
  if (!in_turn_ || delivering_ || event_count_ == event_capacity_) {
    deferred_.push_back(Event{type, slot, a, b});
    if (!in_turn_) RequestTurn();
    return;
  }
  events_[event_count_++] = Event{type, slot, a, b};
}

void Loop::DeliverNow() {
  if (event_count_ == 0) {
    size_t take = std::min(deferred_.size(), event_capacity_);
    std::copy_n(deferred_.begin(), take, events_);
    deferred_.erase(deferred_.begin(), deferred_.begin() + static_cast<ptrdiff_t>(take));
    event_count_ = take;
  }
  if (event_count_ == 0) return;
  delivering_ = true;
  deliver_(owner_, event_count_);
  delivering_ = false;
  for (size_t i = 0; i < event_count_; i++) {
    if (events_[i].type == kEventClosed) told_slots_.push_back(events_[i].slot);
  }
  event_count_ = 0;
  slab_used_ = 0;
}

void Loop::FreeClosed() {
  size_t kept = 0;
  for (int32_t slot : told_slots_) {
    // One that still stands in the list of sockets to flush waits for the next turn.
    if (sockets_[slot]->dirty) {
      told_slots_[kept++] = slot;
      continue;
    }
    sockets_[slot].reset();
    free_slots_.push_back(slot);
  }
  told_slots_.resize(kept);
}

void Loop::RunTimers() {
  if (now_ < armed_at_) return;
  flush_pacer_.RunDue(now_, work_, [this](Socket* socket) { Flush(socket, true); });
  read_lanes_.RunDue(now_, [this](uint64_t tag, uint32_t ready) { Dispatch(tag, ready); });
  if (now_ >= next_sweep_) Sweep();
}

void Loop::Sweep() {
  bool needed = open_sockets_ > 0 || free_readers_.size() < readers_.size();
  next_sweep_ = needed ? now_ + kSweepMs : INT64_MAX;
  if (spare_fd_ < 0) spare_fd_ = OpenSpare();
  for (int listener : resting_listeners_) ArmListener(listener, true);
  resting_listeners_.clear();
  for (size_t i = 0; i < sockets_.size(); i++) {
    Socket* socket = sockets_[i].get();
    if (socket != nullptr && socket->HasDescriptor()) SweepSocket(socket);
  }
  for (auto& state : readers_) {
    if (state != nullptr) state->reader.CheckLag();
  }
}

void Loop::ScheduleSweep(int64_t when) {
  next_sweep_ = std::min(next_sweep_, when);
  if (!in_turn_) ArmTimer();
}

void Loop::SweepSocket(Socket* socket) {
  if (socket->state == SocketState::kConnecting) {
    if (now_ >= socket->deadline) return Close(socket, ETIMEDOUT);
    next_sweep_ = std::min(next_sweep_, socket->deadline);
    return;
  }
  if (socket->state == SocketState::kLingering && now_ >= socket->deadline) return Close(socket, 0);
  int32_t send_ms = socket->send_timeout_ms;
  if (send_ms == 0 && socket->state == SocketState::kEnding) send_ms = kEndingMs;
  if (socket->blocked && send_ms > 0 && now_ - socket->last_send >= send_ms) {
    return Close(socket, ETIMEDOUT);
  }
  if (socket->IsOpen() && socket->Reads() && socket->receive_timeout_ms > 0 &&
      now_ - socket->last_receive >= socket->receive_timeout_ms) {
    Close(socket, ETIMEDOUT);
  }
}

int64_t Loop::NextDue() const {
  bool pending = event_count_ > 0 || !deferred_.empty();
  if (pending || !dirty_sockets_.empty() || !dirty_logs_.empty()) return 0;
  return std::min({flush_pacer_.NextDue(work_), read_lanes_.NextDue(), next_sweep_});
}

void Loop::ArmTimer() {
  int64_t due = NextDue();
  // An earlier alarm than needed is harmless, and cheaper than setting it anew.
  if (due == INT64_MAX || (due >= armed_at_ && armed_at_ > now_)) return;
  armed_at_ = std::max<int64_t>(due, 1);
  struct itimerspec when = {};
  when.it_value.tv_sec = static_cast<time_t>(armed_at_ / 1000);
  when.it_value.tv_nsec = static_cast<long>(armed_at_ % 1000) * 1000000 + 1;
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void Loop::RequestTurn() {
  if (armed_at_ > 0 && armed_at_ <= 1) return;
  ArmTimer();
}

}  // namespace srs
