// The sending half of the loop: own bytes, live media, and the players' places in the logs.
#include <errno.h>
#include <sys/socket.h>

#include <algorithm>

#include "clock.h"
#include "loop.h"

namespace srs {

namespace {
// One socket may take so many gathered writes before the others get theirs.
constexpr int kFlushRounds = 4;
// How long a peer may take to close its side after we closed ours.
constexpr int64_t kLingerMs = 3000;
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
  if (play && LimitReached(*cursor)) EndPlay(socket);
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

void Loop::EndPlay(Socket* socket) {
  socket->cursor->limit_ms = 0;
  socket->cursor->paused = true;
  socket->cursor->ended = true;
  Emit(kEventPlayEnded, socket->slot, 0, 0);
}

int Loop::CreateLog(const LogOptions& options) {
  auto state = std::make_unique<LogState>();
  state->log = std::make_unique<BroadcastLog>(options);
  if (free_logs_.empty()) {
    logs_.push_back(std::move(state));
    return static_cast<int>(logs_.size()) - 1;
  }
  int number = free_logs_.back();
  free_logs_.pop_back();
  logs_[number] = std::move(state);
  return number;
}

BroadcastLog* Loop::LogAt(int32_t log) {
  bool known = log >= 0 && static_cast<size_t>(log) < logs_.size() && logs_[log] != nullptr;
  return known ? logs_[log]->log.get() : nullptr;
}

void Loop::Append(int32_t log, uint8_t type, int64_t timestamp, uint8_t flags, int32_t header_slot,
                  const uint8_t* data, uint32_t length) {
  BroadcastLog* target = LogAt(log);
  if (target == nullptr) return;
  target->Append(type, timestamp, flags, header_slot, data, length);
  if (target->players() == 0) return;
  LogState* state = logs_[log].get();
  auto realtime = static_cast<int64_t>(state->realtime.size());
  if (realtime > 0 && !state->dirty) {
    state->dirty = true;
    dirty_logs_.push_back(state);
  }
  if (target->players() > realtime) work_++;
  // Within a turn the alarm is set once, at its end.
  if (!in_turn_) ArmTimer();
}

void Loop::CloseLog(int32_t log) {
  if (LogAt(log) == nullptr) return;
  for (auto& socket : sockets_) {
    if (socket != nullptr && socket->cursor != nullptr && socket->log == log) Detach(socket->slot);
  }
  LogState* state = logs_[log].get();
  dirty_logs_.erase(std::remove(dirty_logs_.begin(), dirty_logs_.end(), state), dirty_logs_.end());
  logs_[log].reset();
  free_logs_.push_back(log);
}

void Loop::Attach(int32_t slot, int32_t log, uint32_t stream_id, int64_t flush_ms) {
  Socket* socket = SocketAt(slot);
  BroadcastLog* target = LogAt(log);
  if (socket == nullptr || target == nullptr || !socket->IsOpen()) return;
  if (socket->IsLive()) Detach(slot);
  if (!socket->IsOpen()) return;
  socket->cursor = std::make_unique<Cursor>();
  socket->log = log;
  socket->flush_ms = flush_ms;
  if (!JoinLog(target, socket->cursor.get(), stream_id, &socket->out)) {
    return Close(socket, ENOMEM);
  }
  EnterPace(socket);
  if (socket->out.size() > kMaxPending) return Close(socket, ENOBUFS);
  MarkDirty(socket, true);
}

void Loop::Detach(int32_t slot) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || !socket->IsLive()) return;
  // The chunk stream must stay whole: the peer gets the rest of the message in flight.
  if (!FinishMessage(socket->cursor.get(), &socket->out)) return Close(socket, ENOMEM);
  DetachSocket(socket);
  MarkDirty(socket, false);
}

void Loop::DetachSocket(Socket* socket) {
  if (!socket->IsLive()) return;
  LeavePace(socket);
  LeaveLog(socket->cursor.get());
  socket->cursor.reset();
  socket->log = -1;
}

void Loop::EnterPace(Socket* socket) {
  if (socket->flush_ms > 0) return flush_pacer_.Add(socket, socket->flush_ms, now_);
  std::vector<Socket*>& realtime = logs_[socket->log]->realtime;
  socket->realtime_index = static_cast<uint32_t>(realtime.size());
  realtime.push_back(socket);
}

void Loop::LeavePace(Socket* socket) {
  if (socket->flush_place.group != nullptr) return flush_pacer_.Remove(socket);
  std::vector<Socket*>& realtime = logs_[socket->log]->realtime;
  Socket* last = realtime.back();
  realtime[socket->realtime_index] = last;
  last->realtime_index = socket->realtime_index;
  realtime.pop_back();
}

void Loop::SetPaused(int32_t slot, bool paused) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || !socket->IsLive()) return;
  if (paused) {
    socket->cursor->paused = true;
    return;
  }
  if (!Unpause(socket->cursor.get(), &socket->out)) return Close(socket, ENOMEM);
  CheckLag(socket);
  if (socket->HasDescriptor()) MarkDirty(socket, true);
}

void Loop::SetFlushMs(int32_t slot, int64_t flush_ms) {
  Socket* socket = SocketAt(slot);
  if (socket == nullptr || !socket->IsLive() || socket->flush_ms == flush_ms) return;
  LeavePace(socket);
  socket->flush_ms = flush_ms;
  EnterPace(socket);
  // At once means now: what waited is sent before anything that the owner writes next, or an end.
  if (flush_ms == 0) return Flush(socket, true);
  MarkDirty(socket, true);
}

void Loop::SetDurationLimit(int32_t slot, int64_t limit_ms) {
  Socket* socket = SocketAt(slot);
  if (socket != nullptr && socket->IsLive()) socket->cursor->limit_ms = limit_ms;
}

}  // namespace srs
