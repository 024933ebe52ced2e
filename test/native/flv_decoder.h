// Reads FLV tags back into messages, as strictly as a player would.
#ifndef SRS_TEST_FLV_DECODER_H_
#define SRS_TEST_FLV_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "message.h"

class FlvDecoder {
 public:
  // Tags know nothing of a chunk size.
  explicit FlvDecoder(uint32_t = 0) {}
  void Push(const uint8_t* data, size_t length);
  // Messages since the last call.
  std::vector<Message> Take();
  // What was wrong first; empty while the stream is well formed.
  const std::string& error() const { return error_; }
  // No byte of an unfinished tag waits.
  bool AtBoundary() const { return pending_.empty(); }

 private:
  bool ReadTag();

  std::string pending_;
  std::vector<Message> messages_;
  std::string error_;
};

#endif  // SRS_TEST_FLV_DECODER_H_
