#include "send_queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace srs {

namespace {
// A play reply sequence fits one small block; large bodies get blocks of their own size.
constexpr size_t kMinBlock = 2048;
constexpr size_t kMaxBlock = 256 * 1024;
}  // namespace

SendQueue::Block* SendQueue::NewBlock(size_t length) {
  size_t capacity = std::min(std::max(length, kMinBlock - sizeof(Block)), kMaxBlock);
  auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + capacity));
  if (block == nullptr) return nullptr;
  block->next = nullptr;
  block->capacity = static_cast<uint32_t>(capacity);
  block->begin = 0;
  block->end = 0;
  return block;
}

bool SendQueue::Append(const void* data, size_t length) {
  const auto* from = static_cast<const uint8_t*>(data);
  while (length > 0) {
    if (tail_ == nullptr || tail_->end == tail_->capacity) {
      Block* block = NewBlock(length);
      if (block == nullptr) return false;
      if (tail_ == nullptr) {
        head_ = block;
      } else {
        tail_->next = block;
      }
      tail_ = block;
    }
    size_t part = std::min<size_t>(length, tail_->capacity - tail_->end);
    std::memcpy(tail_->bytes() + tail_->end, from, part);
    tail_->end += static_cast<uint32_t>(part);
    size_ += part;
    from += part;
    length -= part;
  }
  return true;
}

bool SendQueue::Prepend(const void* data, size_t length) {
  const auto* from = static_cast<const uint8_t*>(data);
  // From the back to the front, so that each new head precedes the one before.
  while (length > 0) {
    size_t part = std::min(length, kMaxBlock);
    Block* block = NewBlock(part);
    if (block == nullptr) return false;
    std::memcpy(block->bytes(), from + (length - part), part);
    block->end = static_cast<uint32_t>(part);
    block->next = head_;
    head_ = block;
    if (tail_ == nullptr) tail_ = block;
    size_ += part;
    length -= part;
  }
  return true;
}

size_t SendQueue::Gather(struct iovec* vectors, size_t room, size_t* bytes) const {
  size_t count = 0;
  for (Block* block = head_; block != nullptr && count < room; block = block->next) {
    if (block->begin == block->end) continue;
    vectors[count].iov_base = block->bytes() + block->begin;
    vectors[count].iov_len = block->end - block->begin;
    *bytes += vectors[count].iov_len;
    count++;
  }
  return count;
}

void SendQueue::Consume(size_t length) {
  size_ -= length;
  while (head_ != nullptr) {
    size_t part = std::min<size_t>(length, head_->end - head_->begin);
    head_->begin += static_cast<uint32_t>(part);
    length -= part;
    if (head_->begin < head_->end) return;
    Block* done = head_;
    head_ = done->next;
    if (head_ == nullptr) tail_ = nullptr;
    std::free(done);
  }
}

void SendQueue::Clear() {
  while (head_ != nullptr) {
    Block* next = head_->next;
    std::free(head_);
    head_ = next;
  }
  tail_ = nullptr;
  size_ = 0;
}

}  // namespace srs
