#include "log_plan.h"

#include <algorithm>

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
  int64_t unknown = log.options().absolute ? 0 : entry.timestamp;
  uint32_t time = PlayerTime(entry.timestamp, state.base_known ? state.base : unknown);
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

void LogPlan::StartTime(const BroadcastLog& log, const Entry& entry, State* state) {
  const bool absolute = log.options().absolute;
  if (!state->base_known) {
    state->base = absolute ? 0 : entry.timestamp;
    state->start = entry.timestamp;
    state->base_known = true;
  }
  // The duration counts anew where the publisher's clock went back past the start.
  if (absolute && state->start - entry.timestamp > kMaxInterleaveMs) state->start = entry.timestamp;
}

// Takes one entry; returns false when it is not the turn of anything after it.
bool LogPlan::AddEntry(const Cursor& cursor, const Entry& entry, uint64_t end, State* state) {
  const BroadcastLog& log = *cursor.log;
  uint8_t bit = BroadcastLog::BitOf(entry.type);
  if (state->wait_key && entry.type == kTypeVideo) {
    if (entry.flags & kInterFrame) {
      if (log.format() == LogFormat::kRtmp) state->unchained |= bit;
      list_[pieces_++] = Piece{0, end, *state, false, true};
      return true;
    }
    if ((entry.flags & kKeyFrame) && !(entry.flags & kSequenceHeader)) state->wait_key = false;
  }
  if (bit != 0) StartTime(log, entry, state);
  if (cursor.limit_ms > 0 && bit != 0 && entry.timestamp - state->start >= cursor.limit_ms) {
    return false;
  }
  bool absolute = (entry.flags & kAbsolute) != 0;
  bool early = bit != 0 && !log.options().absolute && entry.timestamp < state->base;
  if (early && absolute && state->base - entry.timestamp > kMaxInterleaveMs) {
    // The publisher's clock went back past this player's start: its time begins anew.
    state->start = state->base = entry.timestamp;
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
  State state{cursor.start, cursor.base, cursor.base_known, cursor.unchained, cursor.wait_key};
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
    cursor->start = piece.state.start;
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

}  // namespace srs
