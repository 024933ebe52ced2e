// Where sockets of the loop come from: listeners, and connections that go out.
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "epoll_tag.h"
#include "loop.h"

namespace srs {

namespace {
constexpr int kAcceptBatch = 256;
}  // namespace

int Loop::OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

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
  ScheduleSweep(now_ + kSweepMs);
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

}  // namespace srs
