// The logs of the loop, the players' places in them, and the pace at which sockets play.
#include <errno.h>

#include <algorithm>

#include "clock.h"
#include "loop.h"

namespace srs {

int Loop::CreateLog(const LogOptions& options) {
  auto state = std::make_unique<LogState>(options);
  if (free_logs_.empty()) {
    logs_.push_back(std::move(state));
    return static_cast<int>(logs_.size()) - 1;
  }
  int number = free_logs_.back();
  free_logs_.pop_back();
  logs_[number] = std::move(state);
  return number;
}

LiveLog* Loop::LogAt(int32_t log) {
  bool known = log >= 0 && static_cast<size_t>(log) < logs_.size() && logs_[log] != nullptr;
  return known ? &logs_[log]->log : nullptr;
}

void Loop::Append(int32_t log, uint8_t type, int64_t timestamp, uint8_t flags, int32_t header_slot,
                  const uint8_t* data, uint32_t length) {
  LiveLog* target = LogAt(log);
  if (target == nullptr) return;
  target->Append(type, timestamp, flags, header_slot, data, length);
  LogState* state = logs_[log].get();
  if (!state->realtime.empty() && !state->dirty) {
    state->dirty = true;
    dirty_logs_.push_back(state);
  }
  if (state->paced > 0) work_++;
  // Within a turn the alarm is set once, at its end.
  if (!in_turn_ && (state->paced > 0 || state->dirty)) ArmTimer();
}

void Loop::CloseLog(int32_t log) {
  if (LogAt(log) == nullptr) return;
  for (auto& socket : sockets_) {
    if (socket != nullptr && socket->cursor != nullptr && socket->log == log) Detach(socket->slot);
  }
  for (auto& reader : readers_) {
    if (reader != nullptr && reader->log == log) reader->reader.Leave();
  }
  LogState* state = logs_[log].get();
  dirty_logs_.erase(std::remove(dirty_logs_.begin(), dirty_logs_.end(), state), dirty_logs_.end());
  logs_[log].reset();
  free_logs_.push_back(log);
}

void Loop::Attach(int32_t slot, int32_t log, uint32_t stream_id, int64_t flush_ms,
                  LogFormat format) {
  Socket* socket = SocketAt(slot);
  LiveLog* target = LogAt(log);
  if (socket == nullptr || target == nullptr || !socket->IsOpen()) return;
  if (socket->IsLive()) Detach(slot);
  if (!socket->IsOpen()) return;
  socket->cursor = std::make_unique<Cursor>();
  socket->log = log;
  socket->flush_ms = flush_ms;
  EnterPace(socket);
  if (!JoinLog(target->In(format), socket->cursor.get(), stream_id, &socket->out)) {
    return Close(socket, ENOMEM);
  }
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
  logs_[socket->log]->log.FreeUnused();
  socket->cursor.reset();
  socket->log = -1;
}

void Loop::EnterPace(Socket* socket) {
  LogState* state = logs_[socket->log].get();
  if (socket->flush_ms > 0) {
    state->paced++;
    return flush_pacer_.Add(socket, socket->flush_ms, now_);
  }
  std::vector<Socket*>& realtime = state->realtime;
  socket->realtime_index = static_cast<uint32_t>(realtime.size());
  realtime.push_back(socket);
}

void Loop::LeavePace(Socket* socket) {
  LogState* state = logs_[socket->log].get();
  if (socket->flush_place.group != nullptr) {
    state->paced--;
    return flush_pacer_.Remove(socket);
  }
  std::vector<Socket*>& realtime = state->realtime;
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
  if (socket == nullptr || !socket->IsLive()) return;
  bool changes = socket->flush_ms != flush_ms;
  if (changes) {
    LeavePace(socket);
    socket->flush_ms = flush_ms;
    EnterPace(socket);
  }
  // At once means now: what waited, if only for the end of this turn, is sent before anything that
  // the owner writes next, or an end.
  if (flush_ms == 0) return Flush(socket, true);
  if (changes) MarkDirty(socket, true);
}

void Loop::SetDurationLimit(int32_t slot, int64_t limit_ms) {
  Socket* socket = SocketAt(slot);
  if (socket != nullptr && socket->IsLive()) socket->cursor->limit_ms = limit_ms;
}

int Loop::OpenReader(int32_t log, uint32_t stream_id, LogFormat format) {
  LiveLog* target = LogAt(log);
  if (target == nullptr) return -EBADF;
  auto state = std::make_unique<ReaderState>();
  state->log = log;
  if (!state->reader.Join(target->In(format), stream_id)) {
    state->reader.Leave();
    target->FreeUnused();
    return -ENOMEM;
  }
  int32_t number = static_cast<int32_t>(readers_.size());
  if (free_readers_.empty()) {
    readers_.push_back(std::move(state));
  } else {
    number = free_readers_.back();
    free_readers_.pop_back();
    readers_[number] = std::move(state);
  }
  ScheduleSweep(MonotonicMs() + kSweepMs);
  return number;
}

void Loop::CloseReader(int32_t reader) {
  if (ReaderAt(reader) == nullptr) return;
  int32_t log = readers_[reader]->log;
  bool live = readers_[reader]->reader.IsLive();
  readers_[reader].reset();
  free_readers_.push_back(reader);
  // The number of a closed log may be another one's now.
  if (live) logs_[log]->log.FreeUnused();
}

LogReader* Loop::ReaderAt(int32_t reader) {
  bool known = reader >= 0 && static_cast<size_t>(reader) < readers_.size();
  return known && readers_[reader] != nullptr ? &readers_[reader]->reader : nullptr;
}

}  // namespace srs
