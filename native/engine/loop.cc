#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "clock.h"

namespace srs {

namespace {

constexpr size_t kReadyBatch = 512;
constexpr int kAcceptBatch = 256;
constexpr size_t kReadLimit = 128 * 1024;
constexpr int kLaneReads = 32;
// A read is only tried with so much room in the slab; otherwise the batch goes out first.
constexpr size_t kMinReadRoom = 16 * 1024;
constexpr int64_t kSweepMs = 1000;
// How long a peer may take to close its side after we closed ours.
constexpr int32_t kEndingMs = 30000;
// Rounds of deliver and flush in one turn, before Node's other work gets its chance.
constexpr int kRounds = 16;

// What an epoll event is about: a kind, and for sockets the slot and its generation, so that an
// event of a socket closed in this batch is not taken for its successor's.
constexpr uint64_t kTagTimer = 1ull << 62;
constexpr uint64_t kTagListener = 2ull << 62;

uint64_t TagOf(const Socket& socket) {
  return static_cast<uint64_t>(socket.generation) << 32 | static_cast<uint32_t>(socket.slot);
}

int AddToEpoll(int epoll, int fd, uint32_t events, uint64_t tag) {
  struct epoll_event event = {};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

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
  if (socket->state != SocketState::kOpen) return Discard(socket);
  if (!socket->read_paused) {
    // One that is read from time to time may have more waiting than one read takes.
    int reads = socket->lane == nullptr ? 1 : kLaneReads;
    while (reads-- > 0 && Read(socket)) {
    }
    return;
  }
  // Nobody reads, and the peer is gone in both directions: waiting would only spin.
  if (ready & (EPOLLHUP | EPOLLERR)) Close(socket, PendingError(socket->fd));
}

Socket* Loop::NewSocket(int fd, SocketState state) {
  int32_t slot;
  if (free_slots_.empty()) {
    slot = static_cast<int32_t>(sockets_.size());
    sockets_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  auto socket = std::make_unique<Socket>();
  socket->fd = fd;
  socket->slot = slot;
  // Two bits of the tag are the kind.
  socket->generation = next_generation_++ & 0x3FFFFFFF;
  socket->state = state;
  socket->last_receive = now_;
  socket->armed = state == SocketState::kConnecting ? EPOLLOUT : EPOLLIN;
  if (AddToEpoll(epoll_, fd, socket->armed, TagOf(*socket)) != 0) {
    free_slots_.push_back(slot);
    return nullptr;
  }
  sockets_[slot] = std::move(socket);
  open_sockets_++;
  if (next_sweep_ == INT64_MAX) next_sweep_ = now_ + kSweepMs;
  return sockets_[slot].get();
}

void Loop::AcceptAll(int listener) {
  for (int i = 0; i < kAcceptBatch; i++) {
    // A socket must be announced before its first data.
    if (event_count_ + 1 >= event_capacity_) DeliverNow();
    int fd = ListenerDescriptor(listener);
    if (fd < 0) return;
    int accepted = AcceptConnection(fd);
    if (accepted == -EAGAIN) return;
    if (accepted == -EINTR || accepted == -ECONNABORTED) continue;
    if (accepted < 0) return AcceptFailed(listener, -accepted);
    Socket* socket = NewSocket(accepted, SocketState::kOpen);
    if (socket == nullptr) {
      close(accepted);
      return AcceptFailed(listener, ENOMEM);
    }
    stats_.accepted++;
    Emit(kEventAccepted, socket->slot, listener, 0);
  }
}

// Without a descriptor to accept with, the connections that wait would wake the loop for ever. The
// spare one takes them, so that their peers learn at once; where that does not help, the listener
// rests until the next sweep.
void Loop::AcceptFailed(int listener, int error) {
  Emit(kEventAcceptFailed, listener, error, 0);
  int refused = 0;
  if ((error == EMFILE || error == ENFILE) && spare_fd_ >= 0) {
    for (int i = 0; i < kAcceptBatch && spare_fd_ >= 0 && refused >= 0; i++) {
      close(spare_fd_);
      refused = AcceptConnection(ListenerDescriptor(listener));
      if (refused >= 0) close(refused);
      spare_fd_ = OpenSpare();
    }
    if (refused == -EAGAIN) return;
  }
  ArmListener(listener, false);
  resting_listeners_.push_back(listener);
  next_sweep_ = std::min(next_sweep_, now_ + kSweepMs);
}

void Loop::ArmListener(int listener, bool on) {
  int fd = ListenerDescriptor(listener);
  if (fd < 0) return;
  struct epoll_event event = {};
  event.events = on ? static_cast<uint32_t>(EPOLLIN) : 0u;
  event.data.u64 = kTagListener | static_cast<uint64_t>(listener);
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

int Loop::Listen(const std::string& address, uint16_t port, int backlog) {
  int fd = OpenListener(address, port, backlog);
  if (fd < 0) return fd;
  int number = static_cast<int>(listeners_.size());
  int added = AddToEpoll(epoll_, fd, EPOLLIN, kTagListener | static_cast<uint64_t>(number));
  if (added < 0) {
    close(fd);
    return added;
  }
  listeners_.push_back(fd);
  return number;
}

int Loop::ListenerDescriptor(int listener) const {
  bool known = listener >= 0 && static_cast<size_t>(listener) < listeners_.size();
  return known ? listeners_[listener] : -1;
}

void Loop::CloseListener(int listener) {
  int fd = ListenerDescriptor(listener);
  if (fd < 0) return;
  close(fd);
  listeners_[listener] = -1;
}

int Loop::Connect(const std::string& address, uint16_t port, int64_t timeout_ms) {
  int fd = OpenConnection(address, port);
  if (fd < 0) return fd;
  now_ = MonotonicMs();
  Socket* socket = NewSocket(fd, SocketState::kConnecting);
  if (socket == nullptr) {
    close(fd);
    return -ENOMEM;
  }
  socket->deadline = timeout_ms > 0 ? now_ + timeout_ms : INT64_MAX;
  next_sweep_ = std::min(next_sweep_, socket->deadline);
  if (!in_turn_) ArmTimer();
  return socket->slot;
}

void Loop::FinishConnect(Socket* socket) {
  int error = PendingError(socket->fd);
  if (error != 0) return Close(socket, error);
  socket->state = SocketState::kOpen;
  socket->last_receive = now_;
  Arm(socket);
  Emit(kEventConnected, socket->slot, 0, 0);
  MarkDirty(socket, false);
}

bool Loop::Read(Socket* socket) {
  if (slab_size_ - slab_used_ < kMinReadRoom || event_count_ + 1 >= event_capacity_) {
    DeliverNow();
    if (!socket->IsOpen() || socket->read_paused) return false;
  }
  size_t room = std::min(kReadLimit, slab_size_ - slab_used_);
  ssize_t got = recv(socket->fd, slab_ + slab_used_, room, 0);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) Close(socket, errno);
    return false;
  }
  if (got == 0) {
    Close(socket, 0);
    return false;
  }
  stats_.reads++;
  stats_.bytes_received += static_cast<uint64_t>(got);
  socket->bytes_received += static_cast<uint64_t>(got);
  socket->last_receive = now_;
  auto begin = static_cast<int32_t>(slab_used_);
  slab_used_ += static_cast<size_t>(got);
  Emit(kEventData, socket->slot, begin, static_cast<int32_t>(got));
  return static_cast<size_t>(got) == room;
}

// The owner has ended this socket; what the peer still sends is taken off so that the kernel does
// not answer with a reset, which would destroy our last words on their way.
void Loop::Discard(Socket* socket) {
  static uint8_t nowhere[16 * 1024];
  ssize_t got = recv(socket->fd, nowhere, sizeof(nowhere), 0);
  if (got == 0) return Close(socket, 0);
  if (got < 0 && errno != EAGAIN && errno != EINTR) Close(socket, errno);
}

void Loop::Arm(Socket* socket) {
  bool reads = !socket->IsOpen() || !socket->read_paused;
  uint32_t wanted = (reads ? EPOLLIN : 0u) | (socket->blocked ? EPOLLOUT : 0u);
  if (wanted == socket->armed || !socket->HasDescriptor()) return;
  struct epoll_event event = {};
  event.events = wanted;
  event.data.u64 = TagOf(*socket);
  if (epoll_ctl(PollerOf(*socket), EPOLL_CTL_MOD, socket->fd, &event) != 0) {
    return Close(socket, errno);
  }
  socket->armed = wanted;
}

void Loop::MoveTo(Socket* socket, ReadLane* lane) {
  if (lane == socket->lane) return;
  epoll_ctl(PollerOf(*socket), EPOLL_CTL_DEL, socket->fd, nullptr);
  if (socket->lane != nullptr) socket->lane->members--;
  socket->lane = lane;
  if (lane != nullptr) lane->members++;
  int added = AddToEpoll(PollerOf(*socket), socket->fd, socket->armed, TagOf(*socket));
  if (added < 0) Close(socket, -added);
}

void Loop::Close(Socket* socket, int error) {
  if (!socket->HasDescriptor()) return;
  DetachSocket(socket);
  if (socket->lane != nullptr) socket->lane->members--;
  socket->lane = nullptr;
  socket->out.Clear();
  close(socket->fd);
  socket->fd = -1;
  socket->state = SocketState::kClosed;
  open_sockets_--;
  Emit(kEventClosed, socket->slot, error, 0);
}

void Loop::End(int32_t slot) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || !socket->IsOpen()) return Destroy(slot);
  if (socket->IsLive()) Detach(slot);
  MoveTo(socket, nullptr);
  if (!socket->HasDescriptor()) return;
  socket->state = SocketState::kEnding;
  Arm(socket);
  MarkDirty(socket, false);
}

void Loop::Destroy(int32_t slot) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || socket->state == SocketState::kEnding) return;
  if (socket->state == SocketState::kLingering) return;
  Close(socket, 0);
}

void Loop::PauseRead(int32_t slot, bool paused) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || !socket->HasDescriptor()) return;
  socket->read_paused = paused;
  // Time spent paused is not the peer's silence.
  socket->last_receive = now_;
  if (socket->state != SocketState::kConnecting) Arm(socket);
}

void Loop::SetTimeouts(int32_t slot, int32_t receive_ms, int32_t send_ms) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr) return;
  socket->receive_timeout_ms = receive_ms;
  socket->send_timeout_ms = send_ms;
  socket->last_receive = now_;
  socket->last_send = now_;
}

void Loop::SetMergedRead(int32_t slot, int64_t interval_ms, int64_t max_interval_ms) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || !socket->IsOpen()) return;
  max_interval_ms = std::max(interval_ms, max_interval_ms);
  bool merged = interval_ms > 0;
  MoveTo(socket, merged ? read_lanes_.Choose(interval_ms, max_interval_ms, now_) : nullptr);
  if (!in_turn_) ArmTimer();
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
  next_sweep_ = open_sockets_ > 0 ? now_ + kSweepMs : INT64_MAX;
  if (spare_fd_ < 0) spare_fd_ = OpenSpare();
  for (int listener : resting_listeners_) ArmListener(listener, true);
  resting_listeners_.clear();
  for (size_t i = 0; i < sockets_.size(); i++) {
    Socket* socket = sockets_[i].get();
    if (socket != nullptr && socket->HasDescriptor()) SweepSocket(socket);
  }
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
  if (socket->IsOpen() && !socket->read_paused && socket->receive_timeout_ms > 0 &&
      now_ - socket->last_receive >= socket->receive_timeout_ms) {
    Close(socket, ETIMEDOUT);
  }
}

int64_t Loop::NextDue() const {
  if (!deferred_.empty() || !dirty_sockets_.empty() || !dirty_logs_.empty()) return 0;
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
