// The sending half of the loop: own bytes and live media.
#include <errno.h>
#include <sys/socket.h>

#include <algorithm>

#include "log_plan.h"
#include "loop.h"

namespace srs {

namespace {
// One socket may take so many gathered writes before the others get theirs.
constexpr int kFlushRounds = 4;
// How long a peer may take to close its side after we closed ours.
constexpr int64_t kLingerMs = 3000;
// Own bytes from which on their sending is told.
constexpr size_t kTellDrained = 64 * 1024;
}  // namespace

int64_t Loop::Write(int32_t slot, const uint8_t* data, size_t length) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || !(socket->IsOpen() || socket->state == SocketState::kConnecting)) {
    return 0;
  }
  if (socket->out.size() + length > kMaxPending || !socket->out.Append(data, length)) {
    Close(socket, ENOBUFS);
    return -ENOBUFS;
  }
  // Whoever hands over so much waits for it to be gone, also when the kernel takes it at once.
  socket->tell_drained |= socket->out.size() >= kTellDrained;
  if (socket->IsOpen()) MarkDirty(socket, false);
  return static_cast<int64_t>(socket->out.size());
}

void Loop::MarkDirty(Socket* socket, bool media) {
  socket->flush_media |= media;
  if (socket->dirty) return;
  socket->dirty = true;
  dirty_sockets_.push_back(socket);
  if (!in_turn_) RequestTurn();
}

void Loop::FlushDirty() {
  std::vector<LogState*> logs;
  logs.swap(dirty_logs_);
  for (LogState* state : logs) FlushLog(state);
  std::vector<Socket*> sockets;
  sockets.swap(dirty_sockets_);
  for (Socket* socket : sockets) {
    bool media = socket->flush_media;
    socket->dirty = false;
    socket->flush_media = false;
    Flush(socket, media);
  }
}

void Loop::FlushLog(LogState* state) {
  state->dirty = false;
  // From the back: a flush that fails takes its socket out of the list.
  for (size_t i = state->realtime.size(); i-- > 0;) {
    if (i < state->realtime.size()) Flush(state->realtime[i], true);
  }
}

void Loop::Flush(Socket* socket, bool media) {
  if (!socket->HasDescriptor() || socket->state == SocketState::kConnecting) return;
  if (socket->blocked || (socket->IsLive() && socket->cursor->paused)) CheckLag(socket);
  if (socket->blocked || !socket->HasDescriptor()) return;
  bool more = true;
  for (int round = 0; more && round < kFlushRounds; round++) more = FlushOnce(socket, media);
  if (!socket->HasDescriptor()) return;
  if (more) {
    // Its turn is over; the socket is writable, so epoll brings it back in the next turn.
    socket->blocked = true;
    socket->tell_drained |= !socket->out.empty();
    socket->last_send = now_;
  }
  AfterFlush(socket);
}

bool Loop::FlushOnce(Socket* socket, bool media) {
  Cursor* cursor = socket->cursor.get();
  SendQueue& out = socket->out;
  bool play = cursor != nullptr && media && !cursor->paused;
  LogPlan plan;
  size_t own = 0;
  bool inside = cursor != nullptr && !cursor->AtBoundary();
  if (inside && (!out.empty() || !play)) {
    // Own bytes may only stand between two messages.
    plan.Add(*cursor, true);
  } else {
    plan.count = out.Gather(plan.vectors, LogPlan::kVectors / 2, &own);
    plan.bytes = own;
    if (play && own == out.size()) plan.Add(*cursor, false);
  }
  ssize_t sent = 0;
  if (plan.bytes > 0) {
    struct msghdr message = {};
    message.msg_iov = plan.vectors;
    message.msg_iovlen = plan.count;
    sent = sendmsg(socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      Close(socket, errno);
      return false;
    }
    sent = std::max<ssize_t>(sent, 0);
    stats_.writes++;
    stats_.bytes_sent += static_cast<uint64_t>(sent);
    socket->bytes_sent += static_cast<uint64_t>(sent);
  }
  auto total = static_cast<size_t>(sent);
  size_t own_sent = std::min(total, own);
  if (own_sent > 0) out.Consume(own_sent);
  uint64_t from = cursor != nullptr ? cursor->offset : 0;
  if (cursor != nullptr) plan.Commit(cursor, total - own_sent);
  if (total > 0 || total < plan.bytes) socket->last_send = now_;
  if (total < plan.bytes) {
    socket->blocked = true;
    socket->tell_drained |= !out.empty();
    return false;
  }
  if (play && EndAtLimit(cursor)) Emit(kEventPlayEnded, socket->slot, 0, 0);
  bool waiting = !out.empty() || (play && !cursor->paused && cursor->offset < cursor->log->end());
  // Frames that were left out take no bytes, but they are progress, too.
  bool moved = plan.bytes > 0 || (cursor != nullptr && cursor->offset != from);
  return moved && waiting;
}

void Loop::AfterFlush(Socket* socket) {
  Arm(socket);
  if (!socket->HasDescriptor() || socket->blocked || !socket->out.empty()) return;
  if (socket->tell_drained) {
    socket->tell_drained = false;
    if (socket->IsOpen()) Emit(kEventDrained, socket->slot, 0, 0);
  }
  if (socket->state == SocketState::kEnding) {
    shutdown(socket->fd, SHUT_WR);
    // The peer's end, which is awaited, may have come before.
    if (socket->read_ended) return Close(socket, 0);
    socket->state = SocketState::kLingering;
    socket->deadline = now_ + kLingerMs;
    Arm(socket);
  }
}

void Loop::CheckLag(Socket* socket) {
  if (!socket->IsLive()) return;
  Cursor* cursor = socket->cursor.get();
  if (cursor->paused) {
    ParkIfLagging(cursor, &socket->out);
  } else {
    JumpIfLagging(cursor, &socket->out);
  }
  if (socket->out.size() > kMaxPending) Close(socket, ENOBUFS);
}

}  // namespace srs
