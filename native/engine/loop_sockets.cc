// What happens to one socket of the loop: reading, closing, limits. Sending is in loop_flush.cc.
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

#include "epoll_tag.h"
#include "loop.h"

namespace srs {

namespace {
constexpr size_t kReadLimit = 128 * 1024;
// A read is only tried with so much room in the slab; otherwise the batch goes out first.
constexpr size_t kMinReadRoom = 16 * 1024;
}  // namespace

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
    EndOfInput(socket);
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

// The peer will send no more. Where our side stays open, so that it gets what we still have to say,
// the end must not be read again and again.
void Loop::EndOfInput(Socket* socket) {
  bool told = socket->IsOpen();
  if (told && !socket->half_open) return Close(socket, 0);
  socket->read_ended = true;
  Arm(socket);
  if (told && socket->HasDescriptor()) Emit(kEventEnded, socket->slot, 0, 0);
}

// The owner has ended this socket; what the peer still sends is taken off so that the kernel does
// not answer with a reset, which would destroy our last words on their way.
void Loop::Discard(Socket* socket) {
  static uint8_t nowhere[16 * 1024];
  ssize_t got = recv(socket->fd, nowhere, sizeof(nowhere), 0);
  if (got == 0)
    return socket->state == SocketState::kEnding ? EndOfInput(socket) : Close(socket, 0);
  if (got < 0 && errno != EAGAIN && errno != EINTR) Close(socket, errno);
}

void Loop::Arm(Socket* socket) {
  uint32_t wanted = (socket->Reads() ? EPOLLIN : 0u) | (socket->blocked ? EPOLLOUT : 0u);
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

void Loop::SetHalfOpen(int32_t slot, bool on) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || !socket->HasDescriptor()) return;
  socket->half_open = on;
  if (!on && socket->IsOpen() && socket->read_ended) Close(socket, 0);
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

}  // namespace srs
