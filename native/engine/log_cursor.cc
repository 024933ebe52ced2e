#include "log_cursor.h"

#include <algorithm>
#include <vector>

#include "send_queue.h"

namespace srs {

namespace {

// Size of an entry as rendered with an absolute header of `header` bytes.
uint64_t RenderedSize(const BroadcastLog& log, const Entry& entry, uint64_t end, size_t header) {
  uint64_t size = header + (end - entry.offset - kDeltaHeaderSize);
  // An extended timestamp stands again in each continuation chunk (RTMP 1.0 section 5.3.1.3).
  if (header == kMaxAbsoluteHeaderSize) {
    size += 4ull * Continuations(entry.length, log.options().chunk_size);
  }
  return size;
}

// A step back of this much is interleaving; a longer one is another timeline, ms.
constexpr int64_t kMaxInterleaveMs = 1000;

// Never before the player's start, where the other kind of message may have begun a little later.
uint32_t PlayerTime(int64_t timestamp, int64_t base) {
  return static_cast<uint32_t>(std::max<int64_t>(0, timestamp - base));
}

}  // namespace

void LogPlan::AddVector(const uint8_t* data, size_t length) {
  vectors[count].iov_base = const_cast<uint8_t*>(data);
  vectors[count].iov_len = length;
  count++;
  bytes += length;
}

size_t LogPlan::AddRange(const BroadcastLog& log, uint64_t from, uint64_t to) {
  uint64_t at = from;
  while (at < to && count < kVectors && bytes < kMaxBytes) {
    size_t length;
    const uint8_t* data = log.BytesAt(at, to, &length);
    AddVector(data, length);
    at += length;
  }
  return static_cast<size_t>(at - from);
}

uint64_t LogPlan::AddPlain(const BroadcastLog& log, uint64_t from, uint64_t to,
                           const State& state) {
  size_t added = AddRange(log, from, to);
  list_[pieces_++] = Piece{added, from + added, state, false, false};
  return from + added;
}

void LogPlan::AddRendered(const Cursor& cursor, const Entry& entry, uint64_t end,
                          const State& state, uint32_t skip) {
  const BroadcastLog& log = *cursor.log;
  uint32_t time = PlayerTime(entry.timestamp, state.base_known ? state.base : entry.timestamp);
  uint8_t* header = scratch_ + scratch_used_;
  size_t header_size = PutAbsoluteHeader(header, entry.type, time, entry.length, cursor.stream_id);
  scratch_used_ += header_size;
  uint64_t total = RenderedSize(log, entry, end, header_size) - skip;
  list_[pieces_++] = Piece{static_cast<size_t>(total), end, state, true, false};

  uint64_t left_to_skip = skip;
  auto emit = [&](const uint8_t* data, size_t length) {
    if (left_to_skip >= length) {
      left_to_skip -= length;
    } else if (count < kVectors) {
      AddVector(data + left_to_skip, length - left_to_skip);
      left_to_skip = 0;
    }
  };
  auto emit_log = [&](uint64_t from, uint64_t to) {
    uint64_t passed = std::min(left_to_skip, to - from);
    left_to_skip -= passed;
    return from + passed + AddRange(log, from + passed, to) == to;
  };

  emit(header, header_size);
  uint64_t at = entry.offset + kDeltaHeaderSize;
  if (header_size < kMaxAbsoluteHeaderSize) {
    emit_log(at, end);
    return;
  }
  const uint64_t chunk = log.options().chunk_size;
  while (emit_log(at, std::min(at + chunk, end)) && at + chunk < end && count < kVectors) {
    at += chunk;
    // The type 3 header stands in the log; the extended timestamp follows it for this player.
    if (!emit_log(at, at + 1) || (left_to_skip == 0 && count >= kVectors)) return;
    emit(header + 12, 4);
    at += 1;
  }
}

// Takes one entry; returns false when it is not the turn of anything after it.
bool LogPlan::AddEntry(const Cursor& cursor, const Entry& entry, uint64_t end, State* state) {
  const BroadcastLog& log = *cursor.log;
  uint8_t bit = BroadcastLog::BitOf(entry.type);
  if (state->wait_key && entry.type == kTypeVideo) {
    if (entry.flags & kInterFrame) {
      state->unchained |= bit;
      list_[pieces_++] = Piece{0, end, *state, false, true};
      return true;
    }
    if ((entry.flags & kKeyFrame) && !(entry.flags & kSequenceHeader)) state->wait_key = false;
  }
  if (bit != 0 && !state->base_known) {
    state->base = log.options().absolute ? 0 : entry.timestamp;
    state->base_known = true;
  }
  if (cursor.limit_ms > 0 && bit != 0 && entry.timestamp - state->base >= cursor.limit_ms) {
    return false;
  }
  bool absolute = (entry.flags & kAbsolute) != 0;
  bool early = bit != 0 && !log.options().absolute && entry.timestamp < state->base;
  if (early && absolute && state->base - entry.timestamp > kMaxInterleaveMs) {
    // The publisher's clock went back past this player's start: its time begins anew.
    state->base = entry.timestamp;
    early = false;
  }
  if (!absolute && !early && (state->unchained & bit) == 0) {
    return AddPlain(log, entry.offset, end, *state) == end;
  }
  // The deltas only hold from a message on whose time was not moved to the start.
  state->unchained = static_cast<uint8_t>(early ? state->unchained | bit : state->unchained & ~bit);
  size_t before = bytes;
  AddRendered(cursor, entry, end, *state, 0);
  return bytes - before == list_[pieces_ - 1].bytes;
}

void LogPlan::Add(const Cursor& cursor, bool only_message) {
  const BroadcastLog& log = *cursor.log;
  State state{cursor.base, cursor.base_known, cursor.unchained, cursor.wait_key};
  uint64_t at = cursor.offset;

  if (cursor.skip > 0) {
    uint64_t sequence;
    const Entry& entry = log.EntryAt(at, &sequence);
    uint64_t end = log.EndOf(sequence);
    size_t before = bytes;
    AddRendered(cursor, entry, end, state, cursor.skip);
    if (only_message || bytes - before < list_[pieces_ - 1].bytes) return;
    at = end;
  } else if (cursor.inside_until != 0 && (only_message || cursor.Careful())) {
    at = AddPlain(log, at, cursor.inside_until, state);
    if (only_message || at < cursor.inside_until) return;
  } else if (only_message) {
    return;
  }

  while (at < log.end() && HasRoom()) {
    bool careful =
        !state.base_known || state.unchained != 0 || state.wait_key || cursor.limit_ms > 0;
    uint64_t absolute = careful ? at : log.NextAbsolute(at);
    if (absolute > at) {
      if (AddPlain(log, at, absolute, state) < absolute) return;
      at = absolute;
      continue;
    }
    uint64_t sequence;
    const Entry& entry = log.EntryAt(at, &sequence);
    uint64_t end = log.EndOf(sequence);
    if (!AddEntry(cursor, entry, end, &state)) return;
    at = end;
  }
}

void LogPlan::Commit(Cursor* cursor, size_t sent) {
  BroadcastLog* log = cursor->log;
  uint64_t at = cursor->offset;
  cursor->inside_until = 0;
  for (size_t i = 0; i < pieces_; i++) {
    const Piece& piece = list_[i];
    if (sent == 0 && piece.bytes > 0) break;
    // Even a piece that went out in part settles its state: what is left of it is fixed by `skip`.
    cursor->base = piece.state.base;
    cursor->base_known = piece.state.base_known;
    cursor->unchained = piece.state.unchained;
    cursor->wait_key = piece.state.wait_key;
    if (sent < piece.bytes) {
      if (piece.rendered) {
        cursor->skip += static_cast<uint32_t>(sent);
      } else {
        at = piece.next - (piece.bytes - sent);
      }
      break;
    }
    if (piece.dropped) {
      cursor->dropped++;
      cursor->sequence++;
    }
    cursor->skip = 0;
    sent -= piece.bytes;
    at = piece.next;
  }
  log->MovePin(cursor, at);
  if (cursor->skip > 0 || at == log->end()) return;
  uint64_t sequence;
  const Entry& entry = log->EntryAt(at, &sequence);
  if (entry.offset < at) cursor->inside_until = log->EndOf(sequence);
}

namespace {

bool AppendHeader(const Header& header, uint32_t time, const Cursor& cursor, SendQueue* out) {
  const uint32_t chunk = cursor.log->options().chunk_size;
  const auto length = static_cast<uint32_t>(header.payload->size());
  uint8_t first[kMaxAbsoluteHeaderSize];
  size_t size = PutAbsoluteHeader(first, header.type, time, length, cursor.stream_id);
  uint8_t next[5] = {static_cast<uint8_t>(0xC0 | ChunkStreamOf(header.type))};
  Put32(next + 1, time);
  bool fine = out->Append(first, size);
  for (uint32_t done = 0; fine && done < length; done += chunk) {
    if (done > 0) fine = out->Append(next, size == kMaxAbsoluteHeaderSize ? 5 : 1);
    fine = fine && out->Append(header.payload->data() + done, std::min(chunk, length - done));
  }
  return fine;
}

// Places the cursor at the newest GOP, or at the end, with what a decoder needs before it.
bool Enter(Cursor* cursor, bool at_gop, SendQueue* out) {
  BroadcastLog* log = cursor->log;
  const bool absolute = log->options().absolute;
  int64_t start = at_gop ? log->Gop().timestamp : log->last_timestamp();
  if (absolute || at_gop) {
    if (!cursor->base_known) cursor->base = absolute ? 0 : start;
    cursor->base_known = true;
  }
  cursor->unchained = log->chained();
  cursor->wait_key = !at_gop && log->seen_key_frame();
  cursor->sequence = at_gop ? log->gop_sequence() : log->end_sequence();
  cursor->inside_until = 0;
  cursor->skip = 0;

  const auto& headers = at_gop ? log->gop_headers() : log->headers();
  // An unread preface of the same content would only pile up before a player that takes nothing.
  bool repeated =
      !out->empty() && cursor->preface == headers && cursor->preface_offset == cursor->offset;
  log->MovePin(cursor, at_gop ? log->Gop().offset : log->end());
  cursor->preface = headers;
  cursor->preface_offset = cursor->offset;
  if (repeated) return true;
  int64_t time = cursor->base_known ? std::max<int64_t>(0, start - cursor->base) : 0;
  for (const Header& header : *headers) {
    if (!AppendHeader(header, PlayerTime(time, 0), *cursor, out)) return false;
  }
  return true;
}

}  // namespace

bool FinishMessage(Cursor* cursor, SendQueue* out) {
  std::vector<uint8_t> rest;
  while (!cursor->AtBoundary()) {
    LogPlan plan;
    plan.Add(*cursor, true);
    for (size_t i = 0; i < plan.count; i++) {
      const auto* data = static_cast<const uint8_t*>(plan.vectors[i].iov_base);
      rest.insert(rest.end(), data, data + plan.vectors[i].iov_len);
    }
    plan.Commit(cursor, plan.bytes);
  }
  return rest.empty() || out->Prepend(rest.data(), rest.size());
}

bool JoinLog(BroadcastLog* log, Cursor* cursor, uint32_t stream_id, SendQueue* out) {
  cursor->log = log;
  cursor->stream_id = stream_id;
  log->Pin(cursor, log->end());
  return Enter(cursor, log->has_gop(), out);
}

void LeaveLog(Cursor* cursor) {
  if (cursor->log == nullptr) return;
  cursor->log->Unpin(cursor);
  cursor->log = nullptr;
}

bool LimitReached(const Cursor& cursor) {
  if (cursor.limit_ms <= 0 || !cursor.base_known || !cursor.AtBoundary() ||
      cursor.offset == cursor.log->end()) {
    return false;
  }
  uint64_t sequence;
  const Entry& entry = cursor.log->EntryAt(cursor.offset, &sequence);
  return BroadcastLog::BitOf(entry.type) != 0 && entry.timestamp - cursor.base >= cursor.limit_ms;
}

int64_t LagOf(const Cursor& cursor) {
  const BroadcastLog& log = *cursor.log;
  if (cursor.offset == log.end()) return 0;
  uint64_t sequence;
  return log.clock() - log.EntryAt(cursor.offset, &sequence).clock;
}

uint64_t MessagesOf(const Cursor& cursor) {
  const BroadcastLog& log = *cursor.log;
  uint64_t sequence = log.end_sequence();
  if (cursor.offset != log.end()) log.EntryAt(cursor.offset, &sequence);
  return cursor.messages + (sequence - cursor.sequence);
}

namespace {

bool LagsTooFar(const Cursor& cursor) {
  const BroadcastLog& log = *cursor.log;
  if (cursor.offset == log.end()) return false;
  uint64_t sequence;
  const Entry& entry = log.EntryAt(cursor.offset, &sequence);
  return log.clock() - entry.clock > log.options().queue_ms ||
         log.CostFrom(cursor.offset, sequence) > BroadcastLog::kMaxLagBytes;
}

// Accounts for leaving out everything before the message number `to`.
void SkipTo(Cursor* cursor, uint64_t to) {
  uint64_t from = cursor->log->end_sequence();
  if (cursor->offset != cursor->log->end()) cursor->log->EntryAt(cursor->offset, &from);
  cursor->messages += from - cursor->sequence;
  cursor->dropped += to - from;
  cursor->sequence = to;
}

}  // namespace

bool JumpIfLagging(Cursor* cursor, SendQueue* out) {
  BroadcastLog* log = cursor->log;
  if (!LagsTooFar(*cursor) || !FinishMessage(cursor, out)) return false;
  bool at_gop = log->has_gop() && log->Gop().offset > cursor->offset;
  SkipTo(cursor, at_gop ? log->gop_sequence() : log->end_sequence());
  cursor->jumps++;
  return Enter(cursor, at_gop, out);
}

bool ParkIfLagging(Cursor* cursor, SendQueue* out) {
  BroadcastLog* log = cursor->log;
  if (!cursor->parked && (!LagsTooFar(*cursor) || !FinishMessage(cursor, out))) return false;
  SkipTo(cursor, log->end_sequence());
  log->MovePin(cursor, log->end());
  if (!cursor->parked) cursor->jumps++;
  cursor->parked = true;
  return true;
}

bool Unpause(Cursor* cursor, SendQueue* out) {
  cursor->paused = false;
  if (!cursor->parked) return true;
  cursor->parked = false;
  return Enter(cursor, cursor->log->has_gop(), out);
}

}  // namespace srs
